"""The default model's schedule, from random weights to a file."""

from dataclasses import dataclass
from typing import Any

from .samples import Mixture


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One row of the schedule: so many optimiser steps with one setting."""

    name: str
    steps: int
    sizes: tuple[tuple[int, int], ...]  # rows, columns; each sequence batch draws one
    batch: int  # sequences at a time
    clip_frames: int  # T of one step
    windows: int = 1  # steps on one sequence, states carried from one to the next, detached
    streams: int = 1  # sequence batches that take turns, a step each, so that steps in a row are not of one scene
    lr: tuple[float, float]  # first, last; between them half a cosine
    block_by_block: bool = False  # every block takes the teacher's features and states in place of the student's
    encoder_alone: bool = False  # encoder and LR-ASPP, each block on the student's own features; the decoder waits
    refiner_alone: bool = False  # the guided filter, on answers that stay as they are
    features: float  # weight of the loss at block boundaries
    truth: float  # weight of a composite's own alpha beside the teacher's
    # Low resolution / full resolution, drawn between these, for the refiner; sizes are then the full ones. (1, 1): the
    # network sees the sizes themselves, and the refiner learns from the teacher's A and b alone.
    ratio: tuple[float, float] = (1, 1)
    batch_norm: bool = True
    mixture: Mixture = Mixture()
    # Factor of the learning rate of BatchNorm's parameters and of biases. The teacher's features reach means of 8 and
    # more at block boundaries; at the convolutions' rate the first 300 steps did not get there.
    affine: float = 1
    warm_up: int = 100  # steps in which the learning rate rises


SQUARE = ((128, 128),)
SMALL = ((192, 192), (160, 224), (224, 160))
SMALL_MIXED = ((128, 128), (160, 160), (160, 160), (192, 192), (144, 256), (256, 144))
MIXED = ((224, 224), (176, 288), (288, 176), (256, 192), (192, 256))
WIDE = ((288, 512), (512, 288))
FULL = ((384, 640), (640, 384), (512, 512), (448, 576), (576, 448))


def start(name: str, steps: int, **others: Any) -> Phase:
    """With BatchNorm; the convolutions' scales and shifts learn faster than they do."""
    return Phase(name=name, steps=steps, batch=4, **others)


def on(name: str, steps: int, **others: Any) -> Phase:
    """BatchNorm folded, as in a file: every one of these phases can begin from a model file."""
    return Phase(name=name, steps=steps, batch_norm=False, warm_up=min(200, steps // 4), **others)


# Sized for two threads of a slow CPU, about seven hours: block by block, where each block learns alone from what the
# teacher gives it; then the encoder, each block on what the blocks before it make; then end to end; then longer and
# larger; at last the guided filter.
#
# BatchNorm serves the beginning only. Its statistics of one batch take out of an activation what makes this batch
# unlike others, and the teacher's answers hold just that: 90 steps after folding, every block's error was lower than
# BatchNorm's in as many steps (LR-ASPP's 0.07 against 0.10, x0's 0.03 against 0.10); end to end, 280 steps with it
# brought nothing, and 100 without it an IoU of 0.43 on held-out photos.
PHASES = (
    # Not fading from the teacher's features to the student's own, a block here and there by chance: begun after 200
    # steps and given up, the deep blocks' loss rose to that of a constant guess (f16: from 0.5 to 1).
    start(
        "blocks",
        560,
        sizes=SQUARE,
        clip_frames=2,
        lr=(2e-3, 1e-3),
        features=1,
        truth=0,
        affine=10,
        block_by_block=True,
    ),
    on(
        "blocks-folded",
        700,
        sizes=SQUARE,
        batch=4,
        clip_frames=2,
        lr=(2e-3, 3e-4),
        features=1,
        truth=0,
        block_by_block=True,
    ),
    # A step costs a third of one end to end and sees as many different pictures as it has frames: 150 steps took f16
    # from 0.71 to 0.48 of its variance, all of them to 0.30; 3,900 end to end (1.6 hours, given up) had left it at
    # 0.77.
    on(
        "encoder",
        12000,
        sizes=SMALL_MIXED,
        batch=16,
        clip_frames=1,
        lr=(2e-3, 1e-4),
        features=1,
        truth=0,
        encoder_alone=True,
    ),
    on("end-to-end", 3000, sizes=SMALL, batch=4, clip_frames=3, lr=(4e-4, 2e-4), features=1, truth=0.2),
    # After this, persons are found as well as by the teacher (held-out photos at 256 pixels, IoU 0.934 to its 0.933).
    # At 512 pixels, where the engine works, windows of a church were taken for people: so most steps are of `wide`.
    on(
        "long",
        1392,
        sizes=MIXED,
        batch=2,
        clip_frames=4,
        windows=8,
        streams=6,
        lr=(3e-4, 1e-4),
        features=0.3,
        truth=0.3,
    ),
    # Two frames a step, of two sequences: as many scenes as the time allows. The states have targets of their own.
    on(
        "wide",
        4000,
        sizes=WIDE,
        batch=2,
        clip_frames=2,
        windows=5,
        streams=4,
        lr=(3e-4, 3e-5),
        # 0.1 for 1,600 steps: stained glass grew into a person (0.3 in `long`, 0.1 here), where 1 had kept it out.
        features=1,
        truth=0.5,
        mixture=Mixture(empty=0.14, thing_beside=0.4, things_alone=0.6),
    ),
    # The network stays as `wide` left it, at the engine's own size; A and b are what is still wanting at larger ones.
    on(
        "refiner",
        1000,
        sizes=FULL,
        ratio=(0.35, 0.7),
        batch=1,
        clip_frames=2,
        lr=(1e-3, 1e-4),
        refiner_alone=True,
        features=0.2,
        truth=0,
    ),
)
