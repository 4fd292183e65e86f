"""Takes the clips apart once: seeking in a video costs more than reading a JPEG."""

import shutil
from pathlib import Path

import cv2
from tqdm import tqdm

from ..data.pictures import DataError

QUALITY = 92


def prepare_clips(videos: Path, frames: Path) -> None:
    """Every *.mp4 of a folder → a folder of frames, numbered from 0; those that are there already are left alone."""
    found = sorted(videos.glob("*.mp4"))
    if not found:
        raise DataError(f"{videos} holds no *.mp4.")
    for video in tqdm(found, desc=videos.name, unit="clip"):
        target = frames / video.stem
        if target.is_dir():
            continue
        beside = frames / f".{video.stem}.part"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        _take_apart(video, beside)
        beside.rename(target)


def _take_apart(video: Path, folder: Path) -> None:
    reader = cv2.VideoCapture(str(video))
    count = 0
    while True:
        there, frame = reader.read()
        if not there:
            break
        cv2.imwrite(str(folder / f"{count:04}.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        count += 1
    reader.release()
    if count == 0:
        raise DataError(f"{video} cannot be decoded: get it again, or remove it.")
