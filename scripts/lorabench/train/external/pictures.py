"""Check that a program takes the pictures and captions of a set as they are.

It complains late or not at all: it leaves some files out, and crops others.
"""

from PIL import Image

from lorabench.base.trainer import Trainer
from lorabench.errors import UserError
from lorabench.text import syntax
from lorabench.text.phrases import indented
from lorabench.train.data import Picture, TrainingSet


def check(pictures: TrainingSet, by: Trainer) -> None:
    """Raise `UserError` with everything that the program would change.

    `read_set` has checked that each picture has a header and a caption that is not empty.
    """
    _check_emphasis(pictures)
    faults = [fault for one in pictures.all if (fault := _fault(one, by.bucket_step))]
    faults += [
        f"{path}: neither a .png nor its .txt; {by.program} would train on it, or on a part"
        for path in sorted((pictures.folder / "images").iterdir())
        if path.suffix not in (".png", ".txt") and not path.name.startswith(".")
    ]
    if faults:
        listed = indented(faults, 20)
        raise UserError(f"{by.program} needs other files:\n{listed}\nNormalize the raw set again.")


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
    try:
        with Image.open(picture.path) as image:
            image.load()
            if image.has_transparency_data:
                return f"{picture.path}: its transparency would be dropped"
    except (OSError, SyntaxError, ValueError) as error:
        return f"{picture.path}: cannot be read to its end ({error})"
    return None
