"""Curves: a CSV file that anything reads, and TensorBoard's."""

import csv
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Curves:
    """Appends; a resumed run goes on in the same files. Rows are (step, name, value)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "curves.csv"
        new = not path.exists()
        self.file = open(path, "a", newline="")
        self.rows = csv.writer(self.file)
        if new:
            self.rows.writerow(["step", "name", "value"])
        self.board = SummaryWriter(str(folder / "tensorboard"))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.rows.writerow([step, name, f"{value:.6g}"])
            self.board.add_scalar(name, value, step)
        self.file.flush()

    def close(self) -> None:
        self.file.close()
        self.board.close()
