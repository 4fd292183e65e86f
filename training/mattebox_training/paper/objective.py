"""One optimiser step's loss, as one forward pass: what runs over several GPUs wraps it."""

from torch import Tensor, nn
from torch.nn import functional as F

from ..losses.matting import alpha_loss, foreground_loss, segmentation_loss
from ..network import MattingNetwork, full_resolution


class Objective(nn.Module):
    """The network and its losses; the answer is named parts, of which `total` is minimised."""

    def __init__(self, network: MattingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, task: str, tensors: tuple[Tensor, ...], ratio: float = 1) -> dict[str, Tensor]:
        """task: matting or segmentation; tensors: uint8, as in Step; ratio below 1: through the guided filter."""
        parts = [tensor.float() / 255 for tensor in tensors]
        if task == "segmentation":
            output = self.network(parts[0])
            loss = segmentation_loss(self.network.segmentation(output).float(), (parts[1].flatten(0, 1) > 0.5).float())
            return {"segmentation": loss.detach(), "total": loss}
        source, foreground, alpha = parts
        frames = source.shape[1]
        if ratio < 1:
            picture = source.flatten(0, 1)
            small = F.interpolate(picture, scale_factor=ratio, mode="area")
            output = self.network(small.unflatten(0, source.shape[:2]))
            predicted_foreground, predicted = full_resolution(*self.network.refine(output), picture)
        else:
            output = self.network(source)
            predicted_foreground, predicted = output.picture + output.matte[:, :3], output.matte[:, 3:]
        # Clamped as published; float32 whatever the network computed in.
        predicted, predicted_foreground = predicted.float().clamp(0, 1), predicted_foreground.float().clamp(0, 1)
        of_alpha = alpha_loss(predicted, alpha.flatten(0, 1), frames)
        of_foreground = foreground_loss(predicted_foreground, foreground.flatten(0, 1), alpha.flatten(0, 1), frames)
        return {"alpha": of_alpha.detach(), "foreground": of_foreground.detach(), "total": of_alpha + of_foreground}
