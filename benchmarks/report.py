"""What a report costs: the time to make it, its size, its memory, and the time until it is open.

Sweeps with invented numbers and drawn pictures, made here; the page is opened from disk in the
Chromium of this machine, median of five.

uv run python -m benchmarks.report --pictures 100 300 1000 --size 512
uv run python -m benchmarks.report --pictures 1000 --loras 8
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from tests.finished import SUBJECTS, make_run, series

PROGRAM = Path(__file__).parents[1] / "scripts" / "bench_report.py"
WEIGHTS = tuple(at / 10 for at in range(10))
PROMPTS = 5
OPENED = """() => new Promise((done) => {
    const look = () => {
        const images = [...document.querySelectorAll(".cell img")].slice(0, 6);
        const there = images.length === 6 && images.every((image) => image.naturalWidth);
        if (there && document.readyState === "complete") done(performance.now());
        else requestAnimationFrame(look);
    };
    look();
})"""
"""Milliseconds from the start of loading until all is parsed and the first pictures are drawn."""


def main() -> None:
    """Print a line for each number of pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--size", type=int, default=512, help="pixels of a picture's side")
    parser.add_argument("--loras", type=int, default=1, help="epochs of one training")
    arguments = parser.parse_args()
    print("pictures made in s   CPU s      MB  peak MB  opened in s")
    for pictures in arguments.pictures:
        with tempfile.TemporaryDirectory() as folder:
            a_seed = PROMPTS * (1 + (len(WEIGHTS) - 1) * arguments.loras)
            seeds = range(1, max(1, pictures // a_seed) + 1)
            made = make_run(
                Path(folder),
                prompts=PROMPTS,
                weights=WEIGHTS,
                seeds=seeds,
                size=arguments.size,
                training=35,
                probe="off",
                loras=series(*range(1, arguments.loras + 1)) if arguments.loras > 1 else (),
            )
            wall, processor, peak = build(*made)
            page = made[0] / "report.html"
            size = page.stat().st_size / 1e6
            number = len(list((made[0] / "bench").rglob("w*/seed*.png")))
            figures = f"{number:8} {wall:9.1f} {processor:7.1f} {size:7.1f} {peak:8.0f}"
            print(f"{figures} {opened(page):12.2f}", flush=True)


def build(run: Path, images: Path) -> tuple[float, float, float]:
    """Make the page as the workflow does; return seconds, processor seconds, peak megabytes."""
    start = time.perf_counter()
    command = [sys.executable, PROGRAM, "--run", run, "--training-set", images]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0
    wall = time.perf_counter() - start
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def opened(page: Path, times: int = 5) -> float:
    """Return the median of seconds until the page is open, each in a new window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        seconds = []
        for _ in range(times):
            window = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
            tab = window.new_page()
            tab.goto(page.as_uri())
            seconds.append(tab.evaluate(OPENED) / 1000)
            window.close()
        browser.close()
    return statistics.median(seconds)


if __name__ == "__main__":
    assert len(SUBJECTS) >= PROMPTS
    main()
