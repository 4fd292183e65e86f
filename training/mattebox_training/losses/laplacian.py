"""Laplacian pyramid loss of alpha (Hou and Liu 2019), as the published implementation weighs it."""

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = 5
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)
SUM = sum(BINOMIAL)


def laplacian_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """[N, 1, H, W]; sum of the levels' L1, level i (0 the finest) times 2^i, divided by 5."""
    # A pyramid is linear: that of the difference is the difference of both.
    picture = prediction - truth
    total = picture.new_zeros(())
    for level in range(LEVELS):
        # Even sides only, so that what goes down comes up again at the same place.
        picture = picture[..., : picture.shape[-2] // 2 * 2, : picture.shape[-1] // 2 * 2]
        if min(picture.shape[-2:]) < 2:
            break
        small = _shrink(picture)
        total = total + (picture - _enlarge(small)).abs().mean() * 2**level
        picture = small
    return total / LEVELS


def _shrink(picture: Tensor) -> Tensor:
    """Blurred by the binomial kernel, then every second pixel of every second row."""
    row = torch.tensor(BINOMIAL, device=picture.device, dtype=picture.dtype) / SUM
    # Reflection needs more pixels than it mirrors; the last levels of small pictures repeat their edge.
    mode = "reflect" if min(picture.shape[-2:]) > 2 else "replicate"
    return F.conv2d(F.pad(picture, (2, 2, 2, 2), mode=mode), (row[:, None] * row[None, :])[None, None], stride=2)


def _enlarge(picture: Tensor) -> Tensor:
    """
    Zeros between the pixels, then the same blur, four times as bright. The zeros are never computed with: where a pixel
    was, taps 1 6 1 meet pixels, between two of them 4 4; so each of the four places has a 3x3 kernel of its own.
    """
    there = torch.tensor(BINOMIAL[::2], device=picture.device, dtype=picture.dtype) / (SUM / 2)
    between = torch.tensor((0.0, *BINOMIAL[1::2]), device=picture.device, dtype=picture.dtype) / (SUM / 2)
    rows = (there, between)
    kernels = torch.stack([row[:, None] * column[None, :] for row in rows for column in rows])[:, None]
    mode = "reflect" if min(picture.shape[-2:]) > 1 else "replicate"
    padded = F.pad(F.pad(picture, (1, 0, 1, 0), mode=mode), (0, 1, 0, 1), mode="replicate")
    return F.pixel_shuffle(F.conv2d(padded, kernels), 2)
