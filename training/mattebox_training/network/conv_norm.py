"""A convolution and the BatchNorm after it: two modules, or one where the norm is folded."""

from torch import nn

# Epsilons of the published BatchNorms: torchvision's MobileNetV3 sets its own, the rest is PyTorch's default.
BACKBONE_EPSILON = 1e-3
EPSILON = 1e-5


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    epsilon: float | None,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> list[nn.Module]:
    """
    The convolution at place 0 and its BatchNorm at place 1, as in the published sequences.

    epsilon: the BatchNorm's; None: folded, the convolution has the bias and place 1 does nothing.
    """
    padding = (kernel - 1) // 2 * dilation
    folded = epsilon is None
    convolution = nn.Conv2d(
        inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=folded
    )
    if folded:
        return [convolution, nn.Identity()]
    # Momentum 0.01 as torchvision's backbone has it: sequences make a batch's pictures alike.
    return [convolution, nn.BatchNorm2d(outputs, eps=epsilon, momentum=0.01)]
