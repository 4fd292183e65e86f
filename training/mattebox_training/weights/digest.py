"""What a file is known by."""

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Lower-case hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
