"""Samples as batches, in an order that a resumed run finds again."""

from random import Random
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from .losses import Batch
from .phases import Phase
from .samples import make_sample
from .sources import Sources

# Sequence batches of one phase never meet those of another.
PHASE_STRIDE = 1_000_000


class Loaded(NamedTuple):
    """A sequence batch as it comes from disk."""

    frames: Tensor  # uint8 [B, T, 3, H, W]
    alpha: Tensor  # uint8 [B, T, 1, H, W]
    known: Tensor  # [B]
    masked: Tensor  # [B]
    low: tuple[int, int]  # rows and columns that the network sees


class SequenceBatches(Dataset):
    """Item i is sequence batch i of a phase."""

    def __init__(self, sources: Sources, phase: Phase, phase_number: int, seed: int) -> None:
        self.sources, self.phase, self.seed = sources, phase, seed
        self.first = phase_number * PHASE_STRIDE

    def __len__(self) -> int:
        return -(-self.phase.steps // self.phase.windows)

    def __getitem__(self, index: int) -> Loaded:
        phase = self.phase
        number = self.first + index
        dice = Random(f"{self.seed} size {number}")
        size = dice.choice(phase.sizes)
        ratio = dice.uniform(*phase.ratio)
        samples = [
            make_sample(
                self.sources, phase.mixture, self.seed, number * phase.batch + i, size, phase.clip_frames * phase.windows
            )
            for i in range(phase.batch)
        ]
        return Loaded(
            frames=torch.from_numpy(np.stack([sample.frames for sample in samples])).permute(0, 1, 4, 2, 3),
            alpha=torch.from_numpy(np.stack([sample.alpha for sample in samples]))[:, :, None],
            known=torch.tensor([sample.known for sample in samples]),
            masked=torch.tensor([sample.masked for sample in samples]),
            low=(16 * round(size[0] * ratio / 16), 16 * round(size[1] * ratio / 16)),
        )


def sequence_batches(batches: SequenceBatches, start: int, workers: int) -> DataLoader:
    """From number `start` on, in order."""
    order = range(start, len(batches))
    return DataLoader(batches, batch_size=None, sampler=order, num_workers=workers, collate_fn=as_it_is)


def as_it_is(loaded: Loaded) -> Loaded:
    """PyTorch's own would turn the tuples into lists."""
    return loaded


def windows(loaded: Loaded, phase: Phase, device: torch.device) -> list[Batch]:
    """A sequence batch cut into steps."""
    frames, alpha = (part.to(device, non_blocking=True) for part in (loaded.frames, loaded.alpha))
    known, masked = loaded.known.to(device), loaded.masked.to(device)
    parts = []
    for start in range(0, frames.shape[1], phase.clip_frames):
        here = slice(start, start + phase.clip_frames)
        full, truth = frames[:, here].float() / 255, alpha[:, here].float() / 255
        parts.append(Batch(shrink(full, loaded.low), full, shrink(truth, loaded.low), known, masked))
    return parts


def shrink(clips: Tensor, size: tuple[int, int]) -> Tensor:
    """By area averaging, as the engine shrinks its frames; [B, T, C, H, W]."""
    if clips.shape[-2:] == size:
        return clips
    return F.interpolate(clips.flatten(0, 1), size, mode="area").unflatten(0, clips.shape[:2])
