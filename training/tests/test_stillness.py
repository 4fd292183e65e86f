"""Rest on a still picture, and nobody on an empty one: measured on a matte whose answers are known."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mattebox_training.data.pictures import DataError
from mattebox_training.distillation import stillness
from mattebox_training.network.matting_network import NO_MEMORY


def trail(network, picture, states):
    """In the network's place: alpha goes half of the way from its state to the picture's first channel."""
    target = picture[..., 0].astype(np.float32) / 255
    alpha = target / 2 if states is NO_MEMORY else (states + target) / 2
    return picture, alpha, alpha


@pytest.fixture
def leaving(tmp_path, monkeypatch) -> Path:
    """A clip: white up to frame 35, black from then on; matted by a trail that halves each frame."""
    monkeypatch.setattr(stillness, "matte", trail)
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for frame in range(60):
        writer.write(np.full((48, 64, 3), 255 if frame < 35 else 0, np.uint8))
    writer.release()
    return tmp_path / "clip.avi"


def test_unrest_is_the_change_left_after_the_fifteenth_repetition(leaving):
    # From repetition 14 to 15, half of what was left after 14 is gone: 2 ** -15 of white.
    assert stillness.unrest(None, leaving) == pytest.approx(255 * 2**-15, rel=0.02)


def test_a_ghost_is_what_is_left_from_the_tenth_empty_frame_on(leaving):
    largest, place = stillness.ghost(None, leaving, 35, 59)
    assert place == 44
    assert largest == pytest.approx(2**-10, rel=0.02)


def test_a_clip_that_is_missing_or_too_short_is_named(leaving):
    with pytest.raises(DataError, match="clip.avi has no frame 60"):
        stillness.ghost(None, leaving, 35, 70)
    with pytest.raises(DataError, match="too few empty frames"):
        stillness.ghost(None, leaving, 35, 43)
    with pytest.raises(DataError, match="no clip .*none.mp4"):
        stillness.unrest(None, leaving.with_name("none.mp4"))
