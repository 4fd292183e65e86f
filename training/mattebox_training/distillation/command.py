"""Command lines of the distillation."""

import argparse
import os
from pathlib import Path

from ..run.folder import runs_folder
from .phases import PHASES

DATA_HELP = "folder of the default model's training data"


def add_commands(commands: argparse._SubParsersAction) -> None:
    prepare = commands.add_parser("prepare", help="distillation: take the clips apart into frames, once")
    prepare.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    prepare.set_defaults(run=run_prepare)

    distil = commands.add_parser("distil", help="distillation: train towards a teacher; the same command resumes")
    distil.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    distil.add_argument("--teacher", type=Path, required=True, help="model file to learn from")
    distil.add_argument("--name", default="default", help="of the run: its folder under MATTEBOX_RUNS")
    distil.add_argument("--start", type=Path, help="model file to begin with, where the checkpoints are gone")
    distil.add_argument(
        "--phase",
        choices=[phase.name for phase in PHASES if not phase.batch_norm],
        help="the phase that --start begins with (default: the first after BatchNorm is folded)",
    )
    distil.add_argument("--seed", type=int, default=0)
    distil.add_argument("--workers", type=int, default=0, help="processes that make samples")
    _add_threads(distil)
    distil.add_argument("--device", default="cpu")
    distil.set_defaults(run=run_distil)

    validate = commands.add_parser("validate", help="distillation: score a model on what was held out")
    validate.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    validate.add_argument("--teacher", type=Path, required=True, help="model file whose errors are the unit")
    _add_threads(validate)
    validate.add_argument("--sequences", type=int, help="composites to measure (default: all)")
    validate.add_argument("--photos", type=int, help="photos to measure (default: all)")
    validate.add_argument("model", type=Path)
    validate.set_defaults(run=run_validate)

    limits = commands.add_parser("limits", help="distillation: the held-out photos by bins, for the model card")
    limits.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    _add_threads(limits)
    limits.add_argument("model", type=Path)
    limits.set_defaults(run=run_limits)

    look = commands.add_parser("look", help="distillation: a contact sheet of a model's mattes")
    look.add_argument("--clips", type=Path, required=True, help="folder of *.mp4 and *.webm")
    look.add_argument("--frames", type=int, help="of each clip (default: all)")
    _add_threads(look)
    look.add_argument("model", type=Path)
    look.add_argument("target", type=Path, help="picture to write, .jpg or .png")
    look.set_defaults(run=run_look)

    still = commands.add_parser("still", help="distillation: whether a model's matte rests on a still picture")
    _add_threads(still)
    still.add_argument("model", type=Path)
    still.add_argument("clips", type=Path, nargs="+", help="clips of 31 frames and more")
    still.set_defaults(run=run_still)

    empty = commands.add_parser("empty", help="distillation: what a model's matte leaves where nobody is any more")
    _add_threads(empty)
    empty.add_argument("model", type=Path)
    empty.add_argument("clip", type=Path)
    empty.add_argument("first", type=int, help="empty frame, counted from 0")
    empty.add_argument("last", type=int, help="empty frame")
    empty.set_defaults(run=run_empty)

    compare = commands.add_parser("compare", help="distillation: each layer's correlation with the teacher's")
    compare.add_argument("--teacher", type=Path, required=True)
    compare.add_argument("model", type=Path)
    compare.set_defaults(run=run_compare)

    export = commands.add_parser("export", help="write a run's newest weights as a model file")
    export.add_argument("--name", default="default", help="of the run")
    export.add_argument("--teacher", type=Path, help="of a distillation: the file names it")
    export.add_argument("--precision", choices=("fp16", "fp32"), default="fp16")
    export.add_argument("target", type=Path)
    export.set_defaults(run=run_export)


def _add_threads(command: argparse.ArgumentParser) -> None:
    cores = os.cpu_count() or 1
    command.add_argument("--threads", type=int, default=cores, help=f"of a CPU (default: all cores, {cores} here)")


def run_prepare(options: argparse.Namespace) -> None:
    from .prepare import prepare_clips

    for name in ("clips", "clips-empty"):
        prepare_clips(options.data / name, runs_folder() / "frames" / name)


def run_distil(options: argparse.Namespace) -> None:
    import torch

    from .quick_check import QuickCheck
    from .sources import training_sources
    from .train import Distillation, Setup

    torch.set_num_threads(options.threads)
    setup = Setup(
        teacher=options.teacher,
        sources=training_sources(options.data, runs_folder() / "frames"),
        folder=runs_folder() / options.name,
        quick_check=QuickCheck(options.data),
        seed=options.seed,
        workers=options.workers,
        device=options.device,
        start=options.start,
        begins=options.phase,
    )
    Distillation(setup).run()


def run_validate(options: argparse.Namespace) -> None:
    import torch

    from .validation import validate

    torch.set_num_threads(options.threads)
    print(validate(options.data, options.teacher, options.model, options.sequences, options.photos))


def run_limits(options: argparse.Namespace) -> None:
    import torch

    from .limits import limits

    torch.set_num_threads(options.threads)
    print(limits(options.data, options.model))


def run_look(options: argparse.Namespace) -> None:
    import torch

    from .contact_sheet import contact_sheet

    torch.set_num_threads(options.threads)
    contact_sheet(options.clips, options.model, options.target, options.frames)
    print(f"Wrote {options.target}.")


def run_still(options: argparse.Namespace) -> None:
    import torch

    from .stillness import still

    torch.set_num_threads(options.threads)
    print(still(options.model, options.clips))


def run_empty(options: argparse.Namespace) -> None:
    import torch

    from .stillness import empty

    torch.set_num_threads(options.threads)
    print(empty(options.model, options.clip, options.first, options.last))


def run_compare(options: argparse.Namespace) -> None:
    from ..weights.compare import correlations

    for name, value in correlations(options.model, options.teacher).items():
        print(f"{name:42} {value:+.3f}")


def run_export(options: argparse.Namespace) -> None:
    from ..run.export import export

    hours = export(runs_folder() / options.name, options.target, options.teacher, options.precision)
    print(f"Wrote {options.target} ({options.precision}, {hours:.2f} hours of training).")
