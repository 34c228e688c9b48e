"""A project as a user has it: a copy of what is tracked, in a folder of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from lorabench.run.planning import make_plans

ROOT = Path(__file__).parents[1]
SMALL = {"raw_set": "some_set", "weights": "0.5", "train": "{steps: 6, batch_size: 2, rank: 4}"}
"""The config of a run that is over soon."""

_PIPELINE = (
    *("Snakefile", "rules", "scripts", "config", "profiles", "envs", "report", "kohya-docker"),
)
_TARGETS = ("all", "dataset", "total", "trained")
# Without what Python keeps of a compiled module, each call of Snakemake takes a second more.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_STATS_ROW = re.compile(r"^(\w+) +(\d+)$", re.MULTILINE)


class Project:
    """A copy of the pipeline, with `snakemake` to run in it."""

    environment: ClassVar[dict[str, str]] = {}
    """What its calls have in their environment besides."""

    def __init__(self, root: Path):
        self.root = root

    def add_set(self, name="some_set", pictures=4, profile="style"):
        folder = self.root / "datasets" / "raw" / profile / name
        folder.mkdir(parents=True)
        for number in range(pictures):
            noise = np.random.default_rng(number).integers(0, 256, (8, 8 + number, 3), np.uint8)
            picture = Image.fromarray(noise).resize((160 + 8 * number, 160))
            picture.save(folder / f"{number}.png")
            (folder / f"{number}.txt").write_text(f"trigger, picture {number}")
        return folder

    def command(self, *arguments, cores=1, **config):
        settings = [f"{key}={value}" for key, value in config.items()]
        return [
            *(sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments),
            *(["--config", *settings] if settings else []),
        ]

    def snakemake(self, *arguments, check=True, **config):
        """Run the workflow; its whole output is `.stdout`."""
        done = subprocess.run(
            self.command(*arguments, **config),
            cwd=self.root,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout
        return done

    def planned(self, *arguments, **config):
        """Return what a dry run would do: jobs by rule, `all` left out."""
        said = self.snakemake("--quiet", "reason", "--dry-run", *arguments, **config).stdout
        jobs = {rule: int(count) for rule, count in _STATS_ROW.findall(said)}
        return {rule: count for rule, count in jobs.items() if rule not in _TARGETS}

    def files(self):
        """Return every file with its content's size and mtime, Snakemake's own left out."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.root.rglob("*")
            if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts)
        }


def make_project(root: Path) -> Project:
    root.mkdir(parents=True)
    for name in _PIPELINE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    (root / "models" / "checkpoints").mkdir(parents=True)
    bundled = Path("models", "checkpoints", "drawnworld")
    (root / bundled).symlink_to(ROOT / bundled)
    with (root / "config" / "config.yaml").open("a") as file:
        file.write("\nprompts: []\nprobe: 'off'\n")  # tests draw what they look at, no more
    return Project(root)


def run_folder(project: Project) -> Path:
    """Return the folder of the project's only run."""
    (folder,) = [path for path in (project.root / "runs").iterdir() if path.name[0] != "."]
    return folder


def make_plan(given, defaults):
    """Return the plan of the only run."""
    (plan,) = make_plans(given, defaults).values()
    return plan
