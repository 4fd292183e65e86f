"""The network of the paper, in PyTorch, under the module names of the published state dict."""

from .matting_network import MattingNetwork, Output, full_resolution

__all__ = ["MattingNetwork", "Output", "full_resolution"]
