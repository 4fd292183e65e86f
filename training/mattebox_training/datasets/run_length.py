"""COCO's run-length masks, both spellings (cocodataset/cocoapi, maskApi)."""

from collections.abc import Sequence

import numpy as np


def decode_mask(counts: str | Sequence[int], height: int, width: int) -> np.ndarray:
    """
    uint8 [H, W], 0 or 255. counts: lengths of alternating runs of 0 and 1 in column-major order, as numbers or packed.

    Raises ValueError where the runs do not fill the picture.
    """
    runs = unpack(counts) if isinstance(counts, str) else list(counts)
    if sum(runs) != height * width or any(run < 0 for run in runs):
        raise ValueError(f"the runs cover {sum(runs)} of {height * width} pixels")
    values = np.zeros(len(runs), np.uint8)
    values[1::2] = 255
    return np.repeat(values, runs).reshape(width, height).T.copy()


def unpack(packed: str) -> list[int]:
    """Six bits a character, five of them data, least significant first; from the third run on a difference to the
    run two before."""
    runs: list[int] = []
    place = 0
    while place < len(packed):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(packed):
                raise ValueError("the runs end in the middle of a number")
            code = ord(packed[place]) - 48
            value |= (code & 0x1F) << shift
            more = bool(code & 0x20)
            shift += 5
            place += 1
            if not more and code & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
