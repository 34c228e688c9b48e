"""Kill programs at random times, type the same command again, and compare with what it gives.

Whatever is killed, the next call goes on: the same tensors, pixels and tables as without, nothing
half written, nothing left over, and at the server one render of each cell, or two of the one that
was in flight.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import yaml
from PIL import Image
from safetensors.numpy import save_file

from lorabench.lora import tensor_file
from tests import checkpoints
from tests.fake_comfy import FakeComfy
from tests.faults.kinds import parser, say
from tests.faults.server import Work, working
from tests.loras import save_lora
from tests.project import SMALL, Project, make_project, run_folder
from tests.training import TINY, make_set

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "config/workflows/drawnworld_lora_bench.json"
BASE = ROOT / "models/checkpoints/drawnworld"
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
PATIENCE = 300
SHARES = {"cell": 0.6, "install": 0.2, "train": 0.07, "workflow": 0.09, "server": 0.03,
          "folder": 0.01}  # fmt: skip
"""How the kills are shared out: many where a program is cheap, some where it is not."""


@dataclass
class Trial:
    """Kills of one kind, and what was wrong after them."""

    random: random.Random
    folder: Path
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def check(self, right: bool, fault: str) -> None:
        if not right:
            self.faults.append(fault)

    def kill(self, process: subprocess.Popen, within: float, ready: Callable[[], bool]) -> bool:
        """Kill a program some time after it is `ready`; return whether it had not ended before."""
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not ready():
            time.sleep(0.002)
            assert time.monotonic() < deadline, "it is never ready"
        time.sleep(self.random.uniform(0, within))
        number = self.random.choice(SIGNALS)
        lived = process.poll() is None
        if lived:
            process.send_signal(number)
            self.kills[number.name] += 1
        process.wait(PATIENCE)
        return lived


def start(*words: object, **options: object) -> subprocess.Popen:
    with tempfile.TemporaryFile() as nowhere:
        return subprocess.Popen(
            [sys.executable, *map(str, words)], stdout=nowhere, stderr=nowhere, **options
        )


def again(*words: object) -> str:
    """Run a command to its end; return what was wrong with that."""
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True,
                          timeout=PATIENCE)  # fmt: skip
    return "" if done.returncode == 0 else f"the same command failed: {done.stderr[-300:]}"


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*") if path.suffix in (".tmp", ".waiting")]


def at_once() -> bool:
    return True


# ---------------------------------------------------------------- a cell's program


def cells(trial: Trial, wanted: int) -> None:
    """Kill bench_image.py at any time, or while its prompt waits or is rendered."""
    receipt = trial.folder / "installed.json"
    receipt.write_text(json.dumps({"name": "a.safetensors", "path": "/none", "sha256": "ab" * 32}))
    with working(0.2) as (fake, work):
        for number in range(10 * wanted):
            if trial.kills.total() >= wanted:
                return
            words = [
                ROOT / "scripts/bench_image.py", f"--workflow={WORKFLOW}",
                f"--comfy-url={fake.url}", f"--lora-receipt={receipt}", "--run-id=r",
                "--weight=0.4", f"--seed={number}", f"--output-dir={trial.folder / 'w0.40'}",
                f"--prefix=r/w0.40/seed{number}",
            ]  # fmt: skip
            asked = len(fake.prompts)
            seen = trial.random.choice([at_once, lambda asked=asked: len(fake.prompts) > asked])
            lived = trial.kill(start(*words), 0.5 if seen is at_once else 0.3, seen)
            picture = trial.folder / "w0.40" / f"seed{number}_00.png"
            trial.check(not picture.exists() or is_of(picture, number), f"{picture}: half written")
            if not lived:  # it had ended by itself: a workflow would not call it again
                trial.check(is_of(picture, number), f"cell {number}: another picture")
                continue
            fault = again(*words)
            trial.check(not fault, f"cell {number}: {fault}")
            trial.check(is_of(picture, number), f"cell {number}: another picture")
            renders = work.renders[f"r/w0.40/seed{number}"]
            trial.check(1 <= renders <= 2, f"cell {number}: {renders} renders")
            trial.check(not left_over(trial.folder), f"left over: {left_over(trial.folder)}")


def is_of(picture: Path, seed: int) -> bool:
    """Whether a picture is whole, and the one of a seed, as the server renders it."""
    with suppress(OSError, SyntaxError), Image.open(picture) as image:
        return image.getpixel((0, 0)) == (seed % 256, 10, 20)
    return False


# ---------------------------------------------------------------- the installation


def installations(trial: Trial, wanted: int) -> None:
    """Kill install_lora.py at any time, or while it copies."""
    lora = trial.folder / "style.safetensors"
    rng = np.random.default_rng(0)
    save_file({f"lora_unet_{i}.lora_{half}.weight": rng.standard_normal(shape).astype(np.float16)
               for i in range(8) for half, shape in (("down", (64, 9000)), ("up", (9000, 64)))},
              lora)  # fmt: skip
    for number in range(10 * wanted):
        if trial.kills.total() >= wanted:
            return
        folder = trial.folder / f"loras{number}"
        receipt = folder / "installed.json"
        words = [ROOT / "scripts/install_lora.py", f"--lora={lora}", f"--install-dir={folder}",
                 f"--receipt={receipt}"]  # fmt: skip
        copying = trial.random.random() < 0.7
        seen = (lambda folder=folder: any(folder.glob(".*.tmp"))) if copying else at_once
        trial.kill(start(*words), 0.02 if copying else 1.5, seen)
        for path in folder.glob("*.safetensors"):
            trial.check(path.read_bytes() == lora.read_bytes(), f"{path}: half written")
        fault = again(*words)
        trial.check(not fault, f"installation {number}: {fault}")
        names = sorted(path.suffix for path in folder.iterdir())
        trial.check(names == [".json", ".safetensors"], f"left over: {left_over(folder)}")
        installed = Path(json.loads(receipt.read_text())["path"]) if receipt.exists() else lora
        trial.check(installed != lora and installed.read_bytes() == lora.read_bytes(), "not whole")
        for path in folder.iterdir():
            path.unlink()


# ---------------------------------------------------------------- the trainer


def trainings(trial: Trial, wanted: int) -> None:
    """Kill train_lora.py again and again until it ends."""
    base = checkpoints.save_micro_folder(trial.folder / "micro")
    data = make_set(trial.folder / "tiny")
    settings = trial.folder / "run.yaml"
    settings.write_text(yaml.safe_dump({"train": {**TINY, "steps": 60, "save_every_epochs": 10}}))

    def words(name: str) -> list[object]:
        output = trial.folder / name / "a.safetensors"
        return [ROOT / "scripts/train_lora.py", f"--data={data}", f"--base-model={base}",
                f"--settings={settings}", f"--output={output}"]  # fmt: skip

    fault = again(*words("whole"))
    trial.check(not fault, fault)
    whole = {path.name: tensors(path) for path in (trial.folder / "whole").glob("*.safetensors")}
    for number in range(wanted):
        if trial.kills.total() >= wanted:
            return
        folder = trial.folder / f"killed{number}"
        log = folder / "train_log.csv"
        for _ in range(4):
            if trial.kills.total() >= wanted or (folder / "a.safetensors").exists():
                break
            had = log.stat().st_mtime_ns if log.exists() else 0
            trial.kill(start(*words(folder.name)), 0.6, lambda had=had, log=log: (
                log.exists() and log.stat().st_mtime_ns != had))  # fmt: skip
            text = log.read_text() if log.exists() else "\n"
            trial.check(text.endswith("\n") and {line.count(",") for line in text.split()} <= {5},
                        f"{log}: half written")  # fmt: skip
            for path in folder.glob("*.safetensors"):
                trial.check(tensors(path) == whole[path.name], f"{path}: half written")
        if not (folder / "a.safetensors").exists():
            fault = again(*words(folder.name))
            trial.check(not fault, f"training {number}: {fault}")
        found = {path.name: tensors(path) for path in folder.glob("*.safetensors")}
        trial.check(found == whole, f"training {number}: other tensors")
        trial.check(_steps(log) == list(range(1, 61)), f"training {number}: another log")


def tensors(path: Path) -> dict[str, bytes]:
    return {key: array.tobytes() for key, array in tensor_file.tensors(path)}


def _steps(log: Path) -> list[int]:
    return [int(line.split(",")[0]) for line in log.read_text().splitlines()[1:]]


# ---------------------------------------------------------------- whole workflows


def workflows(trial: Trial, wanted: int) -> None:
    """Kill Snakemake, Snakemake with all jobs, or a job, again and again until it ends."""
    with _benching(trial, "0.4,0.8") as (fake, work, config):
        project = _project(trial.folder / "whole", fake)
        whole = _finish(trial, project, config, work, 0)
        for number in range(wanted):
            if trial.kills.total() >= wanted:
                return
            project = _project(trial.folder / f"killed{number}", fake)
            kills = 0
            for _ in range(4):
                before = {
                    path: path.stat().st_mtime_ns
                    for path in project.root.glob("runs/*/bench/w*/*.png")
                }
                kills += _kill_workflow(trial, project, config)
                for path, stamp in before.items():
                    again_made = not path.exists() or path.stat().st_mtime_ns != stamp
                    trial.check(not again_made, f"{path}: made again")
            found = _finish(trial, project, config, work, kills)
            for name in whole.keys() | found.keys():
                trial.check(
                    whole.get(name) == found.get(name), f"{project.root.name}: other {name}"
                )


@contextmanager
def _benching(trial: Trial, weights: str) -> Iterator[tuple[FakeComfy, Work, dict[str, str]]]:
    """Yield a server and the settings that bench a LoRA there."""
    with working(0.2) as (fake, work):
        lora = save_lora(trial.folder / "style.safetensors")
        yield (
            fake,
            work,
            {"weights": weights, "seeds": "1,2", "comfy_url": fake.url, "lora": str(lora)},
        )


def _project(folder: Path, fake: FakeComfy) -> Project:
    """Make a project whose models the server has."""
    project = make_project(folder)
    fake.has_models(project.root / "models")
    return project


def _kill_workflow(trial: Trial, project, config) -> int:
    """Start the workflow, kill it or a job at some time; return whether something was killed."""
    process = subprocess.Popen(
        project.command(**config), cwd=project.root, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stages = ["runs", "runs/*/train/*.safetensors", "runs/*/bench/workflow.json",
              "runs/*/bench/w*/*.png", "runs/*/bench/metrics.csv"]  # fmt: skip
    stage = trial.random.choice(
        [one for one in stages if not any(project.root.glob(one))] or stages
    )
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and not any(project.root.glob(stage)):
        time.sleep(0.01)
        assert time.monotonic() < deadline, stage
    time.sleep(trial.random.uniform(0, 1))
    number = trial.random.choice(SIGNALS)
    whom = trial.random.choice(["workflow", "all", "job"])
    lived = process.poll() is None
    if lived and whom == "job":
        jobs = [one for one in psutil.Process(process.pid).children(recursive=True)
                if "python" in one.name()]  # fmt: skip
        lived = bool(jobs)
        if jobs:
            with suppress(psutil.Error):
                trial.random.choice(jobs).send_signal(number)
    elif lived and whom == "all":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
    elif lived:
        process.send_signal(number)
    if lived:
        trial.kills[f"{number.name} to {whom}"] += 1
    process.wait(PATIENCE)
    return lived


def _finish(trial: Trial, project, config, work: Work, kills: int) -> dict[str, bytes]:
    """Type the command once more; return the pixels and tables that it gives."""
    done = project.snakemake(check=False, **config)
    trial.check(done.returncode == 0, f"{project.root.name}: {done.stdout[-500:]}")
    trial.check("--unlock" not in done.stdout, f"{project.root.name}: {done.stdout[-500:]}")
    for name, renders in work.renders.items():
        trial.check(renders <= 1 + kills, f"{project.root.name}: {renders} renders of {name}")
    more = sum(work.renders.values()) - len(work.renders)
    trial.check(more <= 2 * kills, f"{project.root.name}: {more} renders more for {kills} kills")
    work.renders.clear()
    trial.check(not left_over(project.root), f"left over: {left_over(project.root)}")
    run = run_folder(project)
    found = {path.name: path.read_bytes() for path in run.glob("bench/*.csv")}
    for path in run.glob("bench/w*/*.png"):
        with Image.open(path) as image:
            found[f"{path.parent.name}/{path.name}"] = image.tobytes()
    verdict = json.loads((run / "bench/verdict.json").read_text())
    return {**found, "verdict": json.dumps(verdict, sort_keys=True).encode()}


def folders(trial: Trial, wanted: int) -> None:
    """Delete the run's folder in the middle of a workflow."""
    with _benching(trial, "0.4") as (fake, work, config):
        project = _project(trial.folder / "whole", fake)
        whole = _finish(trial, project, config, work, wanted)
        for number in range(wanted):
            project = _project(trial.folder / f"deleted{number}", fake)
            process = subprocess.Popen(project.command(**config), cwd=project.root, text=True,
                                       stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)  # fmt: skip
            while process.poll() is None and not any(project.root.glob("runs/*/bench/w*/*.png")):
                time.sleep(0.01)
            shutil.rmtree(run_folder(project), ignore_errors=True)
            trial.kills["deleted"] += 1
            said, _ = process.communicate(timeout=PATIENCE)
            named = process.returncode == 0 or "error: " in said
            trial.check(named and "Traceback" not in said, f"not named: {said[-500:]}")
            work.renders.clear()
            found = _finish(trial, project, config, work, 1)
            trial.check(found == whole, f"{project.root.name}: other pixels or tables")


# ---------------------------------------------------------------- the embedded server


def servers(trial: Trial, wanted: int) -> None:
    """Kill the embedded server of a workflow that trains and renders, again and again."""
    project = make_project(trial.folder / "whole")
    project.add_set()
    config = {**SMALL, "seeds": "1,2,3,4"}
    project.snakemake(**config)
    run = run_folder(project)
    pictures = sorted(run.glob("bench/w*/*.png"))
    whole = {path: Image.open(path).tobytes() for path in pictures}
    while trial.kills.total() < wanted:
        # Without the table, Snakemake does not ask for the pictures that it was made of.
        for path in (*pictures, run / "bench/metrics.csv"):
            path.unlink(missing_ok=True)
        process = subprocess.Popen(
            project.command(**config), cwd=project.root,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(2):
            _kill_server(trial, run, process)
        status = process.wait(PATIENCE)
        if status:  # SIGTERM to the server is no fault of the cell, which starts another
            done = project.snakemake(check=False, **config)
            trial.check(done.returncode == 0, done.stdout[-500:])
        for path in pictures:
            same = path.exists() and Image.open(path).tobytes() == whole[path]
            trial.check(same, f"{path.name}: other pixels")


def _kill_server(trial: Trial, run: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError, ValueError, StopIteration, ProcessLookupError):
            state = next(iter(run.glob("logs/comfy_server*.json")))
            pid = json.loads(state.read_text())["pid"]
            time.sleep(trial.random.uniform(0, 6))
            number = trial.random.choice(SIGNALS)
            os.kill(pid, number)
            trial.kills[number.name] += 1
            return
        time.sleep(0.05)


KINDS: dict[str, Callable[[Trial, int], None]] = {
    "cell": cells,
    "install": installations,
    "train": trainings,
    "workflow": workflows,
    "server": servers,
    "folder": folders,
}


def run(kinds: Sequence[str], cases: int, seed: int) -> Iterator[tuple[str, Trial]]:
    """Yield the trial of each kind."""
    shares = sum(SHARES[kind] for kind in kinds)
    for kind in kinds:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills_")))
            trial = Trial(random.Random(f"{seed} {kind}"), folder)
            KINDS[kind](trial, max(1, round(cases * SHARES[kind] / shares)))
        yield kind, trial


def main() -> int:
    given = parser(__doc__, KINDS, 200, "kills, in all").parse_args()
    print("| killed | kills | found wrong |\n| --- | --- | --- |")
    wrong = 0
    for kind, trial in run(given.kinds, given.cases, given.seed):
        numbers = ", ".join(f"{count} {name}" for name, count in sorted(trial.kills.items()))
        wrong += say(kind, f"{trial.kills.total()} ({numbers})", wrong=trial.faults)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
