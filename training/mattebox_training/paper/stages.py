"""The paper's schedule (section 3.3)."""

from dataclasses import dataclass
from typing import Literal

BATCH = 4  # sequences, over all GPUs together
LOW_SIDES = (256, 512)  # h and w are drawn independently


@dataclass(frozen=True)
class HighResolution:
    """A second, short pass through the guided filter."""

    clip_frames: int
    sides: tuple[int, int]
    ratio: float  # low resolution / high resolution


@dataclass(frozen=True)
class Rates:
    """Learning rates by part; a part with 0 rests."""

    backbone: float
    aspp: float
    decoder: float  # and the projections
    refiner: float = 0.0


@dataclass(frozen=True)
class Stage:
    """One stage of the schedule."""

    name: str
    foregrounds: Literal["foreground clips", "foreground images"]
    epochs: int
    clip_frames: int  # T: consecutive frames a sample
    rates: Rates
    sides: tuple[int, int] = LOW_SIDES
    high: HighResolution | None = None
    batch: int = BATCH


HIGH = HighResolution(clip_frames=6, sides=(1024, 2048), ratio=0.25)

STAGES = (
    # 15 epochs as in the paper; the authors' released recipe runs 20.
    Stage("vm-short", "foreground clips", 15, 15, Rates(backbone=1e-4, aspp=2e-4, decoder=2e-4)),
    Stage("vm-long", "foreground clips", 2, 50, Rates(backbone=5e-5, aspp=1e-4, decoder=1e-4)),
    Stage("vm-high", "foreground clips", 1, 40, Rates(1e-5, 1e-5, 1e-5, refiner=2e-4), high=HIGH),
    Stage("images", "foreground images", 5, 40, Rates(1e-5, 1e-5, 5e-5, refiner=2e-4), high=HIGH),
)
