"""Colour, blur and noise (paper section 3.1), drifting over a sequence as light and cameras do."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator


@dataclass(frozen=True)
class Look:
    """How a layer looks, at a sequence's first and last frame."""

    brightness: tuple[float, float]  # added, of 0..1
    contrast: tuple[float, float]
    saturation: tuple[float, float]
    gain: tuple[tuple[float, float, float], tuple[float, float, float]]  # RGB: the light's colour
    hue: tuple[float, float]  # turn about the gray axis, radians

    @classmethod
    def random(cls, rng: Generator, strength: float) -> "Look":
        def pair(middle: float, spread: float) -> tuple[float, float]:
            start = middle + rng.normal(0, spread * strength)
            return start, start + rng.normal(0, spread * strength * 0.2)

        gains = np.exp(rng.normal(0, 0.12 * strength, 3))
        drift = gains * np.exp(rng.normal(0, 0.02 * strength, 3))
        return cls(
            brightness=pair(0, 0.08),
            contrast=pair(1, 0.15),
            saturation=pair(1, 0.25),
            gain=(tuple(gains), tuple(drift)),
            hue=pair(0, 0.12) if rng.random() < 0.5 else (0.0, 0.0),
        )

    def apply(self, picture: np.ndarray, moment: float) -> np.ndarray:
        """uint8 [H, W, 3] → uint8, by one 3x4 matrix. moment: 0 the first frame, 1 the last."""

        def at(pair: tuple[float, float]) -> float:
            return pair[0] + (pair[1] - pair[0]) * moment

        gain = np.array(self.gain[0]) * (1 - moment) + np.array(self.gain[1]) * moment
        gray = np.full((3, 3), 1 / 3)
        saturation = gray + (np.eye(3) - gray) * max(0.0, at(self.saturation))
        contrast = max(0.3, at(self.contrast))
        matrix = contrast * gain[:, None] * (saturation @ hue_rotation(at(self.hue)))
        offset = np.full((3, 1), 127.5 * (1 - contrast) + at(self.brightness) * 255)
        return cv2.transform(picture, np.hstack([matrix, offset]))


def hue_rotation(angle: float) -> np.ndarray:
    """Rotation of RGB about (1, 1, 1): grays stay."""
    cos, sin = np.cos(angle), np.sin(angle)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    return cos * np.eye(3) + sin * cross + (1 - cos) * np.full((3, 3), 1 / 3)


@dataclass(frozen=True)
class Camera:
    """What a camera adds to the whole picture."""

    blur: float  # sigma, pixels
    noise: float  # sigma, of 0..255; new in every frame
    gamma: float
    quality: int  # JPEG's; 0: not compressed

    @classmethod
    def random(cls, rng: Generator) -> "Camera":
        return cls(
            blur=rng.uniform(0.3, 1.2) if rng.random() < 0.25 else 0,
            noise=rng.uniform(0.5, 8) if rng.random() < 0.5 else 0,
            gamma=float(np.exp(rng.normal(0, 0.25))) if rng.random() < 0.5 else 1,
            quality=int(rng.integers(40, 90)) if rng.random() < 0.2 else 0,
        )

    def without_noise(self) -> "Camera":
        """The same lens and curve, nothing random."""
        return replace(self, noise=0, quality=0)

    def apply(self, picture: np.ndarray, rng: Generator) -> np.ndarray:
        """uint8 [H, W, 3] → uint8."""
        if self.blur:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        if self.gamma != 1:
            table = (np.linspace(0, 1, 256) ** self.gamma * 255).round().astype(np.uint8)
            picture = cv2.LUT(picture, table)
        if self.noise:
            noise = rng.standard_normal(picture.shape, dtype=np.float32) * self.noise
            picture = np.clip(picture + noise, 0, 255).round().astype(np.uint8)
        if self.quality:
            _, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
        return picture
