"""
mattebox's model file: safetensors whose metadata say what it is and where it came from (src/model/weights/model-file.ts
reads it, and says what protects which byte). Byte for byte what `mattebox models` writes for the same weights.
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ..network import MattingNetwork
from .fold_batch_norm import folded_state

NO_DIGEST = "0" * 64
LARGEST_HALF = 65504.0


class ModelFileError(Exception):
    """A model file that does not fit; the message says what was found and what to do."""


@dataclass(frozen=True)
class Provenance:
    """Where weights come from, as the file's metadata say it."""

    licence: str  # SPDX identifier
    source: str
    source_sha256: str  # lower-case hexadecimal


def write_model_file(path: Path, network: MattingNetwork, provenance: Provenance, precision: str) -> None:
    """Writes the network with BatchNorm folded, beside the target and renamed. precision: fp16 or fp32."""
    write_whole(path, encode_model_file(in_file_order(folded_state(network)), provenance, precision))


def encode_model_file(weights: Mapping[str, Tensor], provenance: Provenance, precision: str) -> bytes:
    """The same bytes for the same weights, tensors in the order given."""
    dtype, name = {"fp16": (torch.float16, "F16"), "fp32": (torch.float32, "F32")}[precision]
    entries: dict[str, object] = {}
    chunks: list[bytes] = []
    offset = 0
    for key, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ModelFileError(
                f"{key} holds numbers that are not finite: the training diverged, go back to a checkpoint."
            )
        if precision == "fp16" and tensor.abs().max() > LARGEST_HALF:
            raise ModelFileError(f"{key} holds a number that fp16 cannot: export with --precision fp32.")
        data = tensor.to(dtype).contiguous().numpy().tobytes()
        entries[key] = {"dtype": name, "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)]}
        chunks.append(data)
        offset += len(data)
    data = b"".join(chunks)
    metadata = {
        "mattebox.format_version": "1",
        "mattebox.variant": "mobilenetv3",
        "mattebox.licence": provenance.licence,
        "mattebox.source": provenance.source,
        "mattebox.source_sha256": provenance.source_sha256,
        "mattebox.tensors_sha256": hashlib.sha256(data).hexdigest(),
        "mattebox.header_sha256": NO_DIGEST,
    }
    # The header's digest counts its own digits as zeros.
    metadata["mattebox.header_sha256"] = hashlib.sha256(encode_header(metadata, entries)).hexdigest()
    return encode_header(metadata, entries) + data


def encode_header(metadata: Mapping[str, str], entries: Mapping[str, object]) -> bytes:
    """Length and JSON, padded with spaces to a multiple of 8 bytes."""
    text = json.dumps({"__metadata__": metadata, **entries}, separators=(",", ":"), ensure_ascii=False).encode()
    padded = text.ljust((len(text) + 7) // 8 * 8)
    return struct.pack("<Q", len(padded)) + padded


def load_model_file(path: Path) -> MattingNetwork:
    """
    A network without BatchNorm from weights in our format or under the published names, BatchNorm folded. Made the
    teacher of a distillation, or the start of a warm run. A missing `project_seg` keeps its random beginning.
    """
    try:
        stored = load_file(path)
    except Exception as error:
        raise ModelFileError(f"{path} is no safetensors file ({error}): give a model file of mattebox.") from error
    if any(name.endswith(".running_var") for name in stored):
        raise ModelFileError(f"{path} holds BatchNorm: fold it with `mattebox models import`, and give that file.")
    network = MattingNetwork(batch_norm=False)
    wanted = network.state_dict()
    wrong = [name for name in stored if name not in wanted or stored[name].shape != wanted[name].shape]
    missing = [name for name in wanted if name not in stored and not name.startswith("project_seg.")]
    if wrong or missing:
        raise ModelFileError(f"{path} is no model of this network: wrong {wrong[:3]}, missing {missing[:3]}.")
    network.load_state_dict({name: tensor.float() for name, tensor in stored.items()}, strict=False)
    return network.eval()


def in_file_order(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The order of the forward pass with each weight before its bias, as TypeScript's writer has it."""
    parts = ["backbone.", "aspp.", *(f"decoder.decode{i}." for i in (4, 3, 2, 1, 0))]
    parts += ["project_mat.", "project_seg.", "refiner."]
    ordered = [name for part in parts for name in weights if name.startswith(part)]
    if len(ordered) != len(weights):
        raise ModelFileError("The network has a part that the file format does not know.")
    return {name: weights[name] for name in ordered}


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all, whenever the process or the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(beside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
