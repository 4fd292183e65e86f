"""The datasets by the names that the command line knows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from . import backgrounds, matting, segmentation

Role = Literal["foreground clips", "foreground images", "background", "segmentation clips", "segmentation images"]


@dataclass(frozen=True)
class Kind:
    """A layout, and what its data serve for."""

    role: Role
    open: Callable[[Path], Any]


KINDS: dict[str, Kind] = {
    "vm": Kind("foreground clips", matting.video_matte_240k),
    "d646": Kind("foreground images", matting.distinctions_646),
    "aim": Kind("foreground images", matting.adobe_image_matting),
    "background-videos": Kind("background", backgrounds.background_videos),
    "background-images": Kind("background", backgrounds.background_images),
    "youtube-vis": Kind("segmentation clips", segmentation.youtube_vis),
    "coco": Kind("segmentation images", segmentation.coco),
    "spd": Kind("segmentation images", segmentation.supervisely_person),
    "matting-clips": Kind("foreground clips", matting.matting_clips),
    "matting-images": Kind("foreground images", matting.matting_images),
    "background-clips": Kind("background", backgrounds.background_clips),
    "segmentation-images": Kind("segmentation images", segmentation.segmentation_images),
}


def open_dataset(kind: str, path: Path) -> Any:
    """Looks through a dataset's folder once; a layout that does not fit is a DataError that says what is missing."""
    return KINDS[kind].open(path)
