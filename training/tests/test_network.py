"""
The network against the published implementation's numbers. Red where a block departs: seen with the gates' order in
ConvGRU exchanged (alpha wrong from frame 1 on), and with the 2x upsampling's corners aligned.
"""

import torch
from safetensors.torch import load_file

from mattebox_training.network import MattingNetwork, full_resolution
from mattebox_training.weights.model_file import load_model_file


def pictures(frames: torch.Tensor) -> torch.Tensor:
    """u8 [T, H, W, 3] → [1, T, 3, H, W] in 0..1."""
    return (frames.float() / 255).permute(0, 3, 1, 2)[None]


def test_alpha_foreground_and_states_are_the_references(shared):
    network = load_model_file(shared / "weights" / "rvm-standin.safetensors")
    golden = load_file(shared / "golden" / "ratio1.safetensors")
    with torch.no_grad():
        output = network(pictures(golden["frames"]))
    assert (output.alpha - golden["alpha"]).abs().max() < 1e-4
    assert (output.foreground[7] - golden["foreground.7"]).abs().max() < 1e-4
    for name, state in zip(("r1", "r2", "r3", "r4"), output.states(), strict=True):
        assert (state[0] - golden[f"state.7.{name}"]).abs().max() < 5e-4


def test_frames_one_by_one_answer_as_the_sequence_does(shared):
    network = load_model_file(shared / "weights" / "rvm-standin.safetensors")
    clip = pictures(load_file(shared / "golden" / "ratio1.safetensors")["frames"])
    with torch.no_grad():
        whole = network(clip[:, :3])
        first = network(clip[:, :1])
        second = network(clip[:, 1:3], first.states())
    assert torch.allclose(whole.alpha[2], second.alpha[1], atol=1e-5)


def test_the_deep_refiner_is_the_references(shared):
    network = load_model_file(shared / "weights" / "rvm-standin.safetensors")
    golden = load_file(shared / "golden" / "refined.safetensors")
    with torch.no_grad():
        a, b = network.refine(network(pictures(golden["low"])))
        full = pictures(golden["full.5"][None])[0]
        _, alpha = full_resolution(a[5:], b[5:], full)
    assert (a[5] - golden["deep.A.5"]).abs().max() < 5e-4
    assert (b[5] - golden["deep.b.5"]).abs().max() < 5e-4
    assert (alpha[0].clamp(0, 1) - golden["deep.alpha.5"]).abs().max() < 1e-4


def test_every_boundary_is_the_references(shared):
    network = load_model_file(shared / "weights" / "rvm-standin.safetensors")
    golden = load_file(shared / "golden" / "stages.safetensors")
    with torch.no_grad():
        output = network(pictures(golden["frames"])[:, :1])
    names = {"f1": "f1", "f3": "f2", "f6": "f3", "f16": "f4", "mat": "mat"}
    names |= {name: name for name in ("aspp", "x4", "x3", "x2", "x1", "x0")}
    for ours, theirs in names.items():
        assert torch.allclose(output.features[ours][0], golden[f"{theirs}.0"], atol=5e-4), ours


def test_block_by_block_takes_the_features_it_is_given():
    torch.manual_seed(0)
    network = MattingNetwork(batch_norm=False).eval()
    clip = torch.rand(1, 2, 3, 32, 48)
    with torch.no_grad():
        free = network(clip)
        given = {name: torch.zeros_like(value) for name, value in free.features.items()}
        forced = network(clip, instead=given)
    assert torch.equal(free.features["f1"], forced.features["f1"])
    assert not torch.equal(free.features["f3"], forced.features["f3"])
    # Blocks do not see each other: what decode0 answers depends on the given x1 alone.
    assert torch.equal(forced.features["mat"][0], network.project_mat(given["x0"])[0])
