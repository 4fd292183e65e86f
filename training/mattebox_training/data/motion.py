"""Motion over time: where a layer stands in each frame (paper section 3.1: motion augmentation)."""

import cv2
import numpy as np
from numpy.random import Generator


def moments(rng: Generator, frames: int) -> np.ndarray:
    """
    How far along its way something is in each frame, 0..1: eased, mostly steady, sometimes with a pause, sometimes
    there and back. [T]
    """
    t = np.linspace(0, 1, frames) if frames > 1 else np.zeros(1)
    kind = rng.random()
    if kind < 0.15:  # a pause at the end or the beginning
        t = np.clip(t * 2 - rng.integers(2), 0, 1)
    elif kind < 0.3 and frames > 4:  # there and back
        t = 1 - np.abs(1 - 2 * t)
    if rng.random() < 0.5:
        t = t * t * (3 - 2 * t)
    return t[::-1] if rng.random() < 0.3 else t


def warp(layer: np.ndarray, matrix: np.ndarray, size: tuple[int, int], border: int) -> np.ndarray:
    """
    The layer under a 2x3 matrix (from its pixels to the frame's), averaged first where it shrinks so that nothing
    aliases. size: rows, columns.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    matrix = matrix.copy()
    if scale < 0.7:
        small = (max(1, round(layer.shape[1] * scale)), max(1, round(layer.shape[0] * scale)))
        sx, sy = layer.shape[1] / small[0], layer.shape[0] / small[1]
        layer = cv2.resize(layer, small, interpolation=cv2.INTER_AREA)
        # Half-pixel centres: x = sx · (x' + 0.5) − 0.5.
        matrix[:, 2] += matrix[:, :2] @ np.array([sx / 2 - 0.5, sy / 2 - 0.5])
        matrix[:, :2] *= np.array([sx, sy])
    return cv2.warpAffine(layer, matrix, (size[1], size[0]), flags=cv2.INTER_LINEAR, borderMode=border)


def placed(centre: np.ndarray, to: np.ndarray, scale: tuple[float, float], degrees: float, flip: bool) -> np.ndarray:
    """2x3 matrix that brings a layer's point `centre` (x, y) to the frame's point `to`, scaled in x and y, rotated."""
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation @ np.diag([-scale[0] if flip else scale[0], scale[1]])
    return np.hstack([linear, (to - linear @ centre)[:, None]])


def camera_windows(
    rng: Generator, source: tuple[int, int], size: tuple[int, int], frames: int, smallest: float, travel: float
) -> list[np.ndarray]:
    """
    A camera that looks at a part of a picture and moves: 2x3 matrices, one a frame. source, size: rows, columns.

    smallest: least part of the picture's largest window that is seen; travel: how far the window may move, in parts of
    itself, over the sequence. The window never leaves the picture.
    """
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    # The largest window of (nearly) the frame's aspect that fits into the picture.
    fit = min(source[1] / (size[1] * stretch), source[0] / size[0])
    flip = rng.random() < 0.5
    first = rng.uniform(smallest, 1)
    last = np.clip(first * np.exp(rng.normal(0, travel / 2)), smallest, 1)
    tilt = rng.normal(0, 2) if rng.random() < 0.3 else 0.0
    where = rng.random(2)
    towards = np.clip(where + rng.uniform(-travel, travel, 2), 0, 1)
    matrices = []
    for moment in moments(rng, frames):
        part = first + (last - first) * moment
        window = np.array([size[1] * stretch, size[0]]) * fit * part
        free = np.array([source[1], source[0]]) - window
        centre = free * (where + (towards - where) * moment) + window / 2 - 0.5
        scale = (size[1] / window[0], size[0] / window[1])
        middle = np.array([size[1], size[0]]) / 2 - 0.5
        matrices.append(placed(centre, middle, scale, tilt * (0.5 - moment), flip))
    return matrices
