"""The engine's rule for the size that the network sees (src/model/low-resolution.ts), ratio `auto`."""

import math

LONGEST_SIDE = 512
MULTIPLE = 16


def low_resolution(width: int, height: int) -> tuple[int, int]:
    """Width and height of the low-resolution frame."""
    ratio = min(1, LONGEST_SIDE / max(width, height))
    # Halves go up, as in JavaScript; Python's round would go to the even number.
    sides = [MULTIPLE * math.floor(side * ratio / MULTIPLE + 0.5) for side in (width, height)]
    return max(MULTIPLE, sides[0]), max(MULTIPLE, sides[1])
