"""The sheet that is looked at: what stands where on it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mattebox_training.data.pictures import DataError
from mattebox_training.distillation import contact_sheet as sheet

FRAMES = 12


@pytest.fixture
def clips(tmp_path, monkeypatch) -> Path:
    """Two clips that grow brighter, a truth beside them; the model's answer is left half all, right half nothing."""

    def halves(network, picture, states):
        alpha = np.zeros(picture.shape[:2], np.float32)
        alpha[:, : alpha.shape[1] // 2] = 1
        return picture.astype(np.float32) / 255, alpha, states

    monkeypatch.setattr(sheet, "matte", halves)
    monkeypatch.setattr(sheet, "load_model_file", lambda path: None)
    for name in ("one.mp4", "two.mp4", "two.alpha.mkv"):
        codec = "mp4v" if name.endswith("mp4") else "MJPG"
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter_fourcc(*codec), 25, (320, 180))
        for frame in range(FRAMES):
            writer.write(np.full((180, 320, 3), 20 * frame, np.uint8))
        writer.release()
    return tmp_path


def test_a_row_a_clip_from_its_first_frame_to_its_last(clips):
    target = clips / "sheets" / "all.png"
    sheet.contact_sheet(clips, Path("model"), target, None)
    picture = cv2.imread(str(target)).astype(int)
    assert picture.shape == (2 * (3 * sheet.HEIGHT + 4), sheet.COLUMNS * 320, 3)
    for row in (0, 1):
        top = row * (3 * sheet.HEIGHT + 4)
        frame, over, alpha = (top + part * sheet.HEIGHT + 100 for part in range(3))
        first, last = 0, (sheet.COLUMNS - 1) * 320
        assert picture[frame, first + 80, 0] == pytest.approx(0, abs=6)
        assert picture[frame, last + 80, 0] == pytest.approx(20 * (FRAMES - 1), abs=6)
        assert picture[over, last + 80, 0] == pytest.approx(20 * (FRAMES - 1), abs=6)
        assert picture[over, last + 240] == pytest.approx(sheet.GREEN, abs=1)
        assert picture[alpha, last + 80, 0] == 255 and picture[alpha, last + 240, 0] == 0


def test_only_as_many_frames_as_asked_for(clips):
    sheet.contact_sheet(clips, Path("model"), clips / "sheet.png", 6)
    picture = cv2.imread(str(clips / "sheet.png"))
    assert picture[100, -240, 0] == pytest.approx(20 * 5, abs=6)


def test_a_folder_without_clips_is_named(tmp_path):
    with pytest.raises(DataError, match=r"holds no clips \(.mp4, .webm\)"):
        sheet.contact_sheet(tmp_path, Path("model"), tmp_path / "sheet.png", None)
