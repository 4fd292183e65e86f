"""The whole network (paper section 2, figure 1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .decoder import RecurrentDecoder, source_pyramid
from .guided_filter import DeepGuidedFilter, guide
from .lr_aspp import LRASPP
from .mobilenet_v3 import BOUNDARIES, MobileNetV3

States = tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]
NO_MEMORY: States = (None, None, None, None)


class Projection(nn.Module):
    """Hidden features by 1x1 to what is asked for; nothing is clamped."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


@dataclass(frozen=True)
class Output:
    """What the network says of [B, T] frames; every tensor is [B · T, …]."""

    features: dict[str, Tensor]  # at block boundaries: f1 f3 f6 f9 f12 f16 aspp x4 x3 x2 x1 x0 mat
    picture: Tensor  # low-resolution RGB
    frames: int  # T

    @property
    def matte(self) -> Tensor:
        """Foreground residual (3) and alpha (1), unclamped."""
        return self.features["mat"]

    @property
    def alpha(self) -> Tensor:
        return self.matte[:, 3:].clamp(0, 1)

    @property
    def foreground(self) -> Tensor:
        return (self.picture + self.matte[:, :3]).clamp(0, 1)

    def all_states(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """r1..r4 after every frame: the second halves of x1..x4."""
        halves = [self.features[name].chunk(2, 1)[1] for name in ("x1", "x2", "x3", "x4")]
        return halves[0], halves[1], halves[2], halves[3]

    def states(self) -> States:
        """r1..r4 after each sequence's last frame, for the frames that follow."""
        last = [state.unflatten(0, (-1, self.frames))[:, -1] for state in self.all_states()]
        return last[0], last[1], last[2], last[3]


class MattingNetwork(nn.Module):
    """
    Encoder, LR-ASPP, recurrent decoder, projections, deep guided filter.

    batch_norm: with BatchNorm, as it is trained; without, as files hold it: folded into the convolutions.
    """

    def __init__(self, batch_norm: bool = True) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.backbone = MobileNetV3(batch_norm)
        self.aspp = LRASPP(batch_norm)
        self.decoder = RecurrentDecoder(batch_norm)
        self.project_mat = Projection(16, 4)
        self.project_seg = Projection(16, 1)
        self.refiner = DeepGuidedFilter(batch_norm)

    def forward(self, clips: Tensor, states: States = NO_MEMORY, instead: Mapping[str, Tensor] | None = None) -> Output:
        """
        clips: low-resolution RGB in 0..1, [B, T, 3, h, w]; states: r1..r4 after the frame before.
        instead: features that the next blocks take in place of this network's own, by name (block-by-block training).
        """
        frames = clips.shape[1]
        picture = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        own: dict[str, Tensor] = {}
        used: dict[str, Tensor] = {}

        def boundary(name: str, value: Tensor) -> Tensor:
            own[name] = value
            used[name] = value if instead is None else instead.get(name, value)
            return used[name]

        x = self._encode(picture, boundary)
        s1, s2, s3 = source_pyramid(picture)
        r1, r2, r3, r4 = states
        decoder = self.decoder
        x = boundary("x4", decoder.decode4(x, r4, frames))
        x = boundary("x3", decoder.decode3(x, used["f6"], s3, r3, frames))
        x = boundary("x2", decoder.decode2(x, used["f3"], s2, r2, frames))
        x = boundary("x1", decoder.decode1(x, used["f1"], s1, r1, frames))
        x = boundary("x0", decoder.decode0(x, picture))
        boundary("mat", self.project_mat(x))
        return Output(own, picture, frames)

    def encode(self, clips: Tensor) -> dict[str, Tensor]:
        """The features of encoder and LR-ASPP alone: f1 f3 f6 f9 f12 f16 aspp. clips: as forward's."""
        features: dict[str, Tensor] = {}
        picture = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        self._encode(picture, lambda name, value: features.setdefault(name, value))
        return features

    def _encode(self, picture: Tensor, boundary: Callable[[str, Tensor], Tensor]) -> Tensor:
        """boundary: hears of every boundary's features, and says what the next block takes."""
        x = self.backbone.normalise(picture)
        first = 0
        for last in BOUNDARIES:
            x = boundary(f"f{last}", self.backbone.part(x, first, last))
            first = last + 1
        return boundary("aspp", self.aspp(x))

    def segmentation(self, output: Output) -> Tensor:
        """Logits [B · T, 1, h, w]."""
        return self.project_seg(output.features["x0"])

    def refine(self, output: Output) -> tuple[Tensor, Tensor]:
        """The deep guided filter's A and b at low resolution."""
        return self.refiner(output.picture, output.matte, output.features["x0"])


def full_resolution(a: Tensor, b: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
    """
    A · x + b at full resolution. picture: RGB in 0..1 [N, 3, H, W].

    Returns foreground [N, 3, H, W] and alpha [N, 1, H, W], not clamped: a loss needs the slope outside too.
    """
    size = picture.shape[-2:]
    a, b = (F.interpolate(plane, size, mode="bilinear", align_corners=False) for plane in (a, b))
    y = a * guide(picture) + b
    return picture + y[:, :3], y[:, 3:]
