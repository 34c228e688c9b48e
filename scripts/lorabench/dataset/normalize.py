"""Turn a folder of raw pictures into a training set that both trainers take as it is."""

import csv
import hashlib
import logging
import math
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from functools import partial
from pathlib import Path

from PIL import ImageColor

from lorabench import cli, files
from lorabench.dataset.check import IMAGES, LOG
from lorabench.dataset.duplicates import Candidate, find_duplicates
from lorabench.dataset.picture import Row, Store, normalize
from lorabench.dataset.raw import RawSet, Source
from lorabench.dataset.refusals import Refusal
from lorabench.errors import UserError
from lorabench.settings.models import PreprocessSettings
from lorabench.text.phrases import indented

log = logging.getLogger(__name__)

REJECTED = "rejected"
PAGE, FACTS = "dataset.html", "dataset.json"
_OURS = {IMAGES, LOG, REJECTED, PAGE, FACTS, ".snakemake_timestamp"}

# A process takes about a second to start, as long as this many pictures.
_PER_WORKER = 32
_CHUNK = 4
_NAME_BYTES = 120


def normalize_set(
    raw: RawSet, output: Path, settings: PreprocessSettings, store_root: Path, workers: int = 1
) -> list[Row]:
    """Normalize the raw set `raw` into the folder `output`, and return a row per picture.

    `output` appears whole, by rename, and replaces an earlier one. Finished pictures go into a
    store (`picture.Store`) first, so that after a kill, and for the next version of the set, they
    are only linked; so put `store_root` on the file system of `output`. `workers` are processes; 1
    needs no pool. Raises `UserError` if no picture is usable, or `output` is not ours.
    """
    output = output.absolute()
    check_replaceable(output)
    files.remove_left(store_root)
    sources = [*raw.pictures, *raw.unreadable]
    rows = _normalize_all(sources, settings, store_root, workers)
    _reject_duplicates(rows, sources, settings.duplicate_distance)
    _name_results(rows)
    if not any(row.ok for row in rows):
        raise UserError(
            f"no picture of {raw.folder} can be used: {reasons(rows)}.\n{examples(rows)}\n"
            "Add larger or sound pictures, or loosen the limits under `preprocess:`."
        )
    store = Store(store_root, settings)
    with files.naming(output):
        _publish(output, rows, sources, store, raw.stand_in(settings.trigger))
    return rows


def check_replaceable(output: Path) -> None:
    """Raise `UserError` if `output` holds anything that this program did not make."""
    if not output.exists():
        return
    if not output.is_dir():
        raise UserError(f"{output} is a file; choose another output folder")
    present = {path.name for path in output.iterdir()}
    if present - _OURS or (IMAGES in present and LOG not in present):
        raise UserError(
            f"{output} holds other files than a normalized set, which would be lost; "
            "choose another output folder, or move them away"
        )


def reasons(rows: Iterable[Row]) -> str:
    """Return the refused pictures counted by reason: `2 too small, 1 truncated`."""
    kinds = Counter(Refusal.of_row(vars(row)).kind() for row in rows if not row.ok)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def examples(rows: Sequence[Row], limit: int = 20) -> str:
    """Return a line for each of the first refused pictures."""
    return indented([f"{row.source}: {row.reason}" for row in rows if not row.ok], limit)


def _normalize_all(
    sources: Sequence[Source], settings: PreprocessSettings, store_root: Path, workers: int
) -> list[Row]:
    work = partial(_normalize_one, settings=settings, store=Store(store_root, settings))
    workers = max(1, min(workers, len(sources) // _PER_WORKER))
    done = map(work, sources) if workers == 1 else _in_processes(work, sources, workers)
    return list(cli.bar(done, total=len(sources), desc="normalizing", unit="picture"))


def _normalize_one(source: Source, settings: PreprocessSettings, store: Store) -> Row:
    row = normalize(source.path, source.name, settings, store)
    row.caption, row.repeats = source.caption_state, source.folder.repeats
    return row


def _in_processes(work: partial[Row], sources: Sequence[Source], workers: int) -> Iterator[Row]:
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
    """Leave interrupts to the parent, and end when it has ended or was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent  # this is a worker

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
            math.prod(row.original_size),
            bool(source.words),
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

    The digest keeps `a.png`, `a.jpg` and `a b.png` apart, and other pictures change no name.
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
            files.link(store.picture(row.source_sha256), result)
            caption = (source.words or trigger).encode()
            result.with_suffix(".txt").write_bytes(caption)
            row.caption_sha256 = hashlib.sha256(caption).hexdigest()
        elif row.format:  # a picture; other files may be anything, such as a link to a private key
            copy = temporary / REJECTED / row.source
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.path, copy)
    _write_log(temporary / LOG, rows)
    os.sync()  # the pictures reach the disk before the rename
    _rename_over(temporary, output)


def _rename_over(new: Path, output: Path) -> None:
    old = output.with_name(f".{output.name}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    new.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def _write_log(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(vars, rows))
