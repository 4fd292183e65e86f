"""Run under torchrun by test_paper.py: a stage on two CPU processes."""

import hashlib
import sys
from pathlib import Path

from mattebox_training.paper.batches import Collection
from mattebox_training.paper.stages import STAGES
from mattebox_training.paper.train import PaperTraining, Setup
from mattebox_training.run.processes import Processes
from tests.test_paper import PAPERS, tiny
from tests.tiny_data import LAYOUTS


def main(root: Path) -> None:
    processes = Processes.join("cpu")
    own = root / str(processes.rank)  # each draws its own copy: nobody waits for anybody's files
    data = Collection.open([(kind, LAYOUTS[kind](own / kind)) for kind in PAPERS])
    training = PaperTraining(Setup(data, root / "run", stages=(tiny(STAGES[2]),)), processes)
    training.run()
    digest = hashlib.sha256()
    for value in training.network.parameters():
        digest.update(value.detach().numpy().tobytes())
    sys.stdout.write(f"digest {digest.hexdigest()}\n")
    sys.stdout.flush()
    processes.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
