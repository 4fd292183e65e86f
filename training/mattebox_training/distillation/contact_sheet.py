"""For the eye: a model's mattes of every clip of a folder, a row a clip."""

from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ..data.pictures import DataError
from ..network import MattingNetwork
from ..network.matting_network import NO_MEMORY
from ..weights.model_file import load_model_file
from .matte import matte

ENDINGS = (".mp4", ".webm")  # not .mkv: beside a clip it is the truth
COLUMNS = 6
HEIGHT = 180  # of a picture on the sheet, pixels
GREEN = np.array([60, 180, 75], np.float32)


def contact_sheet(clips: Path, model: Path, target: Path, frames: int | None) -> None:
    """Six frames of each clip (of its first `frames`), each over green and as alpha, written as one picture."""
    found = sorted(path for path in clips.glob("*") if path.suffix in ENDINGS)
    if not found:
        raise DataError(f"{clips} holds no clips ({', '.join(ENDINGS)}).")
    network = load_model_file(model)
    rows = [_row(path, network, frames) for path in tqdm(found, unit="clip")]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0))) for row in rows]
    target.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(target), np.vstack(rows)):
        raise DataError(f"{target} cannot be written as a picture: give a name that ends in .jpg or .png.")


def _row(path: Path, network: MattingNetwork, frames: int | None) -> np.ndarray:
    reader = cv2.VideoCapture(str(path))
    count = min(int(reader.get(cv2.CAP_PROP_FRAME_COUNT)), frames or 1 << 30)
    shown = set(np.linspace(0, count - 1, COLUMNS).round().astype(int).tolist())
    states, tiles = NO_MEMORY, []
    for place in range(count):
        there, frame = reader.read()
        if not there:
            break
        # Every frame is matted, shown or not: the states come from all that went before.
        foreground, alpha, states = matte(network, np.ascontiguousarray(frame[..., ::-1]), states)
        if place in shown:
            over = foreground[..., ::-1] * 255 * alpha[..., None] + GREEN * (1 - alpha[..., None])
            gray = np.repeat(alpha[..., None] * 255, 3, 2)
            tiles.append(np.vstack([_small(frame), _small(over), _small(gray)]))
    if not tiles:
        raise DataError(f"{path} cannot be decoded: get it again, or remove it.")
    row = np.hstack(tiles)
    cv2.putText(row, path.stem, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return row


def _small(picture: np.ndarray) -> np.ndarray:
    size = (round(picture.shape[1] * HEIGHT / picture.shape[0]), HEIGHT)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).clip(0, 255).astype(np.uint8)
