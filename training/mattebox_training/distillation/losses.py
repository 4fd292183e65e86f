"""What a step of the distillation minimises."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..losses.features import FeatureLoss
from ..losses.matting import alpha_loss, foreground_loss
from ..network import MattingNetwork, Output, full_resolution
from .phases import Phase

# Weight of a raw alpha's error where it is clamped away. At 1 it was 88 % of that loss, on 92 % of the pixels, and four
# times the loss of the alpha that is seen.
UNSEEN = 0.1

BOUNDARIES = ("f1", "f3", "f6", "f9", "f12", "f16", "aspp", "x4", "x3", "x2", "x1", "x0")
# The refiner's. A alone leaves the box filter's scale open: the layers behind it make up for it in A, and in b nothing
# does. Its sum sank from 1.14 to 0.85, and at full resolution most of a person was gone.
COEFFICIENTS = ("A", "b")


@dataclass(frozen=True)
class Batch:
    """Sequences, on the device. Where the phase has one resolution only, `full` is `low`."""

    low: Tensor  # [B, T, 3, h, w] in 0..1
    full: Tensor  # [B, T, 3, H, W]
    alpha: Tensor  # [B, T, 1, h, w]: the truth, or a mask that may miss people
    known: Tensor  # [B]: 1 where alpha is the truth
    masked: Tensor  # [B]: 1 where alpha says anything


class DistillationLoss(torch.nn.Module):
    """Its running variances belong to the run's state."""

    def __init__(self) -> None:
        super().__init__()
        self.features = FeatureLoss((*BOUNDARIES, *COEFFICIENTS))

    def forward(
        self,
        student: MattingNetwork,
        teacher: MattingNetwork,
        answer: Output,
        target: Output,
        batch: Batch,
        phase: Phase,
        taught: Output | None,
    ) -> dict[str, Tensor]:
        """
        Weighted parts; their sum is what is minimised. taught: the features that the student's blocks were given, for
        the refiner as for every other block; None: it takes the student's own, without sending gradients back.
        """
        frames = target.frames
        boundaries = self.features(
            {**answer.features, **_coefficients(student, taught or answer)},
            {**target.features, **_coefficients(teacher, target)},
        )
        parts = _weighted(boundaries, phase)
        # The refiner learns at full weight in every phase: it is small, and until the last nothing else teaches it.
        parts |= {f"feature/{name}": 0.2 * boundaries[name] for name in COEFFICIENTS}

        parts["matte"] = raw_alpha_loss(answer.matte[:, 3:], target.matte[:, 3:])
        parts["alpha"] = alpha_loss(answer.alpha, target.alpha, frames)
        parts["foreground"] = foreground_loss(answer.foreground, target.foreground, target.alpha, frames)

        truth = batch.alpha.flatten(0, 1)
        known, masked = (value.repeat_interleave(frames).view(-1, 1, 1, 1) for value in (batch.known, batch.masked))
        if phase.truth > 0:
            parts["truth"] = phase.truth * alpha_loss(answer.alpha * known, truth * known, frames)
        parts["segmentation"] = self._segmentation(student, answer, target, truth, masked, known)
        return parts

    def encoder(self, student: dict[str, Tensor], teacher: dict[str, Tensor], phase: Phase) -> dict[str, Tensor]:
        """Weighted parts where encoder and LR-ASPP learn alone."""
        return _weighted(self.features(student, teacher), phase)

    def refiner(
        self,
        student: MattingNetwork,
        teacher: MattingNetwork,
        answer: Output,
        target: Output,
        batch: Batch,
        phase: Phase,
    ) -> dict[str, Tensor]:
        """
        Weighted parts where the refiner learns alone: the teacher's A and b, and at full resolution what the teacher's
        own refiner makes of its own answer.
        """
        own, taught = student.refine(answer), teacher.refine(target)
        losses = self.features(_named(own), _named(taught))
        parts = {f"feature/{name}": phase.features * loss for name, loss in losses.items()}
        picture = batch.full.flatten(0, 1)
        foreground, raw = full_resolution(*own, picture)
        wanted_foreground, wanted_raw = full_resolution(*taught, picture)
        wanted = wanted_raw.clamp(0, 1)
        parts["refined/raw"] = raw_alpha_loss(raw, wanted_raw)
        parts["refined/alpha"] = alpha_loss(raw.clamp(0, 1), wanted, target.frames)
        parts["refined/foreground"] = F.l1_loss(foreground * (wanted > 0), wanted_foreground * (wanted > 0))
        return parts

    @staticmethod
    def _segmentation(
        student: MattingNetwork, answer: Output, target: Output, truth: Tensor, masked: Tensor, known: Tensor
    ) -> Tensor:
        """Masks only, and of photos only where the teacher agrees: their masks miss people. No gradient goes below."""
        mask = (truth > 0.5).float()
        agreed = torch.maximum(known, ((target.alpha > 0.5).float() == mask).float()) * masked
        logits = student.project_seg(answer.features["x0"].detach())
        losses = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
        return (losses * agreed).sum() / agreed.expand_as(losses).sum().clamp_min(1)


def raw_alpha_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """
    Of alpha before it is clamped: clamped values have no slope outside 0..1, raw ones have, and the refiner takes them.
    Where both are beyond the same end, nothing is seen of a difference: it counts for little.
    """
    alike = ((prediction < 0) & (truth < 0)) | ((prediction > 1) & (truth > 1))
    losses = F.smooth_l1_loss(prediction, truth, beta=0.1, reduction="none")
    return torch.where(alike, UNSEEN * losses, losses).mean()


def _coefficients(network: MattingNetwork, output: Output) -> dict[str, Tensor]:
    """The refiner's, of an answer that gets no gradient back."""
    return _named(network.refiner(output.picture, output.matte.detach(), output.features["x0"].detach()))


def _named(coefficients: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    return dict(zip(COEFFICIENTS, coefficients, strict=True))


def _weighted(boundaries: dict[str, Tensor], phase: Phase) -> dict[str, Tensor]:
    """The boundaries' mean at the phase's weight, as one part a boundary."""
    return {f"feature/{name}": phase.features * loss / len(boundaries) for name, loss in boundaries.items()}
