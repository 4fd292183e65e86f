"""The files of the default model's training data (its README says what they are), without what is held out."""

from dataclasses import dataclass
from pathlib import Path

from ..data.pictures import DataError, pictures_in

# Backgrounds that may not be used for everything (non-commercial sources), by the prefix of their names.
NON_COMMERCIAL = ("bsds-", "davis-", "misc-")
# A near-duplicate of a held-out photo.
DUPLICATES = ("ccp/0594.jpg",)
# The validation's composites are made of these; training never sees them.
VALIDATION_BACKGROUNDS = 50
VALIDATION_CUTOUTS = tuple(
    f"cutouts/{stem}.jpg" for stem in ("1_14", "1_6", "2_23", "2_6", "4_6", "r_14", "r_32", "r_50", "r_69", "r_87")
)


@dataclass(frozen=True)
class Person:
    """A photo of a person. `soft`: its matte is an alpha, else a mask that may miss passers-by."""

    name: str  # set/stem.jpg
    picture: Path
    matte: Path
    soft: bool


@dataclass(frozen=True)
class Sources:
    """What samples are made from."""

    persons: tuple[Person, ...]
    backgrounds: tuple[Path, ...]
    clips: tuple[Path, ...]  # folders of frames
    empty_clips: tuple[Path, ...]  # the same, nobody in them


def training_sources(root: Path, frames: Path) -> Sources:
    """root: the data's folder; frames: where `prepare` has put the clips' frames."""
    held_out = set(held_out_names(root)) | set(DUPLICATES)
    persons = [person for person in photos(root) if person.name not in held_out]
    persons += [person for person in cutouts(root) if not is_validation_cutout(person)]
    used = set(validation_backgrounds(root))
    return Sources(
        persons=tuple(persons),
        backgrounds=tuple(path for path in backgrounds(root) if path not in used),
        clips=clip_folders(frames / "clips"),
        empty_clips=clip_folders(frames / "clips-empty"),
    )


def held_out_names(root: Path) -> list[str]:
    """The photos that validate, as set/stem.jpg."""
    path = root / "heldout.txt"
    if not path.is_file():
        raise DataError(f"{path} is missing: without it the held-out photos would be trained on.")
    return path.read_text().split()


def photos(root: Path) -> list[Person]:
    """All photos with masks, held out or not."""
    return [
        person for name in ("eg1800", "ccp", "vs-humans") for person in pairs(root / name, name, "masks", soft=False)
    ]


def cutouts(root: Path) -> list[Person]:
    """Pictures with true alpha."""
    return [
        person for name in ("cutouts", "avatars") for person in pairs(root / "alpha" / name, name, "alpha", soft=True)
    ]


def is_validation_cutout(person: Person) -> bool:
    """10 of the 200 full-body cut-outs, one of every 20 by name."""
    return person.name in VALIDATION_CUTOUTS


def backgrounds(root: Path) -> list[Path]:
    """Those that may be used."""
    found = pictures_in(root / "backgrounds")
    return [path for path in found if not path.name.startswith(NON_COMMERCIAL)]


def validation_backgrounds(root: Path) -> list[Path]:
    """Every seventh of all that may be used, up to 50: of every kind some."""
    return backgrounds(root)[::7][:VALIDATION_BACKGROUNDS]


def pairs(folder: Path, name: str, mattes: str, soft: bool) -> list[Person]:
    """A layout of images/ and masks/ or alpha/, the same stem in both."""
    persons = []
    for picture in pictures_in(folder / "images"):
        matte = folder / mattes / f"{picture.stem}.png"
        if not matte.is_file():
            raise DataError(f"{picture} has no {matte}: every picture needs its {mattes}.")
        persons.append(Person(f"{name}/{picture.name}", picture, matte, soft))
    return persons


def clip_folders(folder: Path) -> tuple[Path, ...]:
    """Folders of frames, one a clip."""
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: run the prepare command first, it takes the clips apart.")
    return tuple(sorted(path for path in folder.iterdir() if path.is_dir()))
