"""
The paper's stages end to end on drawn data, resumption, and two processes under torchrun. Red: leave the scheme of
interleaving out (only images), or resume with another order.
"""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mattebox_training.data.pictures import DataError
from mattebox_training.paper.batches import Collection, Iterations
from mattebox_training.paper.stages import BATCH, HIGH, STAGES, HighResolution
from mattebox_training.paper.train import PaperTraining, Setup
from mattebox_training.run.processes import Processes

from .tiny_data import LAYOUTS

ALONE = Processes(0, 1, torch.device("cpu"))
PAPERS = ("vm", "d646", "aim", "background-videos", "background-images", "youtube-vis", "coco", "spd")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Collection:
    root = tmp_path_factory.mktemp("datasets")
    return Collection.open([(kind, LAYOUTS[kind](root / kind)) for kind in PAPERS])


def tiny(stage):
    """The same stage, a pass of seconds."""
    high = stage.high and HighResolution(clip_frames=2, sides=(128, 192), ratio=stage.high.ratio)
    return replace(stage, epochs=1, clip_frames=min(3, stage.clip_frames), sides=(32, 48), high=high, batch=2)


def test_the_schedule_is_the_papers():
    assert [stage.clip_frames for stage in STAGES] == [15, 50, 40, 40]
    assert [stage.epochs for stage in STAGES] == [15, 2, 1, 5]
    assert [stage.rates.backbone for stage in STAGES] == [1e-4, 5e-5, 1e-5, 1e-5]
    assert [stage.rates.decoder for stage in STAGES] == [2e-4, 1e-4, 1e-5, 5e-5]
    assert [stage.rates.refiner for stage in STAGES] == [0, 0, 2e-4, 2e-4]
    assert [stage.high for stage in STAGES] == [None, None, HIGH, HIGH] and BATCH == 4
    assert all(stage.sides == (256, 512) for stage in STAGES)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_runs_and_trains_its_parts(stage, data, tmp_path):
    stage = tiny(stage)
    training = PaperTraining(Setup(data, tmp_path, validation=data, stages=(stage,)), ALONE)
    before = {name: value.clone() for name, value in training.network.named_parameters()}
    training.run()
    changed = {
        name.split(".")[0] for name, value in training.network.named_parameters() if (value != before[name]).any()
    }
    wanted = {"backbone", "aspp", "decoder", "project_mat", "project_seg"} | ({"refiner"} if stage.high else set())
    assert changed == wanted
    rows = list(csv.DictReader(open(tmp_path / "curves.csv")))
    names = {row["name"] for row in rows}
    assert {"loss/low/alpha", "loss/low/foreground", "loss/segmentation", "validation/mad"} <= names
    assert ("loss/high/alpha" in names) == (stage.high is not None)
    assert list((tmp_path / "tensorboard").iterdir())


def test_images_follow_odd_iterations_and_clips_even_ones(data):
    stage = tiny(STAGES[0])
    iterations = Iterations(stage, data, seed=0, epoch=0, rank=0, ranks=1)
    first, second = iterations[0], iterations[1]
    assert first.segmentation[0].shape[:2] == (stage.batch * stage.clip_frames, 1)
    assert second.segmentation[0].shape[:2] == (stage.batch, stage.clip_frames)
    assert first.low[0].shape[:2] == (stage.batch, stage.clip_frames)


def test_heights_and_widths_are_drawn_apart_and_high_ones_shrink_to_whole_features(data):
    iterations = Iterations(tiny(STAGES[2]), data, seed=0, epoch=0, rank=0, ranks=1)
    sizes = {iterations[i].low[0].shape[-2:] for i in range(6)}
    assert len(sizes) > 1 and any(h != w for h, w in sizes)
    high = iterations[0].high
    assert all(side % 64 == 0 for side in high[0].shape[-2:])


def test_processes_share_a_batch_without_overlap(data):
    stage = tiny(STAGES[0])
    parts = [Iterations(stage, data, 0, 0, rank, 2)[0] for rank in range(2)]
    assert parts[0].low[0].shape[0] == 1
    assert parts[0].low[0].shape == parts[1].low[0].shape
    assert not torch.equal(parts[0].low[0], parts[1].low[0])
    with pytest.raises(DataError, match="cannot be split over 3"):
        Iterations(stage, data, 0, 0, 0, 3)


def test_a_stopped_run_ends_where_an_unbroken_one_does(data, tmp_path):
    stages = (tiny(STAGES[0]), tiny(STAGES[2]))
    whole = PaperTraining(Setup(data, tmp_path / "whole", stages=stages), ALONE)
    whole.run()
    PaperTraining(Setup(data, tmp_path / "broken", stages=stages, stop_after=1), ALONE).run()
    resumed = PaperTraining(Setup(data, tmp_path / "broken", stages=stages), ALONE)
    assert resumed.total == 1
    resumed.run()
    assert resumed.total == whole.total
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_a_stage_without_its_dataset_says_which_to_give(tmp_path):
    data = Collection.open([("d646", LAYOUTS["d646"](tmp_path / "d646"))])
    with pytest.raises(DataError, match="foreground clips: give --dataset with one of vm, matting-clips"):
        Iterations(STAGES[0], data, 0, 0, 0, 1)


def test_two_processes_end_with_one_network(tmp_path):
    """Real processes under torchrun; each prints a digest of its weights."""
    script = Path(__file__).with_name("two_processes.py")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(script),
        str(tmp_path),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    digests = [line for line in result.stdout.splitlines() if line.startswith("digest ")]
    assert len(digests) == 2 and len(set(digests)) == 1
    assert (tmp_path / "run" / "checkpoint.pt").exists()
