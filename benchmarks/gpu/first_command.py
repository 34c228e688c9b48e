"""Check the first command, on the bundled model, in a copy of the project."""

import shutil
import time
from collections.abc import Mapping

from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.place import Place
from lorabench.bench.verdicts import choice_words, stored
from lorabench.sweep.record import SweepRecord
from tests.project import ROOT, SMALL, make_project, run_folder

BUNDLED_SET = "datasets/raw/style/ponnyu_v1"


def check(place: Place, ledger: Ledger, tiny: bool) -> None:
    """Run it on the device, and note its exit status, its time and the words of its verdict."""
    project = make_project(place.folder / "project")
    config: Mapping[str, str] = SMALL
    if tiny:
        project.add_set()
        training = f"{{device: {place.device}, {SMALL['train'][1:]}"
    else:
        shutil.copytree(ROOT / BUNDLED_SET, project.root / BUNDLED_SET)
        shutil.copy(ROOT / "config" / "config.yaml", project.root / "config")
        config, training = {"raw_set": "ponnyu_v1"}, f"{{device: {place.device}}}"
    on_device = {"train": training, "bench": f"{{device: {place.device}}}"}
    start = time.monotonic()
    done = project.snakemake(check=False, **{**config, **on_device})
    seconds = time.monotonic() - start
    end = " ".join(done.stdout.split()[-60:])
    ledger.check("first command: exit status 0", done.returncode == 0, end)
    if done.returncode == 0:
        ledger.figure("first command: all of it", "s", seconds)
        run = run_folder(project)
        verdict = stored.read(run / "bench" / "verdict.json")
        sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
        lines = list(choice_words.lines(verdict, sweep.loras))[:2]  # the label, the weight
        words = "; ".join(line.strip() for line in lines)
        works = tiny or verdict.label == "works"
        ledger.check("first command: verdict", works, f"it is {verdict.label}", words)
