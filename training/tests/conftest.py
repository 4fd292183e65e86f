"""Where the tests find what cannot be published, and how much of the machine they take."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with stand-in weights and references; a clone alone has none, and the test is skipped."""
    given = os.environ.get("MATTEBOX_SHARED")
    folder = Path(given) if given else Path(__file__).resolve().parents[3] / "shared"
    if not (folder / "golden").is_dir():
        pytest.skip("needs the shared data: set MATTEBOX_SHARED")
    return folder
