"""Folding BatchNorm into the convolution before it (Ioffe and Szegedy 2015, inference form)."""

import torch
from torch import Tensor, nn

from ..network import MattingNetwork


def folded_state(network: MattingNetwork) -> dict[str, Tensor]:
    """The network's weights, float32 on the CPU, as a network without BatchNorm takes them."""
    modules = dict(network.named_modules())
    state: dict[str, Tensor] = {}
    for name, module in modules.items():
        if not isinstance(module, nn.Conv2d):
            continue
        weight = module.weight.detach().double().cpu()
        bias = None if module.bias is None else module.bias.detach().double().cpu()
        norm = modules.get(next_name(name))
        if isinstance(norm, nn.BatchNorm2d):
            scale = norm.weight.detach().double().cpu() / (norm.running_var.double().cpu() + norm.eps).sqrt()
            weight = weight * scale.view(-1, 1, 1, 1)
            bias = norm.bias.detach().double().cpu() - norm.running_mean.double().cpu() * scale
        state[f"{name}.weight"] = weight.float()
        if bias is not None:
            state[f"{name}.bias"] = bias.float()
    return state


def fold(network: MattingNetwork) -> MattingNetwork:
    """A network without BatchNorm that computes the same in evaluation mode; its weights are copies."""
    folded = MattingNetwork(batch_norm=False)
    with torch.no_grad():
        folded.load_state_dict(folded_state(network))
    return folded.train(network.training)


def next_name(name: str) -> str:
    """In the published modules a BatchNorm is the next entry of the sequence that its convolution stands in."""
    parent, _, index = name.rpartition(".")
    return f"{parent}.{int(index) + 1}" if index.isdigit() else ""
