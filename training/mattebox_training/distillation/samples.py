"""
Sequences to distil on: persons over moving backgrounds, whole photos and clips, and rooms with nobody in them.

A sample is a function of its number and the run's seed alone, so that a resumed run goes on with the very sample that
it would have seen.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator, default_rng

from ..data.colour import Camera, Look
from ..data.motion import camera_windows, moments, placed, warp
from ..data.pictures import pictures_in, read_gray, read_rgb
from ..data.soft_mask import soften
from .sources import Person, Sources


@dataclass(frozen=True)
class Mixture:
    """How often a sample is of which kind; the rest are composites. And how often things are in them that are nobody."""

    photo: float = 0.15
    clip: float = 0.22
    empty: float = 0.08
    thing_beside: float = 0.25  # of composites: one
    things_alone: float = 0  # of empty scenes: one to three


@dataclass
class Sample:
    """One sequence. `known`: 1 where alpha is the truth (composites), 0 where only a mask of one person is known."""

    frames: np.ndarray  # uint8 [T, H, W, 3]
    alpha: np.ndarray  # uint8 [T, H, W]
    known: float
    masked: float  # 1 where alpha says something at all


def make_sample(
    sources: Sources, mixture: Mixture, seed: int, number: int, size: tuple[int, int], frames: int
) -> Sample:
    """size: rows, columns."""
    rng = default_rng([seed, number])
    kind = rng.random()
    if kind < mixture.photo:
        sample = whole_photo(sources, rng, size, frames)
    elif kind < mixture.photo + mixture.clip:
        sample = real_clip(sources.clips, rng, size, frames)
    elif kind < mixture.photo + mixture.clip + mixture.empty:
        sample = empty_scene(sources, rng, size, frames, mixture.things_alone)
    else:
        sample = composite(sources, rng, size, frames, mixture.thing_beside)
    camera = Camera.random(rng)
    sample.frames = np.stack([camera.apply(frame, rng) for frame in sample.frames])
    return sample


def whole_photo(sources: Sources, rng: Generator, size: tuple[int, int], frames: int) -> Sample:
    """A photo as it is, seen by a moving camera."""
    photos = [person for person in sources.persons if not person.soft]
    person = photos[rng.integers(len(photos))]
    picture, mask = read_rgb(person.picture), read_gray(person.matte)
    windows = camera_windows(rng, picture.shape[:2], size, frames, smallest=0.55, travel=travel(rng, frames))
    look = Look.random(rng, 0.7)
    steps = np.linspace(0, 1, frames)
    seen = [
        look.apply(warp(picture, window, size, cv2.BORDER_REPLICATE), s)
        for window, s in zip(windows, steps, strict=True)
    ]
    masks = [warp(mask, window, size, cv2.BORDER_REPLICATE) for window in windows]
    return Sample(np.stack(seen), np.stack(masks), known=0, masked=1)


def real_clip(clips: tuple[Path, ...], rng: Generator, size: tuple[int, int], frames: int) -> Sample:
    """A clip, or nearly all of its picture, forwards or backwards, faster or slower."""
    pictures = clip_pictures(clips[rng.integers(len(clips))], rng, frames)
    windows = camera_windows(rng, pictures[0].shape[:2], size, frames, smallest=0.7, travel=0.05)
    if rng.random() < 0.5:
        windows = [windows[0]] * frames
    look = Look.random(rng, 0.5)
    steps = np.linspace(0, 1, frames)
    seen = [
        look.apply(warp(picture, window, size, cv2.BORDER_REPLICATE), s)
        for picture, window, s in zip(pictures, windows, steps, strict=True)
    ]
    return Sample(np.stack(seen), np.zeros((frames, *size), np.uint8), known=0, masked=0)


def clip_pictures(clip: Path, rng: Generator, frames: int) -> list[np.ndarray]:
    """Frames of a clip in their order or backwards, every one or every second; a short clip turns round at its end."""
    paths = pictures_in(clip)
    step = int(rng.integers(1, 3)) if len(paths) >= 2 * frames else 1
    start = int(rng.integers(max(1, len(paths) - step * (frames - 1))))
    period = max(1, 2 * (len(paths) - 1))
    places = [(start + step * i) % period for i in range(frames)]
    places = [place if place < len(paths) else period - place for place in places]
    if rng.random() < 0.3:
        places.reverse()
    return [read_rgb(paths[place]) for place in places]


def background(sources: Sources, rng: Generator, size: tuple[int, int], frames: int) -> np.ndarray:
    """Nobody in it: a picture seen by a moving or still camera, or an empty clip. uint8 [T, H, W, 3]."""
    look = Look.random(rng, 1)
    steps = np.linspace(0, 1, frames)
    if rng.random() < 0.2:
        pictures = clip_pictures(sources.empty_clips[rng.integers(len(sources.empty_clips))], rng, frames)
        smallest, way = 0.7, 0.05
    else:
        still = read_rgb(sources.backgrounds[rng.integers(len(sources.backgrounds))])
        pictures, smallest = [still] * frames, 0.4
        way = 0.0 if rng.random() < 0.35 else travel(rng, frames)
    windows = camera_windows(rng, pictures[0].shape[:2], size, frames, smallest=smallest, travel=way)
    blur = rng.uniform(0.5, 3) * size[0] / 256 if rng.random() < 0.25 else 0
    seen = []
    for picture, window, s in zip(pictures, windows, steps, strict=True):
        frame = look.apply(warp(picture, window, size, cv2.BORDER_REFLECT), s)
        seen.append(cv2.GaussianBlur(frame, (0, 0), blur) if blur else frame)
    return np.stack(seen)


def travel(rng: Generator, frames: int) -> float:
    """How far a camera moves over a sequence, in parts of what is free: more in longer ones, mostly little."""
    return float(min(1, rng.gamma(1.0, 0.04) * frames))


def empty_scene(sources: Sources, rng: Generator, size: tuple[int, int], frames: int, things: float) -> Sample:
    """Nobody, and now and then things that move as people do."""
    canvas = background(sources, rng, size, frames)
    alpha = np.zeros(canvas.shape[:3], np.uint8)
    # Where there are to be none the dice are not thrown: phases without things see the samples that they saw before.
    if things > 0 and rng.random() < things:
        count = int(rng.integers(1, 4))
        for _ in range(count):
            layer, matte = some_thing(sources, rng)
            paste(canvas, alpha, layer, matte, rng, smaller=count, person=False)
    return Sample(canvas, alpha, known=1, masked=1)


def composite(sources: Sources, rng: Generator, size: tuple[int, int], frames: int, things: float) -> Sample:
    """One to four persons, and now and then a thing that is none, over a background, each on its own way."""
    canvas = background(sources, rng, size, frames)
    alpha = np.zeros(canvas.shape[:3], np.uint8)
    people = int(rng.choice([1, 2, 3, 4], p=[0.68, 0.2, 0.08, 0.04]))
    thing = int(rng.integers(people + 1)) if rng.random() < things else -1
    for place in range(people + (thing >= 0)):
        if place == thing:
            layer, matte = some_thing(sources, rng)
            paste(canvas, alpha, layer, matte, rng, smaller=2, person=False)
        else:
            person = sources.persons[rng.integers(len(sources.persons))]
            layer, matte = cut_out(person)
            paste(canvas, alpha, layer, matte, rng, smaller=people)
    return Sample(canvas, alpha, known=1, masked=1)


def cut_out(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """A person's colours and soft matte, cropped to the matte."""
    picture, matte = read_rgb(person.picture), read_gray(person.matte)
    if not person.soft:
        matte = soften(matte, width=max(picture.shape[:2]) / 400)
    return cropped(picture, matte)


def cropped(picture: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both to the part that is seen."""
    rows, columns = np.flatnonzero(matte.max(1) > 8), np.flatnonzero(matte.max(0) > 8)
    if len(rows) == 0:
        return picture, matte
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return picture[box], matte[box]


def some_thing(sources: Sources, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """A patch of a background in a shape of its own: an ellipse, a rounded box, or a ragged blob."""
    picture = read_rgb(sources.backgrounds[rng.integers(len(sources.backgrounds))])
    h, w = picture.shape[:2]
    rows, columns = int(h * rng.uniform(0.3, 0.9)), int(w * rng.uniform(0.2, 0.7))
    y, x = rng.integers(h - rows + 1), rng.integers(w - columns + 1)
    patch = picture[y : y + rows, x : x + columns]
    matte = np.zeros((rows, columns), np.uint8)
    kind = rng.integers(3)
    if kind == 0:
        cv2.ellipse(matte, (columns // 2, rows // 2), (columns // 2 - 2, rows // 2 - 2), 0, 0, 360, 255, -1)
    elif kind == 1:
        cv2.rectangle(matte, (3, 3), (columns - 4, rows - 4), 255, -1)
    else:
        blob = cv2.GaussianBlur(rng.standard_normal((rows, columns)).astype(np.float32), (0, 0), min(rows, columns) / 8)
        matte[blob > 0] = 255
    return patch, cv2.GaussianBlur(matte, (0, 0), 1.2)


def paste(
    canvas: np.ndarray,
    alpha: np.ndarray,
    layer: np.ndarray,
    matte: np.ndarray,
    rng: Generator,
    *,
    smaller: int,
    person: bool = True,
) -> None:
    """
    Lays a layer over all frames, on a way of its own. smaller: how many share the frame. A person raises alpha, a thing
    lowers it.
    """
    frames, height, width = canvas.shape[:3]
    look = Look.random(rng, 0.8)
    # What the photo's edge cuts must lie beyond the frame's edge, or people end in the air.
    cut_below = (matte[-1] > 128).mean() > 0.15
    tall = np.exp(rng.uniform(np.log(0.35), np.log(1.3))) * height / smaller**0.4
    scale = tall / layer.shape[0]
    wide = layer.shape[1] * scale
    x = rng.uniform(0.1, 0.9) * width if rng.random() < 0.7 else rng.uniform(-0.2, 1.2) * width
    y = height - tall * rng.uniform(0.25, 0.5) if cut_below else rng.uniform(0.3, 0.7) * height
    if cut_below:
        y = max(y, height - tall / 2)
    start = np.array([x, y])
    speed = rng.gamma(1.2, 0.012) * height * frames
    direction = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(direction), 0.5 * np.sin(direction)]) * min(speed, max(wide, width) * 0.8)
    if cut_below:
        way[1] = abs(way[1]) * 0.3
    if rng.random() < 0.12:  # comes in or goes out
        side = -wide / 2 if rng.random() < 0.5 else width + wide / 2
        way = np.array([side - x, 0.0])
    growth, turn, tilt = np.exp(rng.normal(0, 0.015 * frames**0.7)), rng.normal(0, 1.5), rng.normal(0, 4)
    stretch = np.exp(rng.uniform(-0.08, 0.08))
    flip = rng.random() < 0.5
    centre = np.array([layer.shape[1], layer.shape[0]]) / 2 - 0.5
    for t, moment in enumerate(moments(rng, frames)):
        size = scale * growth**moment
        matrix = placed(centre, start + way * moment, (size * stretch, size), tilt + turn * moment, flip)
        over = warp(matte, matrix, (height, width), cv2.BORDER_CONSTANT)
        if not over.any():
            continue
        colour = look.apply(warp(layer, matrix, (height, width), cv2.BORDER_REPLICATE), moment)
        part = over[..., None].astype(np.float32) / 255
        canvas[t] = (colour * part + canvas[t] * (1 - part) + 0.5).astype(np.uint8)
        covered = alpha[t] * (1 - part[..., 0])
        alpha[t] = (covered + (255 * part[..., 0] if person else 0) + 0.5).astype(np.uint8)
