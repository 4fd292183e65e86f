"""Tiny datasets in every layout, drawn, not photographed: a bright ellipse is a person."""

import base64
import json
import zlib
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH = 40, 56


def person(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Colour (BGR) and alpha of a person."""
    rng = np.random.default_rng(seed)
    colour = np.full((HEIGHT, WIDTH, 3), rng.integers(120, 255, 3), np.uint8)
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(alpha, (20 + seed % 7, 20), (9, 14), 0, 0, 360, 255, -1)
    return colour, alpha


def scene(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def write(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def video_matte_240k(root: Path) -> Path:
    for clip in range(2):
        for frame in range(5):
            colour, alpha = person(clip * 5 + frame)
            write(root / f"train/fgr/{clip:04}/{frame:04}.jpg", colour)
            write(root / f"train/pha/{clip:04}/{frame:04}.jpg", alpha)
    return root


def distinctions_646(root: Path) -> Path:
    for number in range(4):
        colour, alpha = person(number)
        write(root / f"Train/FG/h_{number}.png", colour)
        write(root / f"Train/GT/h_{number}.png", alpha)
    return root


def adobe_image_matting(root: Path) -> Path:
    for part in ("Adobe-licensed images", "Other"):
        for number in range(2):
            colour, alpha = person(number)
            write(root / f"Combined_Dataset/Training_set/{part}/fg/{number}.jpg", colour)
            write(root / f"Combined_Dataset/Training_set/{part}/alpha/{number}.jpg", alpha)
    return root


def background_videos(root: Path) -> Path:
    for clip in range(2):
        for frame in range(4):
            write(root / f"train/{clip:04}/{frame:04}.jpg", scene(clip * 9 + frame))
    return root


def background_images(root: Path) -> Path:
    for number in range(3):
        write(root / f"{number}.jpg", scene(number))
    return root


def coco(root: Path) -> Path:
    images, annotations = [], []
    for number in range(3):
        write(root / f"train2017/{number:012}.jpg", scene(number))
        images.append({"id": number, "file_name": f"{number:012}.jpg", "height": HEIGHT, "width": WIDTH})
    polygon = [[10, 5, 30, 5, 30, 35, 10, 35]]
    annotations.append({"image_id": 0, "category_id": 1, "iscrowd": 0, "segmentation": polygon})
    runs = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * 10, HEIGHT * 20, HEIGHT * 26]}
    annotations.append({"image_id": 1, "category_id": 1, "iscrowd": 1, "segmentation": runs})
    annotations.append({"image_id": 2, "category_id": 18, "iscrowd": 0, "segmentation": polygon})  # a dog
    told = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
    }
    return write_json(root, "annotations/instances_train2017.json", told)


def youtube_vis(root: Path) -> Path:
    names = [f"abc/{frame:05}.jpg" for frame in range(4)]
    for frame, name in enumerate(names):
        write(root / "train/JPEGImages" / name, scene(frame))
    runs = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * 10, HEIGHT * 20, HEIGHT * 26]}
    told = {
        "videos": [{"id": 7, "file_names": names, "height": HEIGHT, "width": WIDTH}],
        "annotations": [
            {"video_id": 7, "category_id": 26, "segmentations": [runs, runs, None, runs]},
        ],
        "categories": [{"id": 26, "name": "person"}],
    }
    return write_json(root, "train/instances.json", told)


def supervisely_person(root: Path) -> Path:
    """ds1: a polygon with a hole; ds2: a bitmap."""
    for part in ("ds1", "ds2"):
        write(root / part / "img/a.png", scene(1))
    exterior = [[10, 5], [40, 5], [40, 35], [10, 35]]
    hole = [[20, 15], [30, 15], [30, 25], [20, 25]]
    polygon = {"classTitle": "person_poly", "bitmap": None, "points": {"exterior": exterior, "interior": [hole]}}
    write_json(root, "ds1/ann/a.png.json", {"objects": [polygon]})
    _, packed = cv2.imencode(".png", np.full((10, 8, 4), 255, np.uint8))
    data = base64.b64encode(zlib.compress(packed.tobytes())).decode()
    bitmap = {"classTitle": "person_bmp", "bitmap": {"data": data, "origin": [12, 6]}, "points": {}}
    write_json(root, "ds2/ann/a.png.json", {"objects": [bitmap]})
    return root


def matting_clips(root: Path) -> Path:
    for frame in range(3):
        colour, alpha = person(frame)
        write(root / f"fgr/one/{frame}.jpg", colour)
        write(root / f"pha/one/{frame}.png", alpha)
    return root


def matting_images(root: Path) -> Path:
    colour, alpha = person(1)
    write(root / "images/a.jpg", colour)
    write(root / "alpha/a.png", alpha)
    return root


def background_clips(root: Path) -> Path:
    for frame in range(3):
        write(root / f"one/{frame}.jpg", scene(frame))
    return root


def segmentation_images(root: Path) -> Path:
    write(root / "images/a.jpg", scene(1))
    write(root / "masks/a.png", person(1)[1])
    return root


def write_json(root: Path, name: str, told: object) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told))
    return root


LAYOUTS = {
    "vm": video_matte_240k,
    "d646": distinctions_646,
    "aim": adobe_image_matting,
    "background-videos": background_videos,
    "background-images": background_images,
    "youtube-vis": youtube_vis,
    "coco": coco,
    "spd": supervisely_person,
    "matting-clips": matting_clips,
    "matting-images": matting_images,
    "background-clips": background_clips,
    "segmentation-images": segmentation_images,
}
