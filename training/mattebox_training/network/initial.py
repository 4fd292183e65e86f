"""Random beginnings, and ImageNet's for the encoder."""

from pathlib import Path

import torch
from torch import nn

from .matting_network import MattingNetwork


def initialise(network: MattingNetwork) -> None:
    """Random weights as torchvision's MobileNetV3 has them; the guided filter's box begins as a mean (1/9)."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and name != "refiner.box_filter":
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    # The heads begin small: their first answers should be about nothing, not about ten.
    for head in (network.project_mat.conv, network.project_seg.conv, network.refiner.conv[6]):
        nn.init.normal_(head.weight, std=0.05)


def load_imagenet(network: MattingNetwork, path: Path) -> None:
    """
    The encoder's weights from torchvision's `mobilenet_v3_large` checkpoint (features.*; the classifier is left out).
    The dilated last stage has the same shapes as the strided one.
    """
    stored = torch.load(path, map_location="cpu", weights_only=True)
    features = {name: value for name, value in stored.items() if name.startswith("features.")}
    network.backbone.load_state_dict(features)
