"""`/upload/image`: take a picture into the input folder."""

import itertools
import os
from pathlib import Path

from aiohttp import web

from lorabench import files
from lorabench.comfy.embedded.bodies import Malformed
from lorabench.comfy.embedded.library import PICTURE_FILES, Library


async def upload(request: web.Request, library: Library) -> dict[str, str]:
    """Write the form's `image` into `subfolder` of the input folder, and return its place.

    A file of that name with other content stays, unless `overwrite` is "true" or "1"; the new one
    gets a number. Raises `Malformed`: no picture, or a place outside the folder.
    """
    form = await request.post()
    image, subfolder = form.get("image"), str(form.get("subfolder", ""))
    if not isinstance(image, web.FileField) or not image.filename:
        raise Malformed("the form has no file called image")
    if form.get("type", "input") != "input":
        raise Malformed("only type input can be uploaded")
    root = library.input_dir.absolute()
    wanted = Path(os.path.normpath(root / subfolder / image.filename))
    if not wanted.is_relative_to(root) or not wanted.name.lower().endswith(PICTURE_FILES):
        raise Malformed(f"{image.filename!r} in {subfolder!r} is no picture in the input folder")
    content = image.file.read()
    try:
        if not wanted.parent.resolve().is_relative_to(root.resolve()):
            raise Malformed(f"{subfolder!r} leads out of the input folder")
        wanted.parent.mkdir(parents=True, exist_ok=True)
        path = wanted if form.get("overwrite") in ("true", "1") else _free(wanted, content)
        if not path.exists() or path.read_bytes() != content:
            with files.publish(path) as temporary:
                temporary.write_bytes(content)
    except (OSError, ValueError) as error:  # a full disk, or an impossible name
        raise Malformed(f"{image.filename!r} could not be written: {error}") from None
    return {"name": path.name, "subfolder": subfolder, "type": "input"}


def _free(wanted: Path, content: bytes) -> Path:
    """Return the first of `a.png`, `a (1).png`, … that is free or has this content."""
    numbered = (
        wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
        for number in itertools.count(1)
    )
    return next(
        path
        for path in itertools.chain([wanted], numbered)
        if not path.exists() or path.read_bytes() == content
    )
