"""From a checkpoint to a model file."""

from pathlib import Path

import torch

from ..network import MattingNetwork
from ..weights.digest import sha256_of
from ..weights.model_file import ModelFileError, Provenance, write_model_file
from .checkpoint import load_checkpoint

LICENCE = "GPL-3.0-or-later"


def export(run: Path, target: Path, teacher: Path | None, precision: str) -> float:
    """
    Writes the newest checkpoint's weights, averaged where the run keeps an average, BatchNorm folded.

    teacher: of a distillation; the file says whom it learned from. Returns the hours of training.
    """
    path = run / "checkpoint.pt"
    if not path.exists():
        raise ModelFileError(f"{run} holds no checkpoint: train first, or give another --name.")
    state = load_checkpoint(path, torch.device("cpu"))
    distilled = "average" in state
    if distilled != (teacher is not None):
        raise ModelFileError(f"{run} was {'distilled: give' if distilled else 'not distilled: leave out'} --teacher.")
    network = MattingNetwork(state.get("batch_norm", True))
    network.load_state_dict(state["average"]["network"] if distilled else state["network"])
    hours = state["trained_s"] / 3600
    source = f"trained by mattebox, {hours:.2f} hours"
    if teacher is not None:
        source += (
            ", from random initialisation, distilled from Robust Video Matting v1.0.0"
            f" (PeterL1n/RobustVideoMatting); teacher file sha256 {sha256_of(teacher)}"
        )
    provenance = Provenance(LICENCE, source, sha256_of(path))
    write_model_file(target, network.eval(), provenance, precision)
    return hours
