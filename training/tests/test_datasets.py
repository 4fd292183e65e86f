"""
Every layout, read from tiny copies of it. Red: read COCO's runs row by row, or take masks of other categories.
"""

import numpy as np
import pytest

from mattebox_training.data.pictures import DataError
from mattebox_training.datasets import KINDS, open_dataset
from mattebox_training.datasets.run_length import decode_mask, unpack

from .tiny_data import HEIGHT, LAYOUTS, WIDTH

LENGTHS = {
    "vm": [5, 5],
    "d646": [1] * 4,
    "aim": [1] * 4,
    "background-videos": [4, 4],
    "background-images": [1] * 3,
    "youtube-vis": [4],
    "coco": [1, 1],  # the third has a dog only
    "spd": [1, 1],
    "matting-clips": [3],
    "matting-images": [1],
    "background-clips": [3],
    "segmentation-images": [1],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_layout_is_read(kind, tmp_path):
    dataset = open_dataset(kind, LAYOUTS[kind](tmp_path))
    assert list(dataset.lengths()) == LENGTHS[kind]
    frame = dataset.frame(0, 0)
    picture = frame if KINDS[kind].role == "background" else frame[0]
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
    if KINDS[kind].role != "background":
        assert frame[1].shape == (HEIGHT, WIDTH) and frame[1].max() == 255


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_something_else_is_an_error_that_says_what_is_missing(kind, tmp_path):
    with pytest.raises(DataError, match=str(tmp_path)):
        open_dataset(kind, tmp_path)


def test_masks_lie_where_the_annotations_say(tmp_path):
    by_kind = {kind: open_dataset(kind, LAYOUTS[kind](tmp_path / kind)) for kind in ("coco", "spd", "youtube-vis")}
    polygon, runs = by_kind["coco"].frame(0, 0)[1], by_kind["coco"].frame(1, 0)[1]
    assert polygon[20, 20] == 255 and polygon[20, 40] == 0 and polygon[2, 20] == 0
    assert (runs[:, 10:30] == 255).all() and not runs[:, :10].any() and not runs[:, 30:].any()
    holed, bitmap = by_kind["spd"].frame(0, 0)[1], by_kind["spd"].frame(1, 0)[1]
    assert holed[10, 25] == 255 and holed[20, 25] == 0
    assert (bitmap[6:16, 12:20] == 255).all() and bitmap.astype(bool).sum() == 80
    assert not by_kind["youtube-vis"].frame(0, 2)[1].any()  # not in this frame


def test_packed_runs_are_unpacked():
    # cocoapi's rleToString of the runs 6, 1, 40, 4, 5, 4, 5, 4, 21 (a 9x10 mask).
    assert unpack("61X13mN000`0") == [6, 1, 40, 4, 5, 4, 5, 4, 21]
    assert decode_mask([1, 2, 1], 2, 2).tolist() == [[0, 255], [255, 0]]
    with pytest.raises(ValueError, match="cover 3 of 4"):
        decode_mask([1, 2], 2, 2)


def test_a_pair_of_different_sizes_is_named(tmp_path):
    import cv2

    root = LAYOUTS["matting-images"](tmp_path)
    cv2.imwrite(str(root / "alpha/a.png"), np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError, match="differ in size"):
        open_dataset("matting-images", root).frame(0, 0)


def test_a_damaged_picture_is_named(tmp_path):
    root = LAYOUTS["background-images"](tmp_path)
    (root / "0.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="0.jpg cannot be read"):
        open_dataset("background-images", root).frame(0, 0)
