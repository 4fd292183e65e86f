"""Datasets with masks of people."""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..data.pictures import DataError, pictures_in, read_rgb
from .dataset import PairedFiles, paired
from .run_length import decode_mask

PERSON = "person"


@dataclass(frozen=True)
class Annotated:
    """Pictures whose masks are drawn from annotations: per item its frames' files and their shapes."""

    files: tuple[tuple[Path, ...], ...]
    shapes: tuple[tuple[tuple[Any, ...], ...], ...]

    def lengths(self) -> Sequence[int]:
        return [len(files) for files in self.files]

    def frame(self, item: int, place: int) -> tuple[np.ndarray, np.ndarray]:
        path = self.files[item][place]
        picture = read_rgb(path)
        mask = np.zeros(picture.shape[:2], np.uint8)
        for shape in self.shapes[item][place]:
            try:
                draw(mask, shape)
            except (ValueError, KeyError, TypeError, IndexError, zlib.error, cv2.error) as error:
                raise DataError(f"The annotation of {path} is broken ({error}): get the annotations again.") from error
        return picture, mask


def coco(root: Path) -> Annotated:
    """COCO 2017 (Lin et al. 2014): train2017/*.jpg and annotations/instances_train2017.json; pictures with people."""
    told = _json(root / "annotations" / "instances_train2017.json")
    persons = _person_ids(told)
    names = {image["id"]: image["file_name"] for image in told["images"]}
    shapes: dict[int, list[Any]] = defaultdict(list)
    for annotation in told["annotations"]:
        if annotation["category_id"] in persons:
            shapes[annotation["image_id"]].append(annotation["segmentation"])
    ids = sorted(shapes)
    return Annotated(tuple((root / "train2017" / names[i],) for i in ids), tuple((tuple(shapes[i]),) for i in ids))


def youtube_vis(root: Path) -> Annotated:
    """YouTubeVIS (Yang et al. 2019): train/JPEGImages/VIDEO/FRAME.jpg, train/instances.json or train.json."""
    candidates = (root / "train" / "instances.json", root / "train.json")
    told = _json(next((path for path in candidates if path.exists()), candidates[0]))
    persons = _person_ids(told)
    names = {video["id"]: video["file_names"] for video in told["videos"]}
    shapes: dict[int, list[list[Any]]] = {}
    for annotation in told["annotations"]:
        if annotation["category_id"] not in persons:
            continue
        video = annotation["video_id"]
        frames = shapes.setdefault(video, [[] for _ in names[video]])
        for frame, shape in zip(frames, annotation["segmentations"], strict=True):
            if shape is not None:  # not in this frame
                frame.append(shape)
    ids = sorted(shapes)
    base = root / "train" / "JPEGImages"
    return Annotated(
        tuple(tuple(base / name for name in names[i]) for i in ids),
        tuple(tuple(tuple(frame) for frame in shapes[i]) for i in ids),
    )


def supervisely_person(root: Path) -> Annotated | PairedFiles:
    """
    Supervisely Person Dataset: dsN/img/NAME.png and dsN/ann/NAME.png.json, as downloaded; or img/ and seg/, as the
    published training takes it.
    """
    if (root / "seg").is_dir():
        return PairedFiles(tuple((pair,) for pair in paired(root / "img", root / "seg")))
    files, shapes = [], []
    for part in sorted(path.parent for path in root.glob("*/img")):
        for picture in pictures_in(part / "img"):
            told = _json(part / "ann" / f"{picture.name}.json")
            people = tuple(thing for thing in told["objects"] if thing["classTitle"].startswith(PERSON))
            files.append((picture,))
            shapes.append((people,))
    if not files:
        raise DataError(f"{root} holds neither img and seg nor ds1, ds2, … with img and ann in them.")
    return Annotated(tuple(files), tuple(shapes))


def segmentation_images(root: Path) -> PairedFiles:
    """A plain folder: images/NAME.* and masks/NAME.*."""
    return PairedFiles(tuple((pair,) for pair in paired(root / "images", root / "masks")))


def draw(mask: np.ndarray, shape: Any) -> None:
    """Adds a person to a mask: COCO's polygons or runs, or Supervisely's polygon or bitmap."""
    if isinstance(shape, list):
        rings = [np.array(ring, np.float64).reshape(-1, 2).round().astype(np.int32) for ring in shape]
        for ring in rings:
            cv2.fillPoly(mask, [ring], 255)
    elif "counts" in shape:
        height, width = shape["size"]
        if (height, width) != mask.shape:
            raise ValueError(f"it is {width}x{height}, the picture {mask.shape[1]}x{mask.shape[0]}")
        np.maximum(mask, decode_mask(shape["counts"], height, width), out=mask)
    elif shape.get("bitmap"):
        packed = zlib.decompress(base64.b64decode(shape["bitmap"]["data"]))
        bitmap = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_UNCHANGED)
        opaque = bitmap[..., 3] if bitmap.ndim == 3 and bitmap.shape[2] == 4 else bitmap
        opaque = opaque.max(2) if opaque.ndim == 3 else opaque
        x, y = shape["bitmap"]["origin"]
        where = mask[y : y + opaque.shape[0], x : x + opaque.shape[1]]
        where[opaque[: where.shape[0], : where.shape[1]] > 0] = 255
    else:
        exterior = np.array(shape["points"]["exterior"], np.float64).round().astype(np.int32)
        cv2.fillPoly(mask, [exterior], 255)
        for hole in shape["points"]["interior"]:
            cv2.fillPoly(mask, [np.array(hole, np.float64).round().astype(np.int32)], 0)


def _person_ids(told: dict[str, Any]) -> set[int]:
    ids = {category["id"] for category in told["categories"] if category["name"] == PERSON}
    if not ids:
        raise DataError("The annotations have no category called person: are they of another dataset?")
    return ids


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: the dataset's layout needs it.") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON ({error}): get it again.") from error
