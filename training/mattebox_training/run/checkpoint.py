"""Checkpoints that survive being stopped at any moment, their own writing included."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import torch

INTERVAL_S = 300


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message says what to do."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Written beside, synced and renamed: what has the name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with open(beside, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What was saved, on the device; tensors and plain values only."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path} cannot be read ({error}): remove it, and the run begins again.") from error


class Clock:
    """Says when a checkpoint is due: every five minutes, and at once when the process is asked to end."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self.interval_s = interval_s
        self.last = time.monotonic()
        self.ending = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, *_: object) -> None:
        self.ending = True

    def due(self) -> bool:
        """Counts from the last time that it said yes."""
        if not self.ending and time.monotonic() - self.last < self.interval_s:
            return False
        self.last = time.monotonic()
        return True
