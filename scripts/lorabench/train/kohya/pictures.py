"""Check that sd-scripts takes the pictures and captions of a set as they are.

It complains late or not at all: it leaves some files out, and crops others.
"""

from pathlib import Path

from PIL import Image

from lorabench.base.families import Kohya
from lorabench.errors import UserError
from lorabench.text import syntax
from lorabench.train.data import Picture, TrainingSet


def check(pictures: TrainingSet, kohya: Kohya) -> None:
    """Raise `UserError` that names what sd-scripts would not take as it is.

    `read_set` has seen already that each picture has a header and a caption that is not empty.
    """
    _check_emphasis(pictures)
    faults = [fault for one in pictures.all if (fault := _fault(one, kohya.bucket_step))]
    faults += [
        f"{path}: neither a .png nor its .txt; sd-scripts would train on it, or on a part of them"
        for path in sorted((pictures.folder / "images").iterdir())
        if path.suffix not in (".png", ".txt") and not path.name.startswith(".")
    ]
    if faults:
        more = f"\nand {len(faults) - 20} more" if len(faults) > 20 else ""
        raise UserError("\n".join(faults[:20]) + more + "\nNormalize the raw set again.")


def _check_emphasis(pictures: TrainingSet) -> None:
    """Refuse to have captions read as prompts where they have brackets of their own."""
    bracketed = syntax.emphasised(picture.caption for picture in pictures.all)
    if pictures.settings.kohya_args.get("weighted_captions") and bracketed:
        raise UserError(
            f"train.kohya_args: weighted_captions: sd-scripts would take {bracketed[0]} and other "
            "brackets of the captions for emphasis, and train the words without them; leave it out"
            " (captions are plain text here, without escapes), or write weights: (word:1.1)"
        )


def _fault(picture: Picture, step: int) -> str | None:
    width, height = picture.size
    if width % step or height % step:
        return (
            f"{picture.path}: {width}x{height} px would be cropped, because the edges should be "
            f"multiples of {step} (preprocess: {{bucket_step: {step}}})"
        )
    return _unreadable(picture.path)


def _unreadable(path: Path) -> str | None:
    try:
        with Image.open(path) as image:
            image.load()
            if image.has_transparency_data:
                return f"{path}: its transparency would be dropped, and what lies under it shown"
    except (OSError, SyntaxError, ValueError) as error:
        return f"{path}: cannot be read to its end ({error})"
    return None
