"""
The score that alone selects models: held-out photos, and composites of what training never saw.

Score: mean of MAD / teacher's MAD and dtSSD / teacher's dtSSD over the composites, and (1 − IoU) / (1 − teacher's IoU)
over the photos. 1 is as good as the teacher, less is better.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.random import default_rng
from tqdm import tqdm

from ..data.motion import camera_windows, warp
from ..data.pictures import read_gray, read_rgb
from ..network import MattingNetwork
from ..network.matting_network import NO_MEMORY
from ..run.folder import runs_folder
from ..weights.digest import sha256_of
from ..weights.model_file import load_model_file
from .matte import matte
from .samples import cropped, cut_out, paste
from .sources import cutouts, held_out_names, is_validation_cutout, photos, validation_backgrounds

PHOTO_PERSONS = 30
FRAMES = 30
SIZE = (288, 512)  # rows, columns
REPEATS = 15  # of a photo, until the teacher's states have settled
SEED = 1


@dataclass
class Measured:
    """One model's figures: means over frames, then over sequences or photos."""

    mad: float = 0  # · 10³, composites
    dtssd: float = 0  # · 10², composites
    iou: dict[str, float] = field(default_factory=dict)  # photos: all, and each set
    counted: dict[str, int] = field(default_factory=dict)  # sequences, and photos of each set


def validate(data: Path, teacher: Path, model: Path, sequences: int | None, count: int | None) -> str:
    """Measures both (the teacher once, then from the runs folder) and says the score."""
    unit = measured_before(data, teacher, teacher, sequences, count)
    own = measured_before(data, teacher, model, sequences, count)
    parts = {
        "MAD": own.mad / unit.mad,
        "dtSSD": own.dtssd / unit.dtssd,
        "1 − IoU": (1 - own.iou["all"]) / (1 - unit.iou["all"]),
    }
    lines = [f"{'':10} {'model':>8} {'teacher':>8}"]
    lines.append(
        f"{'MAD · 10³':10} {own.mad:8.2f} {unit.mad:8.2f}   {own.counted['sequences']} composites, T = {FRAMES}"
    )
    lines.append(f"{'dtSSD · 10²':10} {own.dtssd:7.2f} {unit.dtssd:8.2f}")
    for name, value in own.iou.items():
        lines.append(f"{'IoU ' + name:10} {value:8.4f} {unit.iou[name]:8.4f}   {own.counted[name]} photos")
    ratios = ", ".join(f"{name} {value:.3f}" for name, value in parts.items())
    lines.append(f"score {sum(parts.values()) / len(parts):.3f} (times the teacher's error: {ratios})")
    return "\n".join(lines)


def measured_before(data: Path, teacher: Path, model: Path, sequences: int | None, count: int | None) -> Measured:
    """From the runs folder if this file was measured there, else measured now and kept."""
    kept = runs_folder() / "validation" / f"{sha256_of(model)[:16]}-{sequences or 'all'}-{count or 'all'}.json"
    if kept.exists():
        return Measured(**json.loads(kept.read_text()))
    network = load_model_file(model)
    found = Measured()
    measure_photos(data, network, count, found)
    measure_composites(data, load_model_file(teacher), network, sequences, found)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(found)))
    return found


def measure_photos(data: Path, network: MattingNetwork, count: int | None, found: Measured) -> None:
    """Each from zero states: the first frame, default settings."""
    names = set(held_out_names(data)[:count])
    ious: dict[str, list[float]] = {"all": []}
    for person in tqdm([person for person in photos(data) if person.name in names], desc="photos", unit="photo"):
        _, alpha, _ = matte(network, read_rgb(person.picture))
        value = iou(alpha, read_gray(person.matte).astype(np.float32) / 255)
        ious["all"].append(value)
        ious.setdefault(person.name.partition("/")[0], []).append(value)
    found.iou = {name: float(np.mean(values)) for name, values in ious.items()}
    found.counted |= {name: len(values) for name, values in ious.items()}


def measure_composites(
    data: Path, teacher: MattingNetwork, network: MattingNetwork, sequences: int | None, found: Measured
) -> None:
    """Every sequence from zero states."""
    layers = cut_outs(data, teacher)[:sequences]
    grounds = validation_backgrounds(data)
    mads, flickers = [], []
    for number, (colour, alpha) in enumerate(tqdm(layers, desc="composites", unit="sequence")):
        frames, truth = sequence(colour, alpha, read_rgb(grounds[number % len(grounds)]), number)
        states, errors, before = NO_MEMORY, [], None
        for frame, true in zip(frames, truth, strict=True):
            _, predicted, states = matte(network, frame, states)
            difference = predicted - true.astype(np.float32) / 255
            errors.append(float(np.abs(difference).mean()) * 1000)
            if before is not None:
                flickers.append(float(np.sqrt(np.square(difference - before).mean())) * 100)
            before = difference
        mads.append(float(np.mean(errors)))
    found.mad, found.dtssd = float(np.mean(mads)), float(np.mean(flickers))
    found.counted["sequences"] = len(mads)


def sequence(colour: np.ndarray, alpha: np.ndarray, ground: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """A composite sequence, the same for the same number: uint8 [T, H, W, 3] and its alpha [T, H, W]."""
    rng = default_rng([SEED, number])
    windows = camera_windows(rng, ground.shape[:2], SIZE, FRAMES, smallest=0.6, travel=0.2 if number % 2 else 0)
    canvas = np.stack([warp(ground, window, SIZE, cv2.BORDER_REFLECT) for window in windows])
    truth = np.zeros((FRAMES, *SIZE), np.uint8)
    paste(canvas, truth, colour, alpha, rng, smaller=1)
    noise = rng.normal(0, 1.5, canvas.shape).astype(np.float32)
    return np.clip(canvas + noise, 0, 255).round().astype(np.uint8), truth


def cut_outs(data: Path, teacher: MattingNetwork) -> list[tuple[np.ndarray, np.ndarray]]:
    """30 persons of held-out photos, cut out by the teacher where it agrees with the mask, and 10 true cut-outs."""
    folder = runs_folder() / "validation" / "cut-outs"
    known = {person.name: person for person in photos(data)}
    found = []
    for name in held_out_names(data):
        if len(found) == PHOTO_PERSONS:
            break
        kept = folder / f"{name.replace('/', '-')}.png"
        if not kept.exists():
            picture = read_rgb(known[name].picture)
            states = NO_MEMORY
            for _ in range(REPEATS):
                colour, alpha, states = matte(teacher, picture, states)
            agrees = iou(alpha, read_gray(known[name].matte).astype(np.float32) / 255) > 0.9
            layer = np.dstack([colour[..., ::-1], alpha if agrees else np.zeros_like(alpha)])
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(kept), (layer * 255).round().astype(np.uint8))
        layer = cv2.imread(str(kept), cv2.IMREAD_UNCHANGED)
        if layer[..., 3].any():
            found.append(cropped(np.ascontiguousarray(layer[..., 2::-1]), layer[..., 3]))
    return found + [cut_out(person) for person in cutouts(data) if is_validation_cutout(person)]


def iou(alpha: np.ndarray, truth: np.ndarray) -> float:
    """At 0.5; 1 where neither has anything."""
    one, other = alpha >= 0.5, truth >= 0.5
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0
