"""Which frames of a clip a sequence takes (paper section 3.1: temporal augmentation)."""

import numpy as np
from numpy.random import Generator


def frame_places(rng: Generator, start: int, length: int, frames: int) -> list[int]:
    """
    Places of `frames` frames of a clip that is `length` long, from `start` on: slower, faster, backwards, with a pause.
    A clip that ends turns round; it never jumps.
    """
    speed = float(rng.choice([1, 1, 1, 0.5, 2]))
    ways = np.arange(frames) * speed
    if rng.random() < 0.1 and frames > 4:  # a pause
        begin = int(rng.integers(1, frames - 2))
        ways[begin:] = np.maximum(ways[begin], ways[begin:] - speed * int(rng.integers(2, frames)))
    period = max(1, 2 * (length - 1))
    places = [(start + int(way)) % period for way in ways]
    places = [place if place < length else period - place for place in places]
    if rng.random() < 0.3:
        places.reverse()
    return places
