"""How light the skin is on the held-out photos: patches marked by hand, by eye, of an evenly lit cheek or forehead."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

PATCHES = Path(__file__).with_name("skin_patches.csv")


@dataclass(frozen=True)
class Patch:
    """A square of skin, pixels of the photo."""

    left: int
    top: int
    side: int


def skin_patches() -> dict[str, Patch]:
    """By the photo's name; a painted face has none."""
    with PATCHES.open(newline="") as file:
        return {
            row["photo"]: Patch(left=int(row["left"]), top=int(row["top"]), side=int(row["side"]))
            for row in csv.DictReader(file)
        }


def skin_lightness(picture: np.ndarray, patch: Patch) -> float:
    """Median CIE L* (0..100) of a patch of a picture, uint8 [H, W, 3]. It measures the light as well as the skin."""
    cut = picture[patch.top : patch.top + patch.side, patch.left : patch.left + patch.side]
    return float(np.median(lightness(cut)))


def lightness(picture: np.ndarray) -> np.ndarray:
    """CIE L* [H, W], 0..100, of a picture in sRGB, uint8 [H, W, 3]."""
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
