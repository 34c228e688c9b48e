"""Normalize each picture only once: a store keeps the results."""

import dataclasses
import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import imagehash
from PIL import Image

from lorabench import files
from lorabench.dataset import decoding, png
from lorabench.dataset.buckets import bucket_sizes, fit
from lorabench.dataset.refusals import Refusal, RejectedError
from lorabench.digests import digest
from lorabench.settings.models import PreprocessSettings

# To be increased when the same settings give other pixels than before.
_VERSION = 1
_PIXEL_SETTINGS = ("resolution", "bucket_step", "bucket_min", "bucket_max", "background")


@dataclasses.dataclass
class Row:
    """The result for one picture: a line of preprocess_log.csv; empty if not applicable."""

    source: str  # path within the raw set
    ok: bool = False  # whether it is in the set
    reason: str = ""  # why not, in English
    code: str = ""  # why not, as a code of `refusals`
    fields: str = ""  # what the reason names, as JSON
    format: str = ""  # of the file, as Pillow names it
    mode: str = ""  # of the file's pixels, as Pillow names it (RGB, CMYK, I;16, P, ...)
    original_width: int | None = None  # px, after EXIF orientation
    original_height: int | None = None
    width: int | None = None  # px of the result
    height: int | None = None
    crop: str = ""  # `left,top,width,height` in px of the upright source, cut out before scaling
    scale: float | None = None  # from source to result, above 1 where enlarged
    source_sha256: str = ""  # of the raw file
    result_sha256: str = ""  # of the PNG
    result: str = ""  # name of the PNG in images/
    phash: str = ""  # 64-bit perceptual hash of the result, hex
    colour: str = ""  # average colour of the result, `#rrggbb`
    caption: str = ""  # `own`, `folder` (the words in its name); `empty`, `missing`: the trigger
    repeats: int = 1  # how often the picture counts in an epoch
    caption_sha256: str = ""  # of the .txt in images/

    @property
    def original_size(self) -> tuple[int, int]:
        """Width and height of a picture that was read."""
        assert self.original_width and self.original_height
        return self.original_width, self.original_height

    def fill(self, facts: dict[str, Any]) -> None:
        """Set several columns."""
        for name, value in facts.items():
            setattr(self, name, value)

    def reject(self, refusal: Refusal) -> None:
        """Refuse the picture, and empty the columns that describe a result."""
        self.fill(dict.fromkeys(("width", "height", "scale")))
        self.fill(dict.fromkeys(("crop", "result_sha256", "result"), ""))
        self.ok, self.reason, self.code = False, refusal.words(), refusal.code
        self.fields = json.dumps(refusal.fields, ensure_ascii=False)


class Store:
    """Finished pictures by the digest of their source, for one group of settings.

    A picture enters by rename, its facts after it, and its digest is compared when it is used. So
    a crash, or an edit of a linked file, cannot damage a later result.
    """

    def __init__(self, root: Path, settings: PreprocessSettings) -> None:
        """Use the folder in `root` for the settings that the pixels depend on."""
        made_by = settings.model_dump(mode="json", include=set(_PIXEL_SETTINGS))
        self._folder = root / digest({"version": _VERSION, **made_by})[:8]

    def picture(self, source_sha256: str) -> Path:
        """Return the path of a source's PNG, whether it exists or not."""
        return self._folder / f"{source_sha256}.png"

    def find(self, source_sha256: str) -> dict[str, dict[str, Any]] | None:
        """Return the facts of a finished picture (`source` and `result`), or None."""
        picture = self.picture(source_sha256)
        try:
            facts = json.loads(picture.with_suffix(".json").read_text(encoding="utf-8"))
            return facts if files.sha256(picture) == facts["result"]["result_sha256"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def add(self, source_sha256: str, encoded: bytes, facts: dict[str, dict[str, Any]]) -> None:
        """Put in a finished picture."""
        picture = self.picture(source_sha256)
        # Flushing each would take a tenth of the time for a picture: a whole set is flushed once.
        for path, data in ((picture, encoded), (picture.with_suffix(".json"), _json(facts))):
            with files.publish(path, flush=False) as temporary:
                temporary.write_bytes(data)


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def normalize(path: Path, name: str, settings: PreprocessSettings, store: Store) -> Row:
    """Bring the picture at `path` into the store, unless it is there, and return its row.

    The row is ok if the picture by itself is; captions and duplicates are checked for the whole
    set.
    """
    row = Row(name)
    try:
        with _readable(path) as file:
            row.source_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if facts := store.find(row.source_sha256):
                row.fill(facts["source"])
                _check(*row.original_size, settings)
            else:
                facts = _make(file, row, settings, store)
        row.fill(facts["result"])
        row.ok = True
    except RejectedError as error:
        row.reject(error.refusal)
    return row


def _readable(path: Path) -> io.BufferedReader:
    if path.is_symlink() and not path.exists():
        raise RejectedError("broken_link")
    if not path.is_file():  # opening a pipe would wait for ever
        raise RejectedError("no_file")
    try:
        return path.open("rb")
    except OSError as error:
        raise RejectedError("unreadable", message=str(error.strerror)) from None


def _make(
    file: io.BufferedReader, row: Row, settings: PreprocessSettings, store: Store
) -> dict[str, dict[str, Any]]:
    """Decode, check, fit and store one picture; return its facts."""
    file.seek(0)
    image = decoding.open_picture(file, settings.max_pixels)
    source: dict[str, Any] = {"format": image.format, "mode": image.mode}
    row.fill(source | _original(image.size))
    decoding.check_pixels(image.size, settings.max_pixels)  # before anything is decoded
    width, height = decoding.upright_size(image)
    source |= _original((width, height))
    row.fill(source)
    _check(width, height, settings)
    fitted = fit(width, height, _sizes(settings))
    upright = decoding.decode(image, settings.background, fitted.scale)
    left, top, crop_width, crop_height = fitted.crop
    x, y = upright.width / width, upright.height / height  # below 1 for a drafted JPEG
    box = (left * x, top * y, (left + crop_width) * x, (top + crop_height) * y)
    result = decoding.resize(upright, fitted.size, box)
    encoded = _png(result)
    made = {
        "width": result.width,
        "height": result.height,
        "crop": ",".join(map(str, fitted.crop)),
        "scale": round(fitted.scale, 6),
        "result_sha256": hashlib.sha256(encoded).hexdigest(),
        "phash": str(imagehash.phash(result)),
        "colour": _average_colour(result),
    }
    facts = {"source": source, "result": made}
    store.add(row.source_sha256, encoded, facts)
    return facts


def _original(size: tuple[int, int]) -> dict[str, int]:
    return {"original_width": size[0], "original_height": size[1]}


def _check(width: int, height: int, settings: PreprocessSettings) -> None:
    """Raise `RejectedError` if a picture of this upright size is outside of the limits.

    A picture is also too small if it must grow by more than `max_upscale` to fill its bucket: a
    smaller bucket would hide this from the user.
    """
    decoding.check_pixels((width, height), settings.max_pixels)
    if min(width, height) < settings.min_size:
        raise RejectedError("too_small", width=width, height=height, edge=settings.min_size)
    aspect = max(width, height) / min(width, height)
    if aspect > settings.max_aspect:
        code = "too_wide" if width > height else "too_tall"
        raise RejectedError(code, aspect=aspect, limit=settings.max_aspect)
    enlarged = fit(width, height, _sizes(settings)).scale / settings.max_upscale
    if enlarged > 1:
        raise RejectedError(
            "enlarged",
            width=width,
            height=height,
            least_width=math.ceil(width * enlarged),
            least_height=math.ceil(height * enlarged),
            times=settings.max_upscale,
        )


def _sizes(settings: PreprocessSettings) -> tuple[tuple[int, int], ...]:
    return bucket_sizes(
        settings.resolution, settings.bucket_step, settings.bucket_min, settings.bucket_max
    )


def _average_colour(image: Image.Image) -> str:
    return "#" + image.resize((1, 1), Image.Resampling.BOX).tobytes().hex()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    png.write(image, buffer)
    return buffer.getvalue()
