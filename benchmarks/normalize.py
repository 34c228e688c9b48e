"""Pictures normalized per second and core, against a plain Pillow loop over the same pictures.

Makes photo-like pictures of 1 to 12 million pixels (JPEG, and a PNG for every fifth), or with
--large JPEGs of 12 million pixels alone, then measures in the same run
- decoding alone, the whole picture, in one process and in a pool;
- the plain loop: open, convert to RGB, Lanczos to the same sizes, PNG of the same compression;
- ours in one process and in a pool: all that, and upright, sRGB, digests, perceptual hash, log;
- ours again over the finished set, and over the set with one picture more.

    python benchmarks/normalize.py --pictures 72 --workers 2
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from lorabench.base.stable_diffusion import SD15
from lorabench.dataset import raw as raw_sets
from lorabench.dataset.normalize import normalize_set
from lorabench.dataset.picture import Row
from lorabench.settings.models import PreprocessSettings
from lorabench.settings.validation import validate

PNG_OPTIONS = {"compress_level": 1, "compress_type": zlib.Z_RLE}
SIZES = ((1200, 900), (1600, 1200), (1920, 1080), (2400, 3600), (4000, 3000), (3024, 4032))
LARGE = SIZES[-2:]


def make_picture(path: Path, index: int, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """Write a picture with edges, texture and noise, of one of these sizes."""
    random = np.random.default_rng(index)
    width, height = sizes[index % len(sizes)]
    picture = Image.new("RGB", (width, height))
    for cell, share in ((120, 1.0), (24, 0.3), (4, 0.15)):
        noise = random.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
        layer = Image.fromarray(noise).resize((width, height), Image.Resampling.BILINEAR)
        picture = Image.blend(picture, layer, share)
    picture.save(path, quality=90, compress_level=1)


def make_set(raw: Path, count: int, large: bool) -> None:
    """Fill a raw folder."""
    raw.mkdir()
    for index in range(count):
        suffix = "png" if index % 5 == 4 and not large else "jpg"
        make_picture(raw / f"{index:04}.{suffix}", index, LARGE if large else SIZES)


def decode_alone(raw: Path, processes: int = 1) -> None:
    """Do what every program has to do that looks at all pixels."""
    if processes == 1:
        for path in raw.iterdir():
            _decode(path)
    else:
        with Pool(processes) as pool:
            pool.map(_decode, raw.iterdir(), chunksize=1)


def _decode(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def plain_loop(raw: Path, output: Path, rows: list[Row]) -> None:
    """Do the least that makes pictures of these sizes, the way one writes it first."""
    output.mkdir()
    for row in rows:
        left, top, width, height = map(int, row.crop.split(","))
        with Image.open(raw / row.source) as image:
            box = (left, top, left + width, top + height)
            assert row.width and row.height
            size = (row.width, row.height)
            result = image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box)
        result.save(output / f"{row.source}.png", **PNG_OPTIONS)


def timed(name: str, count: int, work: Callable[[], object]) -> float:
    """Run `work`, print a line of the table, and return pictures per second of processor time."""
    before, start = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    print(f"{name:<28} {wall:8.2f} {count / wall:10.1f} {cpu:10.2f} {count / cpu:15.1f}")
    return count / cpu


def measure(folder: Path, count: int, workers: int, large: bool) -> None:
    """Make the pictures, measure, and print the table."""
    raw = folder / "raw"
    make_set(raw, count, large)
    settings = validate(PreprocessSettings, SD15.preset["preprocess"])

    def ours(name: str, processes: int) -> list[Row]:
        return normalize_set(
            raw_sets.read(raw), folder / name, settings, folder / f"store_{name}", processes
        )

    rows = ours("warm", 1)  # and what is imported late, and the pages of the files
    print(f"{count} pictures, {sum(p.stat().st_size for p in raw.iterdir()) / 1e6:.0f} MB")
    print(f"{'':<28} {'wall s':>8} {'per second':>10} {'CPU s':>10} {'per second·core':>15}")
    decoding = timed("decoding alone", count, lambda: decode_alone(raw))
    plain = timed("plain Pillow loop", count, lambda: plain_loop(raw, folder / "plain", rows))
    single = timed("ours, one process", count, lambda: ours("one", 1))
    timed(f"decoding, {workers} processes", count, lambda: decode_alone(raw, workers))
    timed(f"ours, {workers} processes", count, lambda: ours("pool", workers))
    timed("ours, all done before", count, lambda: ours("one", 1))
    make_picture(raw / "one more.jpg", count)
    timed("ours, one picture more", count + 1, lambda: ours("one", 1))
    print(f"ours / plain, per core: {single / plain:.2f}")
    print(f"ours / decoding alone, processor time: {decoding / single:.2f}")


def main() -> None:
    """Parse the command line and measure in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=72)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--large", action="store_true", help="JPEGs of 12 million pixels alone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="normalize_"))
    try:
        measure(folder, arguments.pictures, arguments.workers, arguments.large)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
