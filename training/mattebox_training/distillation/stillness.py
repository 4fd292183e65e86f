"""Whether a matte rests where nothing moves, and is empty where nobody is."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ..data.pictures import DataError
from ..network import MattingNetwork
from ..network.matting_network import NO_MEMORY
from ..weights.model_file import load_model_file
from .matte import matte

FRAME = 30  # of a clip, repeated
SETTLED = 15  # repetitions until the states must have settled
REPEATS = 60
GONE = 10  # the empty frame, counted from 1, by which a person who left must be forgotten


def still(model: Path, clips: list[Path]) -> str:
    """A line a clip: its frame 30 again and again, from zero states."""
    network = load_model_file(model)
    lines = [f"mean |alpha_t - alpha_(t-1)| · 255 of frame {FRAME} repeated, the largest from the {SETTLED}th on"]
    return "\n".join(lines + [f"{clip.stem:28} {unrest(network, clip):.4f}" for clip in clips])


def unrest(network: MattingNetwork, clip: Path) -> float:
    """The largest mean change of alpha from one repetition to the next, of 255, once settled."""
    frame = next(_frames(clip, FRAME, FRAME))
    states, before, changes = NO_MEMORY, None, []
    for repetition in range(1, REPEATS + 1):
        _, alpha, states = matte(network, frame, states)
        if before is not None and repetition >= SETTLED:
            changes.append(float(np.abs(alpha - before).mean()) * 255)
        before = alpha
    return max(changes)


def empty(model: Path, clip: Path, first: int, last: int) -> str:
    """The largest mean alpha of a clip's empty frames, `first` to `last`, from the tenth on."""
    largest, place = ghost(load_model_file(model), clip, first, last)
    return f"largest mean alpha of frames {first + GONE - 1} to {last}: {largest:.5f} (frame {place})"


def ghost(network: MattingNetwork, clip: Path, first: int, last: int) -> tuple[float, int]:
    """Mean alpha, 0..1, and the frame that has it. Every frame before is matted too: what is remembered counts."""
    begin = first + GONE - 1
    if last < begin:
        raise DataError(f"{first} to {last} are too few empty frames: the first that is measured is the {GONE}th.")
    states, found = NO_MEMORY, []
    for place, frame in enumerate(_frames(clip, 0, last)):
        _, alpha, states = matte(network, frame, states)
        if place >= begin:
            found.append((float(alpha.mean()), place))
    return max(found)


def _frames(clip: Path, first: int, last: int) -> Iterator[np.ndarray]:
    """uint8 [H, W, 3], both ends counted."""
    if not clip.is_file():
        raise DataError(f"There is no clip {clip}: see how its path is written.")
    reader = cv2.VideoCapture(str(clip))
    for place in range(last + 1):
        there, frame = reader.read()
        if not there:
            raise DataError(f"{clip} has no frame {place}: choose a longer clip, or get it again.")
        if place >= first:
            yield np.ascontiguousarray(frame[..., ::-1])
