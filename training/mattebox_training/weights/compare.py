"""How alike two models' weights are: a student that was trained, not copied, shows it here."""

from pathlib import Path

import torch

from .model_file import load_model_file


def correlations(one: Path, other: Path) -> dict[str, float]:
    """Pearson's correlation of each convolution's weights, by name; 1 means copied."""
    mine, theirs = load_model_file(one).state_dict(), load_model_file(other).state_dict()
    found = {}
    for name, weight in mine.items():
        if not name.endswith(".weight") or name.startswith("project_seg."):
            continue
        pair = torch.stack([weight.flatten(), theirs[name].flatten()]).double()
        found[name.removesuffix(".weight")] = float(torch.corrcoef(pair)[0, 1])
    return found
