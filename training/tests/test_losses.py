"""The losses by their formulas. Red: weigh the pyramid's levels the other way round, or drop the factor 5."""

import pytest
import torch
from torch.nn import functional as F

from mattebox_training.losses.features import FeatureLoss
from mattebox_training.losses.laplacian import laplacian_loss
from mattebox_training.losses.matting import alpha_loss, coherence_loss, foreground_loss


def test_equal_mattes_cost_nothing():
    alpha = torch.rand(2, 1, 64, 48)
    assert laplacian_loss(alpha, alpha) == 0
    assert alpha_loss(alpha, alpha, 2) == 0


def test_a_constant_error_is_what_l1_is_for():
    alpha = torch.full((2, 1, 64, 64), 0.5)
    assert laplacian_loss(alpha, alpha + 0.25) < 1e-6
    assert alpha_loss(alpha, alpha + 0.25, 2).item() == pytest.approx(0.25, abs=1e-6)


def test_the_pyramid_is_the_published_one():
    """Blur and halve; enlarge by zeros between the pixels and four times the blur; level i weighs 2^i of five."""
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    kernel = torch.outer(row, row)[None, None]

    def blur(picture):
        return F.conv2d(F.pad(picture, (2, 2, 2, 2), mode="reflect"), kernel)

    def levels(picture):
        for _ in range(5):
            small = blur(picture)[..., ::2, ::2]
            spread = torch.zeros_like(picture)
            spread[..., ::2, ::2] = small * 4
            yield picture - blur(spread)
            picture = small

    one, other = torch.rand(2, 2, 1, 96, 64)
    pairs = zip(levels(one), levels(other), strict=True)
    wanted = sum((a - b).abs().mean() * 2**level for level, (a, b) in enumerate(pairs)) / 5
    assert laplacian_loss(one, other).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_coarse_errors_weigh_more_than_fine_ones():
    truth = torch.zeros(1, 1, 64, 64)
    fine, coarse = truth.clone(), truth.clone()
    fine[..., ::2, :] = 0.2  # stripes
    coarse[..., :32, :] = 0.2  # one half of the picture: as many wrong pixels
    assert laplacian_loss(coarse, truth) > 5 * laplacian_loss(fine, truth)


def test_flicker_costs_five_times_its_square():
    truth = torch.zeros(4, 1, 32, 32)
    flicker = truth.clone()
    flicker[1] = 0.1
    flicker[3] = 0.1
    assert coherence_loss(flicker, truth, frames=2).item() == pytest.approx(0.01)
    assert coherence_loss(flicker, truth, frames=1) == 0
    without = alpha_loss(flicker, truth, 1)
    assert (alpha_loss(flicker, truth, 2) - without).item() == pytest.approx(0.05, abs=1e-6)


def test_colour_counts_only_where_there_is_a_person():
    alpha = torch.zeros(1, 1, 8, 8)
    colour = torch.rand(1, 3, 8, 8)
    assert foreground_loss(colour, 1 - colour, alpha, 1) == 0


def test_features_are_measured_in_the_teachers_variance():
    torch.manual_seed(0)
    loss = FeatureLoss(("x",))
    teacher = torch.randn(4, 8, 16, 16) * 30 + 3
    guess = torch.full_like(teacher, 3)
    assert loss({"x": guess}, {"x": teacher})["x"].item() == pytest.approx(1, abs=0.05)
