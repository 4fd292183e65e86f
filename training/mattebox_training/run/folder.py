"""Where runs live: never in the work tree, since checkpoints are large and of no use to others."""

import os
from pathlib import Path


def runs_folder() -> Path:
    """MATTEBOX_RUNS, else `mattebox/runs` in the user's cache folder (XDG base directory specification)."""
    given = os.environ.get("MATTEBOX_RUNS")
    if given:
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The specification wants relative paths ignored.
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "mattebox" / "runs"
