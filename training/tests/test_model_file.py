"""
Folding and the file format. Red: fold with the decoder's epsilon in the backbone (3e-3 off), or leave the running mean
out of the bias.
"""

import json
import struct

import pytest
import torch

from mattebox_training.network import MattingNetwork
from mattebox_training.weights.fold_batch_norm import fold
from mattebox_training.weights.model_file import ModelFileError, Provenance, load_model_file, write_model_file

WHENCE = Provenance(licence="GPL-3.0-or-later", source="a test", source_sha256="0" * 64)


def network_with_statistics(seed: int = 3) -> MattingNetwork:
    """Random weights whose BatchNorm has seen something, and scales and shifts."""
    torch.manual_seed(seed)
    network = MattingNetwork()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.running_mean, -0.3, 0.3)
    return network.eval()


def test_folding_batch_norm_changes_nothing():
    network = network_with_statistics()
    clip = torch.rand(1, 3, 3, 48, 64)
    with torch.no_grad():
        before, after = network(clip), fold(network)(clip)
    for name, value in before.features.items():
        assert (value - after.features[name]).abs().max() < 1e-5 * max(1, value.abs().max()), name


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_export_load_export_is_bit_equal(tmp_path, precision):
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    write_model_file(one, network_with_statistics(), WHENCE, precision)
    write_model_file(other, load_model_file(one), WHENCE, precision)
    assert one.read_bytes() == other.read_bytes()
    assert list(tmp_path.iterdir()) == [one, other] or set(tmp_path.iterdir()) == {one, other}


def test_the_header_says_where_the_weights_come_from(tmp_path):
    path = tmp_path / "model.safetensors"
    write_model_file(path, network_with_statistics(), WHENCE, "fp16")
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header["__metadata__"]["mattebox.licence"] == "GPL-3.0-or-later"
    assert list(header)[1] == "backbone.features.0.0.weight"
    assert "project_seg.conv.weight" in header


def test_numbers_that_are_not_finite_are_never_written(tmp_path):
    network = network_with_statistics()
    network.project_mat.conv.bias.data[0] = float("nan")
    with pytest.raises(ModelFileError, match="not finite"):
        write_model_file(tmp_path / "model.safetensors", network, WHENCE, "fp16")
    assert not list(tmp_path.iterdir())


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text("no model")
    with pytest.raises(ModelFileError, match="no safetensors file"):
        load_model_file(path)
