"""
What is trained is what runs: a random model, rounded to fp16, exported, and stepped by the sidecar's own
MattingSession. Red: exchange two tensors of the same shape in the file (aspp1 and aspp2), or the gates' halves.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mattebox_training.network.guided_filter import guide
from mattebox_training.weights.model_file import load_model_file, write_model_file

from .test_model_file import WHENCE, network_with_statistics

ROOT = Path(__file__).resolve().parents[2]
SIZE = (48, 64)
FRAMES = 5
TOLERANCE = 1e-3


def fast_guided_filter(picture: Tensor, matte: Tensor) -> tuple[Tensor, Tensor]:
    """The engine's refiner without weights: 3x3 means with zeros outside, a channel on its own."""
    x, y = guide(picture), matte
    box = torch.full((4, 1, 3, 3), 1 / 9)
    mean = lambda value: F.conv2d(value, box, padding=1, groups=4)  # noqa: E731
    a = (mean(x * y) - mean(x) * mean(y)) / (mean(x * x) - mean(x) ** 2 + 1e-5)
    return a, mean(y) - a * mean(x)


@pytest.mark.parametrize("refiner", ["deep", "fast", "none"])
def test_the_engine_answers_what_training_answers(refiner, tmp_path):
    if not (ROOT / "dist" / "sidecar").is_dir() or shutil.which("node") is None:
        pytest.skip("needs the built package: npm run build")
    model, frames, output = tmp_path / "model.safetensors", tmp_path / "frames", tmp_path / "planes"
    write_model_file(model, network_with_statistics(), WHENCE, "fp16")
    rgb = smooth_clip()
    bgra = np.concatenate([rgb[..., ::-1], np.full((*rgb.shape[:3], 1), 255, np.uint8)], 3)
    frames.write_bytes(bgra.tobytes())
    script = Path(__file__).with_name("matting_session.mjs")
    command = ["node", script, model, frames, str(SIZE[1]), str(SIZE[0]), refiner, output]
    subprocess.run([str(part) for part in command], check=True, timeout=120)
    planes = torch.from_numpy(np.fromfile(output, np.float32).reshape(FRAMES, 8, *SIZE))

    network = load_model_file(model)
    clip = torch.from_numpy(rgb).permute(0, 3, 1, 2)[None].float() / 255
    with torch.no_grad():
        answer = network(clip)
        if refiner == "deep":
            a, b = network.refine(answer)
        elif refiner == "fast":
            a, b = fast_guided_filter(answer.picture, answer.matte)
        else:
            a, b = torch.zeros_like(answer.matte), answer.matte
    if refiner == "fast":  # its A and b are ill-conditioned in flat areas; what they make is not
        gray = guide(answer.picture)[:, 3]
        found, wanted = planes[:, 3] * gray + planes[:, 7], a[:, 3] * gray + b[:, 3]
        assert (found.clamp(0, 1) - wanted.clamp(0, 1)).abs().max() < TOLERANCE
    else:
        assert (planes - torch.cat([a, b], 1)).abs().max() < TOLERANCE


def smooth_clip() -> np.ndarray:
    """uint8 [T, H, W, 3] with structure at every scale, moving."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    rng = np.random.default_rng(5)
    waves = [(rng.uniform(-0.4, 0.4, 2), rng.uniform(0, 7)) for _ in range(6)]
    frames = []
    for t in range(FRAMES):
        picture = np.zeros((*SIZE, 3))
        for channel in range(3):
            for (fx, fy), phase in waves:
                picture[..., channel] += np.sin((columns + 2 * t) * fx + rows * fy + phase + channel)
        frames.append(picture)
    return np.clip(127 + 20 * np.stack(frames), 0, 255).round().astype(np.uint8)
