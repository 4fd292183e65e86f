"""Batches of the paper's training, numbered, so that a resumed run goes on where it stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.random import Generator, default_rng
from torch import Tensor
from torch.utils.data import Dataset

from ..data.pictures import DataError
from ..datasets import KINDS, Backgrounds, open_dataset
from .samples import matting_sample, segmentation_sample
from .stages import Stage


@dataclass(frozen=True)
class Joined:
    """Several datasets of one kind as one."""

    parts: tuple[Any, ...]

    def lengths(self) -> Sequence[int]:
        return [length for part in self.parts for length in part.lengths()]

    def frame(self, item: int, place: int) -> Any:
        for part in self.parts:
            count = len(part.lengths())
            if item < count:
                return part.frame(item, place)
            item -= count
        raise IndexError(item)


@dataclass(frozen=True)
class Collection:
    """All datasets of a run by their role."""

    roles: dict[str, Joined]

    @classmethod
    def open(cls, datasets: Sequence[tuple[str, Any]]) -> "Collection":
        """datasets: kind and path."""
        parts: dict[str, list[Any]] = {}
        for kind, path in datasets:
            parts.setdefault(KINDS[kind].role, []).append(open_dataset(kind, path))
        return cls({role: Joined(tuple(found)) for role, found in parts.items()})

    def get(self, role: str) -> Joined:
        if role not in self.roles:
            kinds = ", ".join(name for name, kind in KINDS.items() if kind.role == role)
            raise DataError(f"This stage needs a dataset of {role}: give --dataset with one of {kinds}.")
        return self.roles[role]


@dataclass(frozen=True)
class Step:
    """The tensors of one iteration: uint8, turned into floats on the device."""

    low: tuple[Tensor, Tensor, Tensor]  # source, foreground [B, T, 3, h, w], alpha [B, T, 1, h, w]
    high: tuple[Tensor, Tensor, Tensor] | None
    segmentation: tuple[Tensor, Tensor]  # source [B', T', 3, h, w], mask [B', T', 1, h, w]


class Iterations(Dataset):
    """
    Item i is iteration i of an epoch, for one of `ranks` processes: matting, and the segmentation that follows it:
    images after odd iterations (the first is number 1), clips after even ones.
    """

    def __init__(self, stage: Stage, data: Collection, seed: int, epoch: int, rank: int, ranks: int) -> None:
        if stage.batch % ranks:
            raise DataError(f"The batch of {stage.batch} cannot be split over {ranks} processes: start 1, 2 or 4.")
        self.stage, self.seed, self.rank, self.ranks = stage, seed, rank, ranks
        self.foregrounds = data.get(stage.foregrounds)
        self.backgrounds: Backgrounds = data.get("background")
        self.images = data.get("segmentation images")
        self.clips = data.get("segmentation clips")
        self.epoch_seed = (seed, sum(stage.name.encode()), epoch)
        # An item a sequence: a clip gives as many as it holds.
        items = [
            (number, start)
            for number, length in enumerate(self.foregrounds.lengths())
            for start in range(0, length, stage.clip_frames)
        ]
        order = default_rng(self.epoch_seed).permutation(len(items))
        self.items = [items[i] for i in order]

    def __len__(self) -> int:
        return max(1, len(self.items) // self.stage.batch)

    def __getitem__(self, index: int) -> Step:
        stage = self.stage
        shared = default_rng([*self.epoch_seed, index])  # every process draws the same sizes
        low = self._size(shared, stage.sides, 16)
        # Sides that shrink to whole multiples of 16.
        high = None if stage.high is None else self._size(shared, stage.high.sides, round(16 / stage.high.ratio))
        rng = default_rng([*self.epoch_seed, index, self.rank])
        of_images = index % 2 == 0
        return Step(
            low=self._matting(rng, index, low, stage.clip_frames),
            high=self._matting(rng, index, high, stage.high.clip_frames) if stage.high and high else None,
            segmentation=self._segmentation(rng, of_images, low),
        )

    @staticmethod
    def _size(rng: Generator, sides: tuple[int, int], multiple: int) -> tuple[int, int]:
        rows, columns = (multiple * round(int(rng.integers(sides[0], sides[1] + 1)) / multiple) for _ in range(2))
        return max(multiple, rows), max(multiple, columns)

    def _matting(self, rng: Generator, index: int, size: tuple[int, int], frames: int) -> tuple[Tensor, Tensor, Tensor]:
        batch = self.stage.batch // self.ranks
        first = index * self.stage.batch + self.rank * batch
        samples = [
            matting_sample(self.foregrounds, self.items[i % len(self.items)], self.backgrounds, rng, size, frames)
            for i in range(first, first + batch)
        ]
        parts = zip(*((s.source, s.foreground, s.alpha) for s in samples), strict=True)
        source, foreground, alpha = (as_tensor(np.stack(part)) for part in parts)
        return source, foreground, alpha

    def _segmentation(self, rng: Generator, of_images: bool, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        batch, frames = self.stage.batch // self.ranks, self.stage.clip_frames
        data = self.images if of_images else self.clips
        if of_images:  # clips of one frame, as many as the matting pass has frames
            batch, frames = batch * frames, 1
        lengths = data.lengths()
        samples = []
        for _ in range(batch):
            number = int(rng.integers(len(lengths)))
            samples.append(segmentation_sample(data, (number, int(rng.integers(lengths[number]))), rng, size, frames))
        pictures, masks = (as_tensor(np.stack(part)) for part in zip(*samples, strict=True))
        return pictures, masks


def as_tensor(pictures: np.ndarray) -> Tensor:
    """uint8 [B, T, H, W(, 3)] → [B, T, C, H, W]."""
    tensor = torch.from_numpy(pictures)
    return tensor.permute(0, 1, 4, 2, 3) if tensor.ndim == 5 else tensor[:, :, None]
