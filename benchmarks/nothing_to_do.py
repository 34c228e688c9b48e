"""What Snakemake and the rules cost: dry runs, and calls with nothing to do.

    uv run python -m benchmarks.nothing_to_do

Processor time of one call, so that other work matters little, beside that of `snakemake --version`
(the interpreter and Snakemake's imports) and of a bare Snakefile with as many jobs of one file. The
first cells are rendered by a stand-in for a ComfyUI. The others are copies of one of them that
Snakemake takes for its own (`--touch`): what it looks at, files and its notes about them, is the
same. `--dry` leaves out the calls with nothing to do, which take minutes to prepare.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from tests.fake_comfy import serving
from tests.loras import save_lora
from tests.project import Project, make_project

WEIGHTS = tuple(f"{tenths / 10:.2f}" for tenths in range(11))
ROUNDS = 3
BARE = """
rule all:
    input: [f"out/{number % 11}/{number}.png" for number in range(int(config["cells"]))]
rule cell:
    output: "out/{weight}/{number}.png"
    shell: "touch {output}"
"""


class Cost(NamedTuple):
    """What a call took."""

    seconds: float
    megabytes: float


def main() -> None:
    """Print the processor time for each number of cells, and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, nargs="*", default=[8, 92, 918], help="11 weights each")
    add("--dry", action="store_true", help="measure dry runs alone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving() as fake:
        project = make_project(Path(folder, "project"))
        fake.has_models(project.root / "models")
        bare = Project(Path(folder, "bare"))
        bare.root.mkdir()
        (bare.root / "Snakefile").write_text(BARE)
        project.add_set()
        for seeds in arguments.seeds:
            cells = seeds * len(WEIGHTS)
            named = settings(seeds, raw_set="some_set")
            compare(f"dry run, {cells}", project, bare, cells, "--dry-run", **named)
        if arguments.dry:
            return
        benched = {"lora": str(save_lora(project.root / "ink.safetensors")), "comfy_url": fake.url}
        project.snakemake(**settings(1, **benched))
        for seeds in arguments.seeds:
            cells = seeds * len(WEIGHTS)
            named = settings(seeds, **benched)
            copy_cells(project, seeds)
            project.snakemake("--until", "record_sweep", **named)
            project.snakemake("--touch", **named)
            assert project.planned(**named) == {}
            for number in range(cells):
                picture = bare.root / "out" / str(number % 11) / f"{number}.png"
                picture.parent.mkdir(parents=True, exist_ok=True)
                picture.touch()
            bare.snakemake("--scheduler", "greedy", "--touch", cells=cells)
            compare(f"nothing to do, {cells}", project, bare, cells, **named)


def settings(seeds: int, **given: str) -> dict[str, str]:
    """Return the config of a sweep of eleven weights by so many seeds."""
    return {
        **given,
        "weights": ",".join(WEIGHTS[1:]),
        "seeds": ",".join(map(str, range(seeds))),
    }


def copy_cells(project: Project, seeds: int) -> None:
    """Make the pictures and grids of all seeds from those of seed 0, where there are none."""
    (bench,) = (project.root / "runs").glob("*/bench")
    for seed in range(1, seeds):
        for weight in WEIGHTS:
            copy(bench / f"w{weight}" / "seed0_00.png", f"seed{seed}_00.png")
        copy(bench / "grid" / "seed0_weights.png", f"seed{seed}_weights.png")


def copy(source: Path, name: str) -> None:
    """Copy a file beside itself, unless a file is there."""
    if not source.with_name(name).exists():
        shutil.copy(source, source.with_name(name))


def compare(what: str, ours: Project, bare: Project, cells: int, *words: str, **named: str) -> None:
    """Print what a call costs, beside Snakemake alone and the bare Snakefile; the least of each."""
    commands = (
        (ours, [sys.executable, "-m", "snakemake", "--version"]),
        (bare, bare.command("--scheduler", "greedy", *words, cells=cells)),
        (ours, ours.command(*words, **named)),
    )
    rounds = [[cost(project, command) for project, command in commands] for _ in range(ROUNDS)]
    alone, plain, found = map(min, zip(*rounds, strict=True))
    print(
        f"{what} cells: {found.seconds:.2f} s, {found.megabytes:.0f} MB;"
        f" --version {alone.seconds:.2f} s, ratio {found.seconds / alone.seconds:.2f};"
        f" bare {plain.seconds:.2f} s, ratio {found.seconds / plain.seconds:.2f}",
        flush=True,
    )


def cost(project: Project, command: list[str]) -> Cost:
    """Return what a command took of the processor and of memory."""
    process = subprocess.Popen(
        command, cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
