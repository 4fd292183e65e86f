"""Datasets without people."""

from pathlib import Path

from ..data.pictures import pictures_in
from .dataset import PictureFiles, folders_in

# The paper takes the first 100 frames of every clip.
CLIP_FRAMES = 100


def background_videos(root: Path) -> PictureFiles:
    """Background clips (Sun et al. 2021) taken apart: train/CLIP/FRAME.*."""
    return background_clips(root / "train")


def background_images(root: Path) -> PictureFiles:
    """A plain folder of pictures."""
    return PictureFiles(tuple((path,) for path in pictures_in(root)))


def background_clips(root: Path) -> PictureFiles:
    """A plain folder: CLIP/FRAME.*."""
    return PictureFiles(tuple(tuple(pictures_in(clip)[:CLIP_FRAMES]) for clip in folders_in(root)))
