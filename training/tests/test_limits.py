"""The card's bins, and the patches of skin that were marked by hand."""

import numpy as np
import pytest
from numpy.random import default_rng

from mattebox_training.data.pictures import read_gray
from mattebox_training.distillation.limits import TOO_FEW, describe
from mattebox_training.distillation.skin import Patch, skin_lightness, skin_patches
from mattebox_training.distillation.sources import held_out_names, photos


def test_a_bins_interval_holds_its_mean():
    values = default_rng(3).uniform(0.8, 1, TOO_FEW)
    mean, interval = describe(values).split(" | ")
    low, high = (float(edge) for edge in interval.split(" to "))
    assert float(mean) == pytest.approx(values.mean(), abs=5e-4)
    # The standard error of the mean is about 0.013: the interval is some four of them wide.
    assert 0.03 < high - low < 0.08 and low < values.mean() < high


def test_skin_is_as_light_as_most_of_its_patch():
    picture = np.full((20, 20, 3), 119, np.uint8)  # L* 50
    picture[8:10, 8:10] = 255  # a glint
    picture[:4] = 0  # beside the patch
    assert skin_lightness(picture, Patch(left=5, top=5, side=6)) == pytest.approx(50, abs=0.5)


def test_every_patch_of_skin_is_on_a_held_out_person(shared):
    data = shared / "data" / "train"
    if not data.is_dir():
        pytest.skip("needs the training data")
    persons = {person.name: person for person in photos(data)}
    patches = skin_patches()
    assert set(patches) <= set(held_out_names(data))
    assert len(patches) == 199  # of 200: one face is painted
    for name, patch in patches.items():
        mask = read_gray(persons[name].matte)
        inside = mask[patch.top : patch.top + patch.side, patch.left : patch.left + patch.side]
        assert inside.shape == (patch.side, patch.side), name
        assert (inside >= 128).mean() > 0.5, name
