"""
The distillation end to end on drawn data. Red: hand the student this frame's states in place of the frame before's, or
let a resumed run begin its phase again.
"""

import csv
import os
import signal
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.random import default_rng

from mattebox_training.data.pictures import DataError
from mattebox_training.distillation import phases
from mattebox_training.distillation.limits import limits
from mattebox_training.distillation.losses import BOUNDARIES, UNSEEN, Batch, DistillationLoss, raw_alpha_loss
from mattebox_training.distillation.low_resolution import low_resolution
from mattebox_training.distillation.quick_check import QuickCheck
from mattebox_training.distillation.samples import Mixture, empty_scene, make_sample
from mattebox_training.distillation.sources import Sources, training_sources
from mattebox_training.distillation.train import Distillation, Setup, learning_rate, states_before
from mattebox_training.distillation.validation import validate
from mattebox_training.run.export import export
from mattebox_training.weights.compare import correlations
from mattebox_training.weights.model_file import load_model_file, write_model_file

from .test_model_file import WHENCE, network_with_statistics
from .tiny_data import person, scene, write

PHASES = tuple(
    replace(
        phase,
        steps=2,
        sizes=((32, 48) if phase.ratio == (1, 1) else (80, 96),),
        batch=2,
        clip_frames=2,
        windows=min(2, phase.windows),
        warm_up=1,
    )
    for phase in phases.PHASES
)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A training folder in the layout of the real one."""
    root = tmp_path_factory.mktemp("train")
    for name in ("eg1800", "ccp", "vs-humans"):
        for number in range(3):
            colour, mask = person(number)
            write(root / name / "images" / f"{number}.jpg", colour)
            write(root / name / "masks" / f"{number}.png", mask)
    for name, stems in (("cutouts", ["1_14", "1_2"]), ("avatars", ["m00"])):
        for stem in stems:
            colour, alpha = person(4)
            write(root / "alpha" / name / "images" / f"{stem}.jpg", colour)
            write(root / "alpha" / name / "alpha" / f"{stem}.png", alpha)
    for name in ("dg-1", "dg-2", "rooms-1", "bsds-1", "davis-1", "misc-1"):
        write(root / "backgrounds" / f"{name}.jpg", scene(len(name)))
    (root / "heldout.txt").write_text("eg1800/0.jpg\nccp/2.jpg\n")
    for folder in ("clips", "clips-empty"):
        for frame in range(6):
            write(root / "frames" / folder / "one" / f"{frame:04}.jpg", scene(frame))
    return root


@pytest.fixture(scope="module")
def sources(root) -> Sources:
    return training_sources(root, root / "frames")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    write_model_file(path, network_with_statistics(), WHENCE, "fp16")
    return path


def test_nothing_held_out_and_nothing_non_commercial_is_trained_on(sources):
    names = {person.name for person in sources.persons}
    assert "eg1800/1.jpg" in names and "cutouts/1_2.jpg" in names
    assert not names & {"eg1800/0.jpg", "ccp/2.jpg", "cutouts/1_14.jpg"}
    assert {path.name for path in sources.backgrounds} <= {"dg-1.jpg", "dg-2.jpg", "rooms-1.jpg"}


def test_without_the_list_of_held_out_photos_nothing_is_trained(tmp_path):
    with pytest.raises(DataError, match="heldout.txt is missing"):
        training_sources(tmp_path, tmp_path)


@pytest.mark.parametrize(
    "mixture",
    [Mixture(1, 0, 0), Mixture(0, 1, 0), Mixture(0, 0, 1), Mixture(0, 0, 0), Mixture(0, 0, 1, things_alone=1)],
    ids=["photo", "clip", "empty", "composite", "things"],
)
def test_a_sample_is_a_function_of_its_number(sources, mixture):
    one, again = (make_sample(sources, mixture, 0, 7, (32, 48), 3) for _ in range(2))
    other = make_sample(sources, mixture, 0, 8, (32, 48), 3)
    assert np.array_equal(one.frames, again.frames) and np.array_equal(one.alpha, again.alpha)
    assert not np.array_equal(one.frames, other.frames)
    assert one.frames.shape == (3, 32, 48, 3) and one.alpha.shape == (3, 32, 48)


def test_things_in_an_empty_scene_are_seen_and_are_nobody(sources):
    seen = 0
    for number in range(6):
        bare, full = (empty_scene(sources, default_rng(number), (64, 96), 3, things) for things in (0, 1))
        assert not full.alpha.any()
        differs = (bare.frames != full.frames).any(-1)
        seen += differs.any()
        assert not differs.all()  # the same background behind them
    assert seen >= 4  # one may be beyond the frame's edge


def test_a_student_that_is_the_teacher_has_nothing_to_learn_either_way(teacher):
    """Block by block or end to end, equal weights give equal features: the states handed over are the right ones."""
    network = load_model_file(teacher)
    clips = torch.rand(2, 3, 3, 32, 48)
    with torch.no_grad():
        first = network(torch.rand(2, 1, 3, 32, 48)).states()
        target = network(clips, first)
        instead = {name: target.features[name] for name in BOUNDARIES}
        forced = network(clips.flatten(0, 1)[:, None], states_before(target, first), instead)
    for name, value in target.features.items():
        assert torch.allclose(value, forced.features[name], atol=1e-5), name


def test_an_error_of_raw_alpha_counts_where_it_is_seen():
    truth = torch.tensor([-1.0, 2.0, 0.5, -1.0, 2.0])
    unseen = raw_alpha_loss(torch.tensor([-2.0, 3.0, 0.5, -1.0, 2.0]), truth)
    seen = raw_alpha_loss(torch.tensor([-1.0, 2.0, 0.5, 0.0, 1.0]), truth)
    wrong = raw_alpha_loss(torch.tensor([2.0, -1.0, 0.5, -1.0, 2.0]), truth)
    assert unseen == pytest.approx(UNSEEN * seen)
    assert wrong > 2.5 * seen  # 3 each in place of 1


def test_all_phases_run_and_end_in_a_file_without_batch_norm(root, sources, teacher, tmp_path):
    folder = tmp_path / "default"
    Distillation(Setup(teacher, sources, folder, None, phases=PHASES)).run()
    names = {row["name"] for row in csv.DictReader(open(folder / "curves.csv"))}
    assert {
        "loss/all",
        "loss/feature/f1",
        "loss/feature/A",
        "loss/alpha",
        "loss/truth",
        "loss/feature/b",
        "loss/refined/alpha",
        "hours",
    } <= names
    target = tmp_path / "model.safetensors"
    export(folder, target, teacher, "fp16")
    assert load_model_file(target)
    found = correlations(target, teacher)
    assert len(found) > 60 and max(abs(value) for name, value in found.items() if "box" not in name) < 0.9
    assert {path.name for path in folder.glob("end-of-*")} == {f"end-of-{phase.name}.pt" for phase in PHASES}


def test_a_stopped_run_ends_where_an_unbroken_one_does(sources, teacher, tmp_path):
    whole = Distillation(Setup(teacher, sources, tmp_path / "whole", None, phases=PHASES[:4]))
    whole.run()
    broken = Distillation(Setup(teacher, sources, tmp_path / "broken", None, phases=PHASES[:2]))
    broken.run()
    resumed = Distillation(Setup(teacher, sources, tmp_path / "broken", None, phases=PHASES[:4]))
    assert resumed.phase_number == 2 and resumed.total_steps == 4
    resumed.run()
    for name, value in whole.average.network.state_dict().items():
        assert torch.equal(value, resumed.average.network.state_dict()[name]), name


def test_a_run_stopped_within_a_phase_ends_when_its_streams_do(sources, teacher, tmp_path):
    """Two groups of three streams of two windows: asked to end in the first, it goes on with the second."""
    phase = replace(next(phase for phase in PHASES if phase.windows > 1), steps=12, windows=2, streams=3)
    whole = Distillation(Setup(teacher, sources, tmp_path / "whole", None, phases=(phase,)))
    whole.run()
    broken = Distillation(Setup(teacher, sources, tmp_path / "broken", None, phases=(phase,)))
    step = broken._step

    def asked_to_end(*given):
        if broken.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(*given)

    broken._step = asked_to_end
    broken.run()
    resumed = Distillation(Setup(teacher, sources, tmp_path / "broken", None, phases=(phase,)))
    assert (resumed.phase_number, resumed.step) == (0, 6)
    resumed.run()
    for name, value in whole.average.network.state_dict().items():
        assert torch.equal(value, resumed.average.network.state_dict()[name]), name


def test_the_encoder_alone_moves_nothing_else(sources, teacher, tmp_path):
    phase = next(phase for phase in PHASES if phase.encoder_alone)
    start = tmp_path / "start.safetensors"
    write_model_file(start, network_with_statistics(seed=5), WHENCE, "fp32")
    run = Distillation(Setup(teacher, sources, tmp_path / "encoder", None, phases=(phase,), start=start))
    run.run()
    before = load_model_file(start).state_dict()
    after = run.network.state_dict()
    moved = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {"backbone", "aspp"}


def test_the_refiner_alone_moves_nothing_else(sources, teacher, tmp_path):
    """It begins with the average, as files do."""
    wide, refiner = PHASES[-2:]
    assert refiner.refiner_alone
    folder = tmp_path / "refiner"
    start = tmp_path / "start.safetensors"
    write_model_file(start, network_with_statistics(seed=5), WHENCE, "fp32")
    before = Distillation(Setup(teacher, sources, folder, None, phases=(wide,), start=start))
    before.run()
    run = Distillation(Setup(teacher, sources, folder, None, phases=(wide, refiner)))
    run.run()
    average = before.average.network.state_dict()
    for network in (run.network, run.average.network):
        moved = {name for name, value in network.state_dict().items() if not torch.equal(value, average[name])}
        assert moved and all(name.startswith("refiner.") for name in moved)


def test_a_box_filter_that_is_too_weak_is_seen_in_b(teacher):
    """What the layers behind it can make up for is A alone."""
    taught, student = load_model_file(teacher), load_model_file(teacher)
    with torch.no_grad():
        student.refiner.box_filter.weight *= 0.75
        student.refiner.conv[-1].weight.zero_()
        student.refiner.conv[-1].bias.zero_()
        taught.refiner.conv[-1].weight.zero_()
        taught.refiner.conv[-1].bias.zero_()
        clips = torch.rand(2, 3, 3, 32, 48)
        answer = taught(clips)
        mask = torch.zeros(2, 3, 1, 32, 48)
        batch = Batch(low=clips, full=clips, alpha=mask, known=torch.zeros(2), masked=torch.zeros(2))
        parts = DistillationLoss()(student, taught, answer, answer, batch, PHASES[-2], None)
    assert float(parts["feature/A"]) == 0 and float(parts["feature/b"]) > 0.01


def test_the_quick_check_sees_a_broken_refiner(root, teacher):
    """Everything is foreground; the refiner hands it on, then loses it."""
    network = load_model_file(teacher)
    check = QuickCheck(root)
    with torch.no_grad():
        network.project_mat.conv.weight.zero_()
        network.project_mat.conv.bias[3] = 5
        for value in (network.refiner.conv[-1].weight, network.refiner.conv[-1].bias):
            value.zero_()
        network.refiner.box_filter.weight.fill_(1 / 9)
        whole = check(network)
        network.refiner.box_filter.weight.zero_()
        broken = check(network)
    assert whole.refined == whole.iou > 0
    assert broken.iou == whole.iou and broken.refined == 0


def test_streams_take_turns_each_with_its_own_states(sources, teacher, tmp_path):
    """Steps in a row are of different scenes, and every stream's next window begins with the states of its last."""
    phase = replace(next(phase for phase in PHASES if phase.windows > 1), steps=8, windows=2, streams=3)
    run = Distillation(Setup(teacher, sources, tmp_path / "streams", None, phases=(phase,)))
    seen = []
    step = run._step

    def watched(batch, phase, own, teachers):
        answer = step(batch, phase, own, teachers)
        seen.append((teachers, answer[2]))
        return answer

    run._step = watched
    run.run()
    # Three streams of two windows, then the one that is left.
    for place, follows in ((3, 0), (4, 1), (5, 2), (7, 6)):
        assert seen[place][0] is seen[follows][1]
    assert all(seen[place][0][0] is None for place in (0, 1, 2, 6))


def test_a_file_is_a_start_for_the_phases_without_batch_norm(sources, teacher, tmp_path):
    start = tmp_path / "start.safetensors"
    write_model_file(start, network_with_statistics(), WHENCE, "fp16")
    run = Distillation(Setup(teacher, sources, tmp_path / "warm", None, phases=PHASES, start=start))
    assert not run.setup.phases[run.phase_number].batch_norm and run.setup.phases[run.phase_number - 1].batch_norm
    assert torch.equal(run.network.project_mat.conv.weight, load_model_file(start).project_mat.conv.weight)


def test_the_student_comes_nearer(sources, teacher, tmp_path):
    """40 steps block by block on drawn data."""
    phase = replace(PHASES[0], steps=40)
    Distillation(Setup(teacher, sources, tmp_path / "learns", None, phases=(phase,))).run()
    rows = [row for row in csv.DictReader(open(tmp_path / "learns" / "curves.csv")) if row["name"] == "loss/all"]
    assert float(rows[-1]["value"]) < 0.8 * float(rows[0]["value"])


def test_the_rate_rises_then_falls():
    phase = phases.PHASES[1]
    rates = [learning_rate(phase, step) for step in (0, phase.warm_up, phase.steps // 2, phase.steps)]
    assert rates[0] < rates[3] < rates[2] < rates[1] <= phase.lr[0]


def test_the_low_resolution_is_the_engines():
    assert low_resolution(1920, 1080) == (512, 288)
    assert low_resolution(312, 416) == (320, 416)
    assert low_resolution(10, 4000) == (16, 512)


def test_a_model_is_scored_in_the_teachers_errors(root, teacher, tmp_path, monkeypatch):
    monkeypatch.setenv("MATTEBOX_RUNS", str(tmp_path))
    for name in ("eg1800-0.jpg", "ccp-2.jpg"):  # cut-outs that the teacher would have made
        path = tmp_path / "validation" / "cut-outs" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        colour, alpha = person(1)
        cv2.imwrite(str(path), np.dstack([colour, alpha]))
    said = validate(root, teacher, teacher, sequences=1, count=2)
    assert "score 1.000" in said and "2 photos" in said and "IoU ccp" in said


def test_bins_of_few_photos_say_so(root, teacher):
    table = limits(root, teacher)
    assert "| all | 2 | too few |  |" in table
    assert "| skin's L* under 40 | 0 | too few |  |" in table
