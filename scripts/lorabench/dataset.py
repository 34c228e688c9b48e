"""Turn a folder of raw pictures into a training set that both trainers take as it is."""

import csv
import hashlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from PIL import ImageColor

from lorabench import cli
from lorabench.config import PreprocessSettings
from lorabench.duplicates import Candidate, find_duplicates
from lorabench.errors import UserError
from lorabench.identity import PICTURE_SUFFIXES, dead_links, raw_files
from lorabench.picture import Row, Store, normalize

log = logging.getLogger(__name__)

IMAGES, LOG, REJECTED = "images", "preprocess_log.csv", "rejected"
_OURS = {IMAGES, LOG, REJECTED, ".snakemake_timestamp"}

# How a reason begins, and how such pictures are counted.
_KINDS = {
    "too small": "too small",
    "too many pixels": "too many pixels",
    "aspect": "extreme aspect",
    "truncated": "truncated",
    "cannot be": "undecodable",
    "same picture": "exact duplicate",
    "nearly the same picture": "near duplicate",
}
# A process costs about a second to start, as long as it takes for so many pictures.
_PER_WORKER = 32
_CHUNK = 4
_NAME_BYTES = 120


@dataclass(frozen=True)
class Source:
    """A raw picture: where it is, its name within the set, its caption (None: no file)."""

    path: Path
    name: str
    caption: str | None

    @property
    def caption_state(self) -> str:
        """`own`, or why the trigger words stand in: the file is `empty` or `missing`."""
        return "missing" if self.caption is None else "own" if self.caption else "empty"


def normalize_set(
    raw: Path, output: Path, settings: PreprocessSettings, store_root: Path, workers: int = 1
) -> list[Row]:
    """Normalize the raw set `raw` into the folder `output`, and return a row per picture.

    `output` appears whole, by rename, and replaces an earlier one. Finished pictures go through a
    store of content (`picture.Store`) on the way: after a kill, and for the next version of the
    set, they are linked and not made again.

    Args:
        raw: the user's folder; only read.
        output: gets `images/` (PNG and `.txt`), `preprocess_log.csv` and `rejected/`.
        settings: limits, buckets and the trigger words; without any, the set's name is taken.
        store_root: folder of finished pictures, best on the file system of `output`.
        workers: processes; 1 works without a pool.

    Raises:
        UserError: no usable picture, an unreadable caption, or an `output` that is not ours.
    """
    output = output.absolute()
    check_replaceable(output)
    sources = scan(raw)
    rows = _normalize_all(sources, settings, store_root, workers)
    _reject_duplicates(rows, sources, settings.duplicate_distance)
    _name_results(rows)
    if not any(row.ok for row in rows):
        raise UserError(
            f"no picture of {raw} can be used: {reasons(rows)}.\n{examples(rows)}\n"
            "Add larger or sound pictures, or loosen the limits under `preprocess:`."
        )
    store = Store(store_root, settings)
    _publish(output, rows, sources, store, settings.trigger or raw.resolve().name)
    return rows


def scan(raw: Path) -> list[Source]:
    """Return the pictures of a raw set in a fixed order, with their captions; dead links last.

    Raises:
        UserError: there is no picture, or a caption is not UTF-8.
    """
    found = raw_files(raw)
    captions = {_beside(path): path for path in found if path.suffix.lower() == ".txt"}
    pictures = [p for p in [*found, *dead_links(raw)] if p.suffix.lower() != ".txt"]
    if not pictures:
        raise UserError(f"{raw} holds no picture (png, jpg, jpeg, webp, bmp, gif, tif or tiff)")
    texts = _read_captions({_beside(path): captions.get(_beside(path)) for path in pictures})
    return [Source(path, _name(path, raw), texts[_beside(path)]) for path in pictures]


def left_out(raw: Path) -> Counter[str]:
    """Count by suffix the files of a raw set that are neither pictures read here nor captions."""
    read = PICTURE_SUFFIXES | {".txt"}
    return Counter(
        path.suffix.lower() or path.name
        for path in raw.rglob("*")
        if path.is_file() and path.suffix.lower() not in read and not path.name.startswith(".")
    )


def check_replaceable(output: Path) -> None:
    """Raise `UserError` if `output` holds anything that this program did not make."""
    if not output.exists():
        return
    if not output.is_dir():
        raise UserError(f"{output} is a file; choose another output folder")
    present = {path.name for path in output.iterdir()}
    if present - _OURS or (IMAGES in present and LOG not in present):
        raise UserError(
            f"{output} holds files that are not a normalized set and would be lost; "
            "choose another output folder, or move them away"
        )


def reasons(rows: Iterable[Row]) -> str:
    """Return the refused pictures counted by reason: `2 too small, 1 truncated`."""
    kinds = Counter(kind(row.reason) for row in rows if not row.ok)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def kind(reason: str) -> str:
    """Return in a word or two what kind of reason it is; `other` if it is none of ours."""
    return next((kind for start, kind in _KINDS.items() if reason.startswith(start)), "other")


def examples(rows: Sequence[Row], limit: int = 20) -> str:
    """Return a line for each of the first refused pictures."""
    refused = [row for row in rows if not row.ok]
    lines = [f"  {row.source}: {row.reason}" for row in refused[:limit]]
    if len(refused) > limit:
        lines.append(f"  and {len(refused) - limit} more")
    return "\n".join(lines)


def _normalize_all(
    sources: Sequence[Source], settings: PreprocessSettings, store_root: Path, workers: int
) -> list[Row]:
    work = partial(_normalize_one, settings=settings, store=Store(store_root, settings))
    workers = max(1, min(workers, len(sources) // _PER_WORKER))
    done = map(work, sources) if workers == 1 else _in_processes(work, sources, workers)
    return list(cli.bar(done, total=len(sources), desc="normalizing", unit="picture"))


def _normalize_one(source: Source, settings: PreprocessSettings, store: Store) -> Row:
    row = normalize(source.path, source.name, settings, store)
    row.caption = source.caption_state
    return row


def _in_processes(work: partial, sources: Sequence[Source], workers: int) -> Iterator[Row]:
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_live_with_parent
    )
    try:
        yield from pool.map(work, sources, chunksize=_CHUNK)
    except BrokenProcessPool:
        raise UserError(
            "a worker process was killed, most likely for lack of memory; "
            "use fewer --workers or a lower max_pixels. What is done is kept."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _live_with_parent() -> None:
    """Leave interrupts to the parent, and end when it is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _reject_duplicates(rows: list[Row], sources: Sequence[Source], distance: int) -> None:
    candidates = [
        Candidate(
            row.source,
            row.source_sha256,
            row.phash,
            ImageColor.getrgb(row.colour),
            row.original_width * row.original_height,
            bool(source.caption),
            source.path.stat().st_size,
        )
        for row, source in zip(rows, sources, strict=True)
        if row.ok
    ]
    duplicates = find_duplicates(candidates, distance)
    for row in rows:
        if row.source in duplicates:
            row.reject(duplicates[row.source])


def _name_results(rows: list[Row]) -> None:
    """Name each result after its source and content.

    The digest keeps `a.png`, `a.jpg` and `a b.png` apart, and a name does not change with what
    else is in the set.
    """
    for row in rows:
        if row.ok:
            readable = re.sub(r"[^\w.-]+", "_", row.source.rsplit(".", 1)[0])
            readable = readable.encode()[:_NAME_BYTES].decode(errors="ignore")
            row.result = f"{readable}-{row.source_sha256[:8]}.png"


def _publish(
    output: Path, rows: list[Row], sources: Sequence[Source], store: Store, trigger: str
) -> None:
    """Build the folder under a temporary name beside `output`, then rename it."""
    temporary = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of a killed run
    (temporary / IMAGES).mkdir(parents=True)
    (temporary / REJECTED).mkdir()
    for row, source in zip(rows, sources, strict=True):
        if row.ok:
            result = temporary / IMAGES / row.result
            _link(store.picture(row.source_sha256), result)
            caption = (source.caption or trigger).encode()
            result.with_suffix(".txt").write_bytes(caption)
            row.caption_sha256 = hashlib.sha256(caption).hexdigest()
        elif not row.reason.startswith("cannot be read"):
            copy = temporary / REJECTED / row.source
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.path, copy)
    _write_log(temporary / LOG, rows)
    os.sync()  # the pictures reach the disk before their final name does
    _rename_over(temporary, output)


def _rename_over(new: Path, output: Path) -> None:
    old = output.with_name(f".{output.name}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    new.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _write_log(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(vars, rows))


def _read_captions(paths: dict[str, Path | None]) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    broken = []
    for key, path in paths.items():
        try:
            texts[key] = _one_line(path.read_text(encoding="utf-8-sig")) if path else None
        except UnicodeDecodeError:
            broken.append(f"  {path}")
    if broken:
        raise UserError(
            "captions must be UTF-8 text; save these as UTF-8 (they may be Shift_JIS or UTF-16):\n"
            + "\n".join(broken)
        )
    return texts


def _one_line(text: str) -> str:
    """Join the lines of a caption: kohya's trainer reads the first one only."""
    return ", ".join(filter(None, (line.strip().rstrip(",") for line in text.splitlines())))


def _beside(path: Path) -> str:
    """Return what a picture and its caption have in common, however Unicode is spelt."""
    return unicodedata.normalize("NFC", str(path.with_suffix("")))


def _name(path: Path, raw: Path) -> str:
    return unicodedata.normalize("NFC", path.relative_to(raw).as_posix())
