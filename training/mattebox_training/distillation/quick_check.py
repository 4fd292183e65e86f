"""A small look at the held-out photos while training runs; `mattebox-training validate` measures in earnest."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ..data.pictures import read_gray, read_rgb
from ..network import MattingNetwork, full_resolution
from .sources import held_out_names, photos
from .validation import iou

PHOTOS = 48
LONG_SIDE = 256


@dataclass(frozen=True)
class Found:
    iou: float
    mad: float  # of the alpha against the mask, · 10³
    refined: float  # IoU of what the deep guided filter makes of the alpha, at the same size

    def __str__(self) -> str:
        figures = f"IoU {self.iou:.4f}, MAD {self.mad:.1f}, refined IoU {self.refined:.4f}"
        return f"{figures} on {PHOTOS} held-out photos at {LONG_SIDE} pixels"


class QuickCheck:
    """Each photo from zero states, as its first frame."""

    def __init__(self, root: Path) -> None:
        names = set(held_out_names(root)[:PHOTOS])
        self.pairs = [self._read(person.picture, person.matte) for person in photos(root) if person.name in names]

    @staticmethod
    def _read(picture: Path, mask: Path) -> tuple[torch.Tensor, np.ndarray]:
        rgb, truth = read_rgb(picture), read_gray(mask)
        scale = LONG_SIDE / max(rgb.shape[:2])
        size = [16 * round(side * scale / 16) for side in (rgb.shape[1], rgb.shape[0])]
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        truth = cv2.resize(truth, size, interpolation=cv2.INTER_AREA)
        return torch.from_numpy(small).permute(2, 0, 1)[None, None], truth.astype(np.float32) / 255

    @torch.no_grad()
    def __call__(self, network: MattingNetwork) -> Found:
        device = next(network.parameters()).device
        ious, mads, refined = [], [], []
        for picture, truth in self.pairs:
            output = network(picture.to(device).float() / 255)
            alpha = output.alpha[0, 0].cpu().numpy()
            filtered = full_resolution(*network.refine(output), output.picture)[1][0, 0].cpu().numpy()
            ious.append(iou(alpha, truth))
            mads.append(np.abs(alpha - truth).mean() * 1000)
            refined.append(iou(filtered, truth))
        return Found(float(np.mean(ious)), float(np.mean(mads)), float(np.mean(refined)))
