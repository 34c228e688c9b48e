"""Check and measure training and rendering on a GPU, beside plain diffusers, in 8 minutes at most.

    uv run python -m benchmarks.gpu --output table.md
    uv run python -m benchmarks.gpu --tiny --device cpu     # what it does, without a GPU

SD1.5 and SDXL have random weights of full size, made here in seconds, so nothing is downloaded. A
line is printed as soon as something is known; a failure stops nothing else; what the time does not
suffice for is named. At the end comes the table for docs/performance.md. Exit status 1: a check
failed.

It needs PyTorch with CUDA and the packages of pyproject.toml, in near versions. For a machine that
has most of them and no network, save the others elsewhere and install them there:

    pip download --no-deps --only-binary=:all: --python-version 3.12 --dest wheels NAME==VERSION …
    pip install --no-index --no-deps --find-links wheels NAME …

Without --no-deps, pip would add another PyTorch, so each package is named: those of
`uv export --no-dev --no-hashes` that `pip list` does not show there. Often missing are
clip-anytorch, comfyui-autograph, diffusers, ftfy, imagehash, noto-cjk-sans-jp-regular, pillow-heif,
pillow-jxl-plugin, pydantic, snakemake, tomli-w, torchsde and websocket-client, with what they need.
"""

import argparse
import gc
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.gpu import first_command, rendering, shapes, training
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.place import Place
from benchmarks.gpu.shapes import Shape
from lorabench.base import model

SECONDS = 450
"""The time for all checks; the start, and what is stopped at the end, take of the 8 minutes too."""
TINY_STEPS = 3


class OutOfTime(BaseException):
    """The time is over, whatever is being done."""


class Task(NamedTuple):
    """Something to find out."""

    name: str
    run: Callable[[], None]


def tasks(place: Place, ledger: Ledger, tiny: bool) -> Iterator[Task]:
    """Yield what is to be found out, what matters most first."""
    sd15, sdxl = shapes.TINY if tiny else shapes.FULL
    steps = TINY_STEPS if tiny else rendering.STEPS
    first, second = place.precisions

    def made(shape: Shape) -> Task:
        paths = place.base(shape), place.lora(shape)
        return Task(f"{shape.name}: the model", lambda: shapes.save(shape, *paths, place.device))

    def trained(shape: Shape, size: int, precision: str) -> Task:
        return Task(
            f"{shape.name}, training, {size} px, {precision}",
            lambda: training.measure(place, ledger, shape, size, precision),
        )

    def resumed(shape: Shape, precision: str) -> Task:
        return Task(
            f"{shape.name}, training, {precision}, killed and resumed",
            lambda: training.resume(place, ledger, shape, precision),
        )

    def drawn(shape: Shape) -> Task:
        return Task(f"{shape.name}, server", lambda: rendering.check(place, ledger, shape, steps))

    for shape in (sd15, sdxl):
        yield made(shape)
        yield trained(shape, shape.usual, first)
        yield resumed(shape, first)
        yield drawn(shape)
    yield Task("first command", lambda: first_command.check(place, ledger, tiny))
    yield trained(sd15, sd15.usual, second)
    yield trained(sdxl, sdxl.usual, second)
    yield resumed(sd15, second)
    yield from (trained(sd15, sd15.large, precision) for precision in (first, second))
    yield from (trained(sdxl, sdxl.small, precision) for precision in (first, second))
    yield resumed(sdxl, second)


def work_through(tasks: Iterator[Task], ledger: Ledger, seconds: int) -> None:
    """Run each task; a failed one is noted, and so is what is left when the time is over."""
    signal.signal(signal.SIGALRM, _end)
    signal.alarm(seconds)
    for task in tasks:
        try:
            task.run()
        except OutOfTime:
            ledger.left_out(task.name, f"not done after {seconds} s")
            break
        except Exception as error:
            traceback.print_exc()
            ledger.check(task.name, False, f"{type(error).__name__}: {error}")
        _empty_the_card()
    signal.alarm(0)
    for task in tasks:
        ledger.left_out(task.name, f"{seconds} s were over")


def _empty_the_card() -> None:
    """Free what a task has left on the card: the next one's programs need the room."""
    gc.collect()
    torch.cuda.empty_cache()  # does nothing without a card


def _end(number: int, frame: object) -> None:
    raise OutOfTime


def main(arguments: argparse.Namespace) -> int:
    """Find everything out in a temporary folder, and print the table."""
    device = model.usable_device(arguments.device)
    ledger, folder = Ledger(), Path(tempfile.mkdtemp(prefix="gpu_"))
    try:
        every = tasks(Place(device, folder), ledger, arguments.tiny)
        wanted = (task for task in every if arguments.only in task.name)
        work_through(wanted, ledger, arguments.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{ledger.table()}")
    if arguments.output:
        arguments.output.write_text(ledger.table() + "\n", encoding="utf-8")
    return int(ledger.failed)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--device", choices=["cuda", "cpu"], default="cuda", help="default: cuda")
    add("--tiny", action="store_true", help="tiny models and sets: whether all of it works")
    add("--seconds", type=int, default=SECONDS, help=f"for all checks (default: {SECONDS})")
    add("--only", default="", metavar="TEXT",
        help="what has this in its name, such as SD1.5, SDXL or 'first command'")  # fmt: skip
    add("--output", type=Path, metavar="FILE", help="write the table here, too")
    return parser


if __name__ == "__main__":
    sys.exit(main(parser().parse_args()))
