"""Go on with a run whose own files somebody edited, or a disk cut: each is named, none is lost."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import yaml

from lorabench import cli
from lorabench.errors import UserError
from lorabench.lora import receipt
from lorabench.run import notes
from lorabench.run.plan import RunPlan
from lorabench.run.planning import make_plans
from lorabench.train.external import progress
from lorabench.workflow import commands, targets
from tests import records
from tests.faults import harness, mutate
from tests.finished import SUBJECTS, TRIGGER, make_run, series
from tests.loras import save_lora
from tests.project import make_project

SET = "ponnyu_v1"
GIVEN: dict[str, Any] = {"raw_set": SET, "trigger": TRIGGER, "train": {"steps": 20, "rank": 4}}


@dataclass(frozen=True)
class Run:
    """A finished run in a project, and another to compare it with."""

    root: Path
    plan: RunPlan
    normalized: Path

    @property
    def folder(self) -> Path:
        return self.plan.paths.root


Program = Callable[[Run], Any]


def _program(name: str, arguments: Callable[[Run], Sequence[Any]]) -> Program:
    """Return how to call a program of scripts/ as its command line does."""

    def call(run: Run) -> int:
        script = import_module(name)
        return cli.run(script.parser(), script.main, [str(one) for one in arguments(run)])

    return call


def _bench(run: Run, name: str) -> Path:
    return run.folder / "bench" / name


def _plan(run: Run, **more: Any) -> None:
    """Plan the run as the Snakefile does."""
    for plan in make_plans({**GIVEN, **more}, Path("config/config.yaml")).values():
        _ = plan.record, plan.sweep
        notes.notes(plan)
        targets.results(plan)
        commands.compared(Path, [plan])


REPORT = _program(
    "bench_report", lambda run: ["--run", run.folder, "--training-set", run.normalized]
)
VERDICT = _program(
    "bench_verdict",
    lambda run: [_bench(run, "metrics.csv"), "--output", "out/v.json", "--summary", "out/s.csv",
                 "--sweep", _bench(run, "sweep.yaml"),
                 "--examined", _bench(run, "training_set.json")],
)  # fmt: skip
PLOTS = _program(
    "bench_plots",
    lambda run: ["--metrics", _bench(run, "metrics.csv"), "--summary", _bench(run, "summary.csv"),
                 "--verdict", _bench(run, "verdict.json"), "--output-dir", "out"],
)  # fmt: skip
LORAS = _program(
    "bench_plots",
    lambda run: ["--metrics", _bench(run, "metrics.csv"), "--summary", _bench(run, "summary.csv"),
                 "--verdict", _bench(run, "verdict.json"), "--loras", _bench(run, "sweep.yaml"),
                 "--training-log", run.folder / "train/train_log.csv", "--output-dir", "out"],
)  # fmt: skip
GRID = _program(
    "bench_grid",
    lambda run: ["--sweep", _bench(run, "sweep.yaml"), "--output-dir", "out/grid", "--warnings",
                 _bench(run, "warnings.json"), "--verdict", _bench(run, "verdict.json")],
)  # fmt: skip
CARD = _program(
    "model_card",
    lambda run: ["--lora", run.plan.paths.lora, "--output", "out/README.md", "--record",
                 run.folder / "run.yaml", "--sweep", _bench(run, "sweep.yaml"), "--verdict",
                 _bench(run, "verdict.json")],
)  # fmt: skip
COMPARED = _program(
    "compare_runs", lambda run: [run.folder, run.folder.parent / "other", "--output", "out/c.html"]
)
RANKED = _program(
    "compare_trainings",
    lambda run: [run.folder, run.folder.parent / "other", "--output", "out/r.html",
                 "--table", "out/r.csv"],
)  # fmt: skip
METRICS = _program(
    "bench_metrics",
    lambda run: ["--sweep", _bench(run, "sweep.yaml"), "--output", "out/m.csv", "--warnings",
                 "out/w.json", "--embedding-table", _bench(run, "embedding.csv")],
)  # fmt: skip
PAGE = _program(
    "dataset_page",
    lambda run: [run.normalized.parent, "--raw", run.plan.paths.raw, "--use", "use.json",
                 "--base-model", "models/checkpoints/drawnworld", "--output", "out/d.html"],
)  # fmt: skip
LOOKED_THROUGH: Program = lambda run: import_module("lorabench.dataset.check").check_unchanged(  # noqa: E731
    run.normalized.parent
)
FORECAST: Program = lambda run: _forecast(run)  # noqa: E731
RECEIPT: Program = lambda run: _nothing(receipt.read(run.plan.paths.receipt()))  # noqa: E731
KOHYA: Program = lambda run: _nothing(  # noqa: E731
    progress.read_rows(run.folder / "train/train_log.csv", 300)
)
SEARCH: Program = lambda run: _plan(run, search="auto", weights="0.4,0.6,0.8,1.0")  # noqa: E731


def _nothing(found: object) -> None:
    """Return nothing of what was read."""


def _forecast(run: Run) -> None:
    from lorabench.workflow import forecast

    forecast.seconds_to_draw(run.folder, 4, 1)
    if run.plan.record:
        forecast.seconds_a_picture_trained(run.folder.parent, run.plan.record, "cpu")


READ_BY: dict[str, Sequence[Program]] = {
    "run.yaml": (_plan, REPORT, CARD, RANKED, FORECAST),
    "bench/sweep.yaml": (REPORT, VERDICT, GRID, CARD, COMPARED, LORAS, METRICS, FORECAST),
    "bench/further.yaml": (_plan,),
    "bench/search.yaml": (SEARCH,),
    "bench/verdict.json": (REPORT, PLOTS, GRID, CARD, COMPARED, RANKED, LORAS),
    "bench/warnings.json": (REPORT, GRID),
    "bench/metrics.csv": (REPORT, VERDICT, PLOTS, COMPARED, RANKED),
    "bench/summary.csv": (REPORT, PLOTS, COMPARED, RANKED, LORAS),
    "bench/embedding.csv": (METRICS,),
    "bench/training_set.json": (VERDICT,),
    "bench/workflow.json": (REPORT,),
    "train/train_log.csv": (REPORT, KOHYA, COMPARED, FORECAST, LORAS),
    "train/installed.json": (RECEIPT, _plan),
    "preprocess_log.csv": (REPORT,),
    "benchmarks/bench_image/w0.40/seed1.tsv": (FORECAST,),
    "<normalized>/preprocess_log.csv": (PAGE, LOOKED_THROUGH),
    "<project>/runs/.digests.json": (_plan,),
    "<project>/prompts.txt": (lambda run: _plan(run, prompts="prompts.txt"),),
    "<project>/rows.csv": (lambda run: _plan(run, matrix="rows.csv"),),
    "<project>/config/config.yaml": (_plan,),
    "<picture>": (METRICS, REPORT),
}
"""The files of a run, and the programs that read each."""


def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield a file and a number for its fault, the files in turn; `attempt` makes the fault."""
    names = list(READ_BY)
    for number in range(cases):
        yield f"{number}, {names[number % len(names)]}", (names[number % len(names)], seed + number)


def prepare(folder: Path) -> None:
    """Make two runs: of one LoRA, and of several."""
    import matplotlib.font_manager  # noqa: F401  (it asks the system for its fonts, once)

    sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
    for name in ("alone", "several"):
        _RUNS[name] = _made(Path(tempfile.mkdtemp(dir=folder)) / "project", name == "several")


_RUNS: dict[str, Run] = {}


def _made(root: Path, several: bool) -> Run:
    project = make_project(root)
    project.add_set(SET)
    os.chdir(root)
    (plan,) = make_plans(GIVEN, Path("config/config.yaml")).values()
    loras = series(2, 4, 6) if several else ()
    folder, images = make_run(root, plan.paths.run_id, size=32, weights=(0, 0.4, 0.8), loras=loras)
    make_run(root, "other", size=32, weights=(0, 0.4, 0.8))
    assert plan.record and folder.resolve() == plan.paths.root.resolve()
    plan.record.write(folder / "run.yaml")
    for path in [plan.paths.lora, *folder.glob("train/*.safetensors")]:
        save_lora(path, metadata={"ss_epoch": "6"})
    bench = folder / "bench"
    installed = receipt.Receipt("a.safetensors", Path("models/loras/a.safetensors"), "ab" * 32, 5,
                                plan.paths.lora.as_posix(), {"rank": 2})  # fmt: skip
    receipt.write(installed, plan.paths.receipt())
    from lorabench.bench.measures import training_set
    from lorabench.run.further import Further
    from lorabench.sweep.search import SearchRecord, first

    weights, prompts = (0.4, 0.6, 0.8, 1.0), ("", "cat")
    records.write(Further(weights=weights), bench / "further.yaml")
    records.write(
        SearchRecord(weights=weights, prompts=prompts, parts=first([""], weights, prompts)),
        bench / "search.yaml",
    )
    taught = training_set.TrainingSet(6, 6, 6, 0.8, 3.0, 0, "", 0.0)
    training_set.write(taught, bench / "training_set.json")
    files = (bench / "metrics.csv").read_text().splitlines()
    at = files[0].split(",").index("file")
    (bench / "embedding.csv").write_text(
        "file,clip_size\n" + "".join(f"{line.split(',')[at]},0.5\n" for line in files[1:])
    )
    timing = folder / "benchmarks/bench_image/w0.40/seed1.tsv"
    timing.parent.mkdir(parents=True)
    timing.write_text("s\th:m:s\tmax_rss\n1.5\t0:00:01\t50.1\n")
    (root / "use.json").write_text(plan.use.json)
    (root / "prompts.txt").write_text("".join(f"a {one}, {{trigger}}\n" for one in SUBJECTS[:3]))
    (root / "rows.csv").write_text("rank,unet_lr\n4,1e-3\n8,2e-3\n")
    (root / "runs/.digests.json").write_text(json.dumps({"a": [1, 2, "ab"]}))
    shutil.copy(folder / "preprocess_log.csv", images.parent)
    return Run(root, plan, images)


def attempt(folder: Path, case: tuple[str, int]) -> int:
    """Spoil one file, run all programs that read it, and put it back."""
    name, number = case
    dice = Random(f"{name} {number}")
    run = _RUNS[dice.choice(("alone", "several"))]
    os.chdir(run.root)
    path = _path(run, name, dice)
    before = path.read_bytes()
    path.write_bytes(_spoilt(path, before, dice))
    status = 0
    try:
        for program in READ_BY[name]:
            try:
                status = max(status, program(run) or 0)
            except UserError as error:
                print(error)
                status = max(status, 1)
    finally:
        path.write_bytes(before)
        shutil.rmtree("out", ignore_errors=True)
    return status


def _path(run: Run, name: str, dice: Random) -> Path:
    if name == "<picture>":
        return dice.choice(sorted((run.folder / "bench").glob("**/seed*.png")))
    name = name.replace("<normalized>", str(run.normalized.parent))
    return run.folder / name.replace("<project>", str(run.root))


def _spoilt(path: Path, data: bytes, dice: Random) -> bytes:
    if path.suffix == ".png" or dice.randrange(6) == 0:
        return mutate.spoil(data, dice)
    text = data.decode()
    if path.suffix in (".csv", ".tsv", ".txt"):
        return mutate.rows(text, dice, "\t" if path.suffix == ".tsv" else ",").encode(
            "utf-8", "replace"
        )
    content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    if dice.randrange(12) == 0:
        return mutate.deep(100_000 if path.suffix == ".json" else 900, dice).encode()
    bent = mutate.bend(content, dice)
    if path.suffix == ".json":
        return mutate.as_json(bent)
    return yaml.safe_dump(bent, allow_unicode=True).encode("utf-8", "replace")


TRIAL = harness.Trial("own files", make, attempt, prepare, seconds=120, megabytes=600)

if __name__ == "__main__":
    sys.exit(harness.main(TRIAL, 300))
