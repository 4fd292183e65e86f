"""Sequences for the paper's training; each a function of its number and the run's seed."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from ..data.colour import Camera, Look
from ..data.motion import camera_windows, moments, placed, warp
from ..data.temporal import frame_places
from ..datasets import Backgrounds, Foregrounds, Segmentations


@dataclass(frozen=True)
class MattingSample:
    """A composite and what it was made of."""

    source: np.ndarray  # uint8 [T, H, W, 3]
    foreground: np.ndarray  # uint8 [T, H, W, 3]
    alpha: np.ndarray  # uint8 [T, H, W]


def matting_sample(
    foregrounds: Foregrounds,
    item: tuple[int, int],
    backgrounds: Backgrounds,
    rng: Generator,
    size: tuple[int, int],
    frames: int,
) -> MattingSample:
    """
    A foreground on a background, each with its own motion. item: number and first frame; size: rows, columns.
    """
    number, start = item
    places = frame_places(rng, start, foregrounds.lengths()[number], frames)
    behind = _background(backgrounds, rng, size, frames)
    look, camera, way = Look.random(rng, 0.8), Camera.random(rng), moments(rng, frames)
    matrices: list[np.ndarray] = []
    read: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    sources, colours, alphas = [], [], []
    for t, place in enumerate(places):
        if place not in read:
            read = {place: foregrounds.frame(number, place)}  # neighbours often repeat, distant frames do not
        colour, alpha = read[place]
        if not matrices:
            matrices = _ways(rng, colour.shape[:2], size, way)
        colour = warp(colour, matrices[t], size, cv2.BORDER_REPLICATE)
        alpha = warp(alpha, matrices[t], size, cv2.BORDER_CONSTANT)
        colour = look.apply(colour, way[t])
        part = alpha[..., None].astype(np.float32) / 255
        source = (colour * part + behind[t] * (1 - part) + 0.5).astype(np.uint8)
        sources.append(camera.apply(source, rng))
        # The truth of colour is what the camera would make of it, without the noise of its own.
        colours.append(camera.without_noise().apply(colour, rng))
        alphas.append(alpha)
    return MattingSample(np.stack(sources), np.stack(colours), np.stack(alphas))


def segmentation_sample(
    segmentations: Segmentations, item: tuple[int, int], rng: Generator, size: tuple[int, int], frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """
    A clip or a picture with its masks: the same augmentation, but no motion of our own. Returns uint8 [T, H, W, 3] and
    [T, H, W].
    """
    number, start = item
    places = frame_places(rng, start, segmentations.lengths()[number], frames)
    look, camera = Look.random(rng, 0.8), Camera.random(rng)
    window: np.ndarray | None = None
    pictures, masks = [], []
    for t, place in enumerate(places):
        picture, mask = segmentations.frame(number, place)
        if window is None:
            window = camera_windows(rng, picture.shape[:2], size, 1, smallest=0.5, travel=0)[0]
        picture = look.apply(warp(picture, window, size, cv2.BORDER_REPLICATE), t / max(1, frames - 1))
        pictures.append(camera.apply(picture, rng))
        masks.append(warp(mask, window, size, cv2.BORDER_REPLICATE))
    return np.stack(pictures), np.stack(masks)


def _background(backgrounds: Backgrounds, rng: Generator, size: tuple[int, int], frames: int) -> list[np.ndarray]:
    lengths = backgrounds.lengths()
    number = int(rng.integers(len(lengths)))
    places = frame_places(rng, int(rng.integers(lengths[number])), lengths[number], frames)
    look = Look.random(rng, 1)
    steps = np.linspace(0, 1, frames)
    pictures: list[np.ndarray] = []
    windows: list[np.ndarray] = []
    last: tuple[int, np.ndarray] | None = None
    for place, step in zip(places, steps, strict=True):
        if last is None or last[0] != place:
            last = (place, backgrounds.frame(number, place))
        if not windows:
            way = float(rng.gamma(1, 0.02)) * frames if rng.random() < 0.7 else 0.0
            windows = camera_windows(rng, last[1].shape[:2], size, frames, smallest=0.5, travel=min(1, way))
        pictures.append(look.apply(warp(last[1], windows[len(pictures)], size, cv2.BORDER_REFLECT), step))
    return pictures


def _ways(rng: Generator, layer: tuple[int, int], size: tuple[int, int], way: np.ndarray) -> list[np.ndarray]:
    """Affine motion over time: shift, scale and rotation from a first pose to a last one."""
    fit = min(size[0] / layer[0], size[1] / layer[1])
    scales = fit * rng.uniform(0.8, 1.5) * np.exp(rng.normal(0, 0.1, 2))
    turns = rng.normal(0, 4, 2)
    middle = np.array([size[1], size[0]]) / 2
    shifts = [middle + rng.normal(0, 0.1, 2) * middle * 2 for _ in range(2)]
    flip = rng.random() < 0.5
    centre = np.array([layer[1], layer[0]]) / 2 - 0.5
    return [
        placed(
            centre,
            shifts[0] + (shifts[1] - shifts[0]) * moment - 0.5,
            (scales[0] + (scales[1] - scales[0]) * moment,) * 2,
            turns[0] + (turns[1] - turns[0]) * moment,
            flip,
        )
        for moment in way
    ]
