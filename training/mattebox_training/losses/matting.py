"""Losses of matting and segmentation (notes of the published implementation; paper section 3)."""

from torch import Tensor
from torch.nn import functional as F

from .laplacian import laplacian_loss

COHERENCE = 5  # weight of the temporal part


def alpha_loss(prediction: Tensor, truth: Tensor, frames: int) -> Tensor:
    """[B · T, 1, H, W]: L1 + Laplacian pyramid + temporal coherence."""
    l1 = F.l1_loss(prediction, truth)
    return l1 + laplacian_loss(prediction, truth) + COHERENCE * coherence_loss(prediction, truth, frames)


def foreground_loss(prediction: Tensor, truth: Tensor, alpha: Tensor, frames: int) -> Tensor:
    """[B · T, 3, H, W]: L1 + temporal coherence where the true alpha is above 0; elsewhere the colour means nothing."""
    seen = alpha > 0
    prediction, truth = prediction * seen, truth * seen
    return F.l1_loss(prediction, truth) + COHERENCE * coherence_loss(prediction, truth, frames)


def coherence_loss(prediction: Tensor, truth: Tensor, frames: int) -> Tensor:
    """L2 of the frame-to-frame differences; 0 for single frames."""
    if frames < 2:
        return prediction.new_zeros(())
    p, t = prediction.unflatten(0, (-1, frames)), truth.unflatten(0, (-1, frames))
    return F.mse_loss(p[:, 1:] - p[:, :-1], t[:, 1:] - t[:, :-1])


def segmentation_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy, [B · T, 1, H, W]."""
    return F.binary_cross_entropy_with_logits(logits, mask)
