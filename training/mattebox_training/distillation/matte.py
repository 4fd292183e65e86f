"""Matting as the engine does it by default: ratio auto, deep refiner unless low and full resolution are equal."""

import cv2
import numpy as np
import torch

from ..network import MattingNetwork, full_resolution
from ..network.matting_network import NO_MEMORY, States
from .low_resolution import low_resolution


@torch.no_grad()
def matte(
    network: MattingNetwork, picture: np.ndarray, states: States = NO_MEMORY
) -> tuple[np.ndarray, np.ndarray, States]:
    """
    One frame, uint8 [H, W, 3]. Returns foreground [H, W, 3] and alpha [H, W], 0..1, and the states for the next frame.
    """
    size = low_resolution(picture.shape[1], picture.shape[0])
    full = _tensor(picture)
    equal = size == (picture.shape[1], picture.shape[0])
    low = full if equal else _tensor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    output = network(low[None], states)
    if equal:
        foreground, alpha = output.foreground, output.alpha
    else:
        foreground, alpha = full_resolution(*network.refine(output), full)
    return (
        foreground[0].clamp(0, 1).permute(1, 2, 0).numpy(),
        alpha[0, 0].clamp(0, 1).numpy(),
        output.states(),
    )


def _tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
