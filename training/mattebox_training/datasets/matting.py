"""Datasets with true alpha."""

from pathlib import Path

from ..data.pictures import DataError
from .dataset import PairedFiles, folders_in, paired


def video_matte_240k(root: Path) -> PairedFiles:
    """VideoMatte240K (Lin et al. 2021), JPEG release: train/fgr/CLIP/FRAME.jpg and train/pha/CLIP/FRAME.jpg."""
    return matting_clips(root / "train")


def distinctions_646(root: Path) -> PairedFiles:
    """Distinctions-646 (Qiao et al. 2020): Train/FG/NAME.png and Train/GT/NAME.png."""
    return _single(paired(root / "Train" / "FG", root / "Train" / "GT"))


def adobe_image_matting(root: Path) -> PairedFiles:
    """
    Adobe Image Matting (Xu et al. 2017): Combined_Dataset/Training_set/{Adobe-licensed images, Other}/{fg, alpha}.
    """
    base = root / "Combined_Dataset" / "Training_set"
    parts = [base / name for name in ("Adobe-licensed images", "Other") if (base / name).is_dir()]
    if not parts:
        raise DataError(f"{base} holds neither 'Adobe-licensed images' nor 'Other': unpack the dataset there.")
    return _single([pair for part in parts for pair in paired(part / "fg", part / "alpha")])


def matting_images(root: Path) -> PairedFiles:
    """A plain folder: images/NAME.* (the foreground's colour) and alpha/NAME.*."""
    return _single(paired(root / "images", root / "alpha"))


def matting_clips(root: Path) -> PairedFiles:
    """A plain folder: fgr/CLIP/FRAME.* and pha/CLIP/FRAME.*."""
    return PairedFiles(tuple(tuple(paired(clip, root / "pha" / clip.name)) for clip in folders_in(root / "fgr")))


def _single(pairs: list[tuple[Path, Path]]) -> PairedFiles:
    return PairedFiles(tuple((pair,) for pair in pairs))
