"""Reading pictures; a file that cannot be read is an error that names it."""

from pathlib import Path

import cv2
import numpy as np

# One sample is made on one core: OpenCV's own threads would fight with the trainer's.
cv2.setNumThreads(0)

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


class DataError(Exception):
    """Training data that are not as their layout says; the message says what to do."""


def read_rgb(path: Path) -> np.ndarray:
    """uint8 [H, W, 3]."""
    return cv2.cvtColor(_read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_gray(path: Path) -> np.ndarray:
    """uint8 [H, W]: an alpha or a mask."""
    return _read(path, cv2.IMREAD_GRAYSCALE)


def pictures_in(folder: Path) -> list[Path]:
    """Sorted by name; an error where there is none."""
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}: the dataset's layout needs it.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_ENDINGS)
    if not found:
        raise DataError(f"{folder} holds no pictures ({', '.join(PICTURE_ENDINGS)}).")
    return found


def _read(path: Path, how: int) -> np.ndarray:
    picture = cv2.imread(str(path), how)
    if picture is None:
        raise DataError(f"{path} cannot be read as a picture: get it again, or remove it from the dataset.")
    return picture
