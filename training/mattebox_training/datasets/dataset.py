"""What a dataset can be: foregrounds with alpha, backgrounds, or pictures with masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..data.pictures import DataError, pictures_in, read_gray, read_rgb


class Foregrounds(Protocol):
    """Persons with true alpha: clips, or single pictures (clips of one frame)."""

    def lengths(self) -> Sequence[int]:
        """Frames of every item."""

    def frame(self, item: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Foreground colour uint8 [H, W, 3] and alpha uint8 [H, W]."""


class Backgrounds(Protocol):
    """Clips or single pictures without people."""

    def lengths(self) -> Sequence[int]:
        """Frames of every item."""

    def frame(self, item: int, place: int) -> np.ndarray:
        """uint8 [H, W, 3]"""


class Segmentations(Protocol):
    """Pictures or clips with people, and the mask of all of them."""

    def lengths(self) -> Sequence[int]:
        """Frames of every item."""

    def frame(self, item: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Picture uint8 [H, W, 3] and mask uint8 [H, W], 0 or 255."""


@dataclass(frozen=True)
class PairedFiles:
    """Items whose every frame is a picture file and a matte file."""

    items: tuple[tuple[tuple[Path, Path], ...], ...]

    def lengths(self) -> Sequence[int]:
        return [len(item) for item in self.items]

    def frame(self, item: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        picture, matte = (path for path in self.items[item][place])
        colour, alpha = read_rgb(picture), read_gray(matte)
        if colour.shape[:2] != alpha.shape:
            sizes = f"{colour.shape[1]}x{colour.shape[0]} and {alpha.shape[1]}x{alpha.shape[0]}"
            raise DataError(f"{picture} and {matte} differ in size ({sizes}): a pair must be of one size.")
        return colour, alpha


@dataclass(frozen=True)
class PictureFiles:
    """Items whose every frame is a picture file."""

    items: tuple[tuple[Path, ...], ...]

    def lengths(self) -> Sequence[int]:
        return [len(item) for item in self.items]

    def frame(self, item: int, place: int) -> np.ndarray:
        return read_rgb(self.items[item][place])


def paired(pictures: Path, mattes: Path) -> list[tuple[Path, Path]]:
    """Files of two folders with the same stem; every picture must have its matte."""
    by_stem = {path.stem: path for path in pictures_in(mattes)}
    found = []
    for picture in pictures_in(pictures):
        if picture.stem not in by_stem:
            raise DataError(f"{picture} has no partner in {mattes}: both folders need the same names.")
        found.append((picture, by_stem[picture.stem]))
    return found


def folders_in(folder: Path) -> list[Path]:
    """Sorted by name; an error where there is none."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}: the dataset's layout needs it.")
    found = sorted(path for path in folder.iterdir() if path.is_dir())
    if not found:
        raise DataError(f"{folder} holds no folders, one a clip.")
    return found
