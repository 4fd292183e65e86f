"""Command line of the paper's training."""

import argparse
from pathlib import Path

from ..data.pictures import DataError
from ..datasets import KINDS
from ..run.folder import runs_folder


def add_commands(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser("train", help="the paper's four stages; the same command resumes")
    train.add_argument(
        "--dataset",
        action="append",
        required=True,
        metavar="KIND=FOLDER",
        help=f"may be given again; KIND is one of {', '.join(KINDS)}",
    )
    train.add_argument("--validation", action="append", default=[], metavar="KIND=FOLDER", help="measured every epoch")
    train.add_argument("--imagenet", type=Path, help="torchvision's mobilenet_v3_large checkpoint, for the encoder")
    train.add_argument("--name", default="paper", help="of the run: its folder under MATTEBOX_RUNS")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--workers", type=int, default=4, help="processes that make samples, for each GPU")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> None:
    from ..run.processes import Processes
    from .batches import Collection
    from .train import PaperTraining, Setup

    processes = Processes.join(options.device)
    try:
        setup = Setup(
            data=Collection.open([parse(text) for text in options.dataset]),
            validation=Collection.open([parse(text) for text in options.validation]) if options.validation else None,
            folder=runs_folder() / options.name,
            imagenet=options.imagenet,
            seed=options.seed,
            workers=options.workers,
        )
        PaperTraining(setup, processes).run()
    finally:
        processes.leave()


def parse(text: str) -> tuple[str, Path]:
    """KIND=FOLDER"""
    kind, _, folder = text.partition("=")
    if kind not in KINDS or not folder:
        raise DataError(f"'{text}' is no dataset: give KIND=FOLDER, KIND one of {', '.join(KINDS)}.")
    return kind, Path(folder)
