"""Laplacian pyramid loss of alpha (Hou and Liu 2019), as the published implementation weighs it."""

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = 5
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)


def laplacian_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """[N, 1, H, W]; sum of the levels' L1, level i (0 the finest) times 2^i, divided by 5."""
    kernel = _kernel(prediction)
    total = prediction.new_zeros(())
    for level, (one, other) in enumerate(zip(_pyramid(prediction, kernel), _pyramid(truth, kernel), strict=True)):
        total = total + (one - other).abs().mean() * 2**level
    return total / LEVELS


def _kernel(like: Tensor) -> Tensor:
    row = torch.tensor(BINOMIAL, device=like.device, dtype=like.dtype)
    return (row[:, None] * row[None, :] / row.sum() ** 2)[None, None]


def _pyramid(picture: Tensor, kernel: Tensor) -> list[Tensor]:
    levels = []
    for _ in range(LEVELS):
        # Even sides only, so that what goes down comes up again at the same place.
        picture = picture[..., : picture.shape[-2] // 2 * 2, : picture.shape[-1] // 2 * 2]
        if min(picture.shape[-2:]) < 2:
            break
        small = _blur(picture, kernel)[..., ::2, ::2]
        levels.append(picture - _enlarge(small, kernel))
        picture = small
    return levels


def _blur(picture: Tensor, kernel: Tensor) -> Tensor:
    # Reflection needs more pixels than it mirrors; the last levels of small pictures repeat their edge.
    mode = "reflect" if min(picture.shape[-2:]) > 2 else "replicate"
    return F.conv2d(F.pad(picture, (2, 2, 2, 2), mode=mode), kernel)


def _enlarge(picture: Tensor, kernel: Tensor) -> Tensor:
    """Zeros between the pixels, then the same blur, four times as bright."""
    n, c, h, w = picture.shape
    spread = picture.new_zeros(n, c, h * 2, w * 2)
    spread[..., ::2, ::2] = picture * 4
    return _blur(spread, kernel)
