"""`python -m mattebox_training …`: the commands."""

import argparse
import sys

from .data.pictures import DataError
from .distillation.command import add_commands as add_distillation
from .paper.command import add_commands as add_paper
from .run.checkpoint import CheckpointError
from .weights.model_file import ModelFileError


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 done, 1 failed, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="mattebox_training", description="Trains mattebox's network.")
    commands = parser.add_subparsers(required=True, metavar="command")
    add_paper(commands)
    add_distillation(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (DataError, CheckpointError, ModelFileError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
