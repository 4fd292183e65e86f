"""Weights as files: mattebox's safetensors, and the folding of BatchNorm before they are written."""
