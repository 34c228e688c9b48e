"""Two at once: on one run, on runs that share a normalized set, on one embedded server, two users.

Each ends right, or says who is at work; nothing is made twice, and nothing is half there.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from tests.faults.kinds import parser, say
from tests.faults.server import working
from tests.loras import save_lora
from tests.project import Project, make_project

BUSY = ("another call is at work on this run",)
PATIENCE = 400


@dataclass
class Trial:
    """Pairs of one kind, and what was wrong with them."""

    random: random.Random
    folder: Path
    cases: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)

    def check(self, right: bool, fault: str) -> None:
        if not right:
            self.faults.append(fault)


def start(project: Project, umask: int = -1, **config: object) -> subprocess.Popen:
    return subprocess.Popen(
        project.command(**config), cwd=project.root, text=True, umask=umask,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def ended(trial: Trial, *processes: subprocess.Popen) -> list[str]:
    """Wait for workflows: each ends well or says who is at work, and one at least ends well."""
    said = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    well = [process.returncode == 0 for process in processes]
    trial.cases += 1
    trial.check(any(well), f"none has ended well: {[text[-400:] for text in said]}")
    for right, text in zip(well, said, strict=True):
        named = any(words in text for words in BUSY) and "Traceback" not in text
        trial.refused += not right
        trial.check(right or named, f"not named: {text[-600:]}")
    return said


def one_run(trial: Trial, number: int) -> None:
    """Two workflows on one run, one some time after the other."""
    with working(0.3) as (fake, work):
        project = make_project(trial.folder / f"one{number}")
        fake.has_models(project.root / "models")
        lora = save_lora(trial.folder / "style.safetensors")
        config = {"weights": "0.4,0.8", "seeds": "1,2", "comfy_url": fake.url, "lora": lora}
        first = start(project, **config)
        time.sleep(trial.random.uniform(0, 8))
        ended(trial, first, start(project, **config))
        trial.check(max(work.renders.values(), default=0) == 1, f"rendered twice: {work.renders}")
        done = project.snakemake(check=False, **config)
        trial.check(done.returncode == 0, f"afterwards: {done.stdout[-500:]}")
        trial.check(not list(project.root.glob(".snakemake/workflows/*.[0-9]*")), "a file is left")


def two_users(trial: Trial, number: int) -> None:
    """Two with different umasks, one after the other, and the first again."""
    with working(0.01) as (fake, _):
        project = make_project(trial.folder / f"users{number}")
        fake.has_models(project.root / "models")
        lora = save_lora(trial.folder / "style.safetensors")
        config = {"seeds": "1", "comfy_url": fake.url, "lora": lora}
        for umask, weights in ((0o002, "0.4"), (0o077, "0.4,0.8"), (0o022, "0.4,0.6,0.8")):
            ended(trial, start(project, umask, weights=weights, **config))


def one_set(trial: Trial, number: int) -> None:
    """Two runs that share a normalized set, which neither finds."""
    project = make_project(trial.folder / f"set{number}")
    project.add_set()
    train = "{steps: 4, batch_size: 2, rank: %d}"
    ranks = (2, 4)

    def call(rank: int) -> dict[str, object]:
        return {"raw_set": "some_set", "weights": "0.5", "train": train % rank}

    first = start(project, **call(ranks[0]))
    time.sleep(trial.random.uniform(0, 12))
    ended(trial, first, start(project, **call(ranks[1])))
    for rank in ranks:
        done = project.snakemake(check=False, **call(rank))
        trial.check(done.returncode == 0, f"afterwards: {done.stdout[-500:]}")
    (folder,) = (path for path in project.root.glob("datasets/normalized/style/*") if path.is_dir())
    rows = (folder / "preprocess_log.csv").read_text().splitlines()
    trial.check(len(rows) == 5, f"the set's log has {len(rows)} lines")


def one_server(trial: Trial, number: int) -> None:
    """Cells of two workflows on one embedded server, which both start."""
    from tests.faults.kills import ROOT, WORKFLOW

    folder = trial.folder / f"server{number}"
    lora = save_lora(folder / "loras" / "style-12345678.safetensors")
    graph = json.loads(WORKFLOW.read_text())
    graph["6"]["inputs"]["steps"] = 2
    short = folder / "short.json"
    short.write_text(json.dumps(graph))
    receipt = folder / "installed.json"
    receipt.write_text(json.dumps({"name": lora.name, "path": str(lora), "sha256": "ab" * 32}))

    def cell(run: str, seed: int) -> subprocess.Popen:
        words = [f"--workflow={short}", "--comfy-url=embedded", f"--lora-receipt={receipt}",
                 f"--run-id={run}", "--weight=0.4", f"--seed={seed}", "--device=cpu",
                 f"--output-dir={folder / run}", f"--prefix={run}/seed{seed}",
                 f"--server-state={folder / 'server.json'}", f"--models-dir={ROOT / 'models'}",
                 f"--loras-dir={lora.parent}", f"--server-output-dir={folder / 'output'}",
                 "--idle-timeout=20"]  # fmt: skip
        program = [sys.executable, ROOT / "scripts/bench_image.py", *words]
        return subprocess.Popen(
            program, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    ended(trial, *(cell(run, seed) for run in ("a", "b") for seed in (1, 2)))
    pixels = {(run, seed): Image.open(folder / run / f"seed{seed}_00.png").tobytes()
              for run in ("a", "b") for seed in (1, 2)}  # fmt: skip
    for seed in (1, 2):
        trial.check(pixels["a", seed] == pixels["b", seed], "other pixels")
    starts = (folder / "server.log").read_text().count("listening on")
    trial.check(starts == 1, f"{starts} servers")
    from lorabench.comfy.client.launch import stop_server

    stop_server(folder / "server.json")


def two_hosts(trial: Trial, number: int) -> None:
    """A workflow on another machine's name, then one here; the other lives, then it is dead.

    The disk is this machine's; `lorabench.workflow.locks` is told that machines share it.
    """
    with working(0.3) as (fake, work):
        project = make_project(trial.folder / f"hosts{number}")
        fake.has_models(project.root / "models")
        locks = project.root / "scripts/lorabench/workflow/locks.py"
        with locks.open("a") as file:
            file.write("\n\ndef _is_local(folder: Path) -> bool:\n    return False\n")
        lora = save_lora(trial.folder / "style.safetensors")
        config = {"weights": "0.4,0.8", "seeds": "1,2", "comfy_url": fake.url, "lora": lora}
        there = ["unshare", "--uts", "sh", "-c", 'hostname otherhost && exec "$@"', "sh"]
        first = subprocess.Popen(
            [*there, *project.command(**config)], cwd=project.root, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while first.poll() is None and not list(project.root.glob("runs/*/bench/w*/*.png")):
            time.sleep(0.01)
        trial.check(first.poll() is None, "the other has ended before this begins")
        said = [project.snakemake(check=False, **config)]
        first.kill()
        first.communicate(timeout=PATIENCE)
        said.append(project.snakemake(check=False, **config))
        for done, state in zip(said, ("alive", "killed"), strict=True):
            trial.cases += 1
            trial.refused += done.returncode != 0
            named = f"process {first.pid} on otherhost" in done.stdout
            right = done.returncode and named and "Traceback" not in done.stdout
            trial.check(bool(right), f"{state}: {done.stdout[-600:]}")
        file = project.root / f".snakemake/workflows/otherhost.{first.pid}"
        trial.check(file.exists(), "the other's file was removed")
        # Typed there again, on the machine that the dead one was on.
        done = subprocess.run([*there, *project.command(**config)], cwd=project.root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        trial.check(done.returncode == 0, f"there again: {done.stdout[-600:]}")
        trial.check(max(work.renders.values()) <= 2, f"renders: {work.renders}")


KINDS: dict[str, Callable[[Trial, int], None]] = {
    "on one run": one_run,
    "with different umasks": two_users,
    "on one embedded server": one_server,
    "on runs that share a normalized set": one_set,
    "on one run, under two host names": two_hosts,
}


def run(kind: str, cases: int, seed: int) -> Trial:
    with tempfile.TemporaryDirectory(prefix="together_") as folder:
        trial = Trial(random.Random(f"{seed} {kind}"), Path(folder))
        for number in range(cases):
            KINDS[kind](trial, number)
    return trial


def main() -> int:
    given = parser(__doc__, KINDS, 5, "of each kind").parse_args()
    os.environ.pop("LORABENCH_WORKFLOW", None)
    print("| two at once | pairs | refused, with who is at work | found wrong |")
    print("| --- | --- | --- | --- |")
    wrong = 0
    for kind in given.kinds:
        trial = run(kind, given.cases, given.seed)
        wrong += say(kind, trial.cases, trial.refused, wrong=trial.faults)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
