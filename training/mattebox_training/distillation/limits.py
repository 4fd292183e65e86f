"""Where a model is weaker, as far as it can be computed: IoU on the held-out photos by bins, for the model card."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.random import default_rng
from tqdm import tqdm

from ..data.pictures import read_gray, read_rgb
from ..weights.model_file import load_model_file
from .matte import matte
from .skin import lightness, skin_lightness, skin_patches
from .sources import held_out_names, photos
from .validation import iou

TOO_FEW = 20
RESAMPLES = 2000
SKIN = (40, 55, 70, 85)  # edges of bins, L*


@dataclass(frozen=True)
class Photo:
    """A held-out photo, measured."""

    set: str
    area: float  # the mask's part of the picture
    luminance: float  # mean L* of the picture
    skin: float | None  # median L* of its patch
    iou: float


def limits(data: Path, model: Path) -> str:
    """A Markdown table: bin, n, mean IoU and its 95 % bootstrap interval. The skin's bins are of the light on it too."""
    found = measure(data, model)
    low, high = np.quantile([photo.luminance for photo in found], [1 / 3, 2 / 3])
    bins: dict[str, Callable[[Photo], bool]] = {
        "all": lambda photo: True,
        "eg1800 (head and shoulders)": lambda photo: photo.set == "eg1800",
        "ccp (street, full body)": lambda photo: photo.set == "ccp",
        "person under 10 % of the picture": lambda photo: photo.area < 0.1,
        "10 to 30 %": lambda photo: 0.1 <= photo.area < 0.3,
        "30 to 60 %": lambda photo: 0.3 <= photo.area < 0.6,
        "over 60 %": lambda photo: photo.area >= 0.6,
        f"dark third (mean L* under {low:.0f})": lambda photo: photo.luminance < low,
        "middle third": lambda photo: low <= photo.luminance < high,
        f"bright third (from {high:.0f})": lambda photo: photo.luminance >= high,
        f"skin's L* under {SKIN[0]}": lambda photo: photo.skin is not None and photo.skin < SKIN[0],
        **{f"{low} to {high}": _skin_between(low, high) for low, high in pairwise(SKIN)},
        f"from {SKIN[-1]}": lambda photo: photo.skin is not None and photo.skin >= SKIN[-1],
    }
    lines = ["| photos | n | IoU | 95 % interval |", "| --- | --- | --- | --- |"]
    for name, belongs in bins.items():
        values = np.array([photo.iou for photo in found if belongs(photo)])
        lines.append(f"| {name} | {len(values)} | {describe(values)} |")
    return "\n".join(lines)


def _skin_between(low: float, high: float) -> Callable[[Photo], bool]:
    return lambda photo: photo.skin is not None and low <= photo.skin < high


def describe(values: np.ndarray) -> str:
    """Mean and interval, or that there are too few to say."""
    if len(values) < TOO_FEW:
        return "too few | "
    drawn = default_rng(0).choice(values, (RESAMPLES, len(values))).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{values.mean():.3f} | {low:.3f} to {high:.3f}"


def measure(data: Path, model: Path) -> list[Photo]:
    """Each photo from zero states, default settings."""
    network = load_model_file(model)
    names, patches = set(held_out_names(data)), skin_patches()
    found = []
    for person in tqdm([person for person in photos(data) if person.name in names], desc="photos", unit="photo"):
        picture, truth = read_rgb(person.picture), read_gray(person.matte).astype(np.float32) / 255
        _, alpha, _ = matte(network, picture)
        patch = patches.get(person.name)
        found.append(
            Photo(
                set=person.name.partition("/")[0],
                area=float((truth >= 0.5).mean()),
                luminance=float(lightness(picture).mean()),
                skin=skin_lightness(picture, patch) if patch else None,
                iou=iou(alpha, truth),
            )
        )
    return found
