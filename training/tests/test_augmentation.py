"""What is done to pictures. Red: shift by half a pixel where a layer is averaged down, or let time jump."""

import cv2
import numpy as np
from numpy.random import default_rng

from mattebox_training.data.colour import Look, hue_rotation
from mattebox_training.data.motion import camera_windows, moments, placed, warp
from mattebox_training.data.soft_mask import soften
from mattebox_training.data.temporal import frame_places


def test_a_point_lands_where_it_is_placed_at_any_scale():
    layer = np.zeros((200, 200), np.uint8)
    cv2.circle(layer, (120, 80), 24, 255, -1)
    for scale in (0.25, 0.5, 1, 1.5):
        matrix = placed(np.array([120, 80]), np.array([60, 50]), (scale, scale), 20, flip=True)
        seen = warp(layer, matrix, (100, 130), cv2.BORDER_CONSTANT).astype(float)
        rows, columns = np.mgrid[:100, :130]
        centre = (seen * columns).sum() / seen.sum(), (seen * rows).sum() / seen.sum()
        assert np.allclose(centre, (60, 50), atol=0.1), scale


def test_a_camera_never_leaves_the_picture():
    picture = np.full((60, 100), 200, np.uint8)
    for seed in range(50):
        rng = default_rng(seed)
        for window in camera_windows(rng, (60, 100), (48, 64), 6, smallest=0.3, travel=0.5):
            window = window.copy()
            turned = abs(window[0, 1]) > 1e-9
            seen = warp(picture, window, (48, 64), cv2.BORDER_CONSTANT)
            # A tilted one may show a corner; its samples repeat the border there.
            assert turned or seen[1:-1, 1:-1].min() == 200, seed


def test_moments_stay_between_first_and_last():
    for seed in range(100):
        found = moments(default_rng(seed), 12)
        assert found.min() >= 0 and found.max() <= 1 and np.abs(np.diff(found)).max() < 0.5


def test_time_never_jumps_and_never_leaves_the_clip():
    kinds = set()
    for seed in range(200):
        places = frame_places(default_rng(seed), 0, 40, 12)
        steps = np.diff(places)
        assert len(places) == 12 and min(places) >= 0 and max(places) < 40
        assert np.abs(steps).max() <= 2, places
        kinds.add((bool((steps == 0).any()), bool(steps[0] < 0), int(np.abs(steps).max())))
    assert len(kinds) >= 5  # slow, fast, backwards, paused
    for seed in range(20):
        assert set(frame_places(default_rng(seed), 2, 4, 30)) <= {0, 1, 2, 3}  # a short clip turns round
    assert frame_places(default_rng(1), 0, 1, 4) == [0, 0, 0, 0]


def test_grays_stay_gray_when_the_hue_turns():
    assert np.allclose(hue_rotation(0.7) @ np.ones(3), 1)
    plain = Look((0, 0), (1, 1), (1, 1), ((1, 1, 1), (1, 1, 1)), (0, 0))
    picture = default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    assert np.array_equal(plain.apply(picture, 0.5), picture)


def test_a_softened_mask_keeps_its_inside_and_outside():
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 255
    alpha = soften(mask, 1.0)
    assert (alpha[25:35, 25:35] == 255).all() and not alpha[:15].any()
    assert ((alpha > 0) & (alpha < 255)).sum() > 50
