"""Fill the disk at every write, forbid writing, and damage files: each is named, none is half.

A small tmpfs is full after so many bytes; without the right to mount one, the system's limit on a
file's size stands in for it.
"""

import contextlib
import csv
import hashlib
import importlib
import io
import logging
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lorabench import cli
from lorabench.dataset.check import check_unchanged
from lorabench.digests import Digests, model_digest
from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from lorabench.lora import install, receipt
from lorabench.sweep.pictures import open_rgb
from lorabench.sweep.record import SweepRecord
from tests import checkpoints
from tests.faults.kills import tensors
from tests.faults.kinds import parser, say
from tests.faults.server import working
from tests.finished import make_run
from tests.loras import save_lora
from tests.normalized import normalized
from tests.pictures import photo
from tests.project import ROOT, Project, make_project
from tests.training import TINY, make_set

PAGE = 4096
WORKFLOW = ROOT / "config/workflows/drawnworld_lora_bench.json"
Words = Sequence[object]


@dataclass
class Count:
    """What became of the cases of one kind."""

    cases: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """A folder whose disk can be full, or not writable."""

    folder: Path
    mounted: bool

    @contextlib.contextmanager
    def full_after(self, size: int) -> Generator[None]:
        """Leave so many bytes."""
        if not self.mounted:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            return
        filler = self.folder / "filler"
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - size))
        try:
            yield
        finally:
            filler.unlink()

    @contextlib.contextmanager
    def read_only(self) -> Generator[None]:
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        else:
            self.folder.chmod(0o555)
        try:
            yield
        finally:
            if self.mounted:
                subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)
            else:
                self.folder.chmod(0o755)


@contextlib.contextmanager
def place(how: str, parent: Path) -> Generator[Place]:
    folder = parent / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]
    mounted = how == "tmpfs" and subprocess.run(mount).returncode == 0
    try:
        yield Place(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)  # a file may still be mapped


def programs(made: Path, url: str) -> dict[str, Callable[[Path], Words]]:
    """Return the programs that write, and how each is called to write into a folder."""
    run, images = make_run(made, size=32, weights=(0, 0.4, 0.8))
    other, _ = make_run(made, "other", size=32, weights=(0, 0.4, 0.8))
    lora = save_lora(made / "style.safetensors")
    bench, raw = run / "bench", images.parent / "raw"
    raw.mkdir()
    for seed in range(3):
        photo(seed, 400, 400).save(raw / f"{seed}.png")
    installed = made / "installed.json"
    receipt.write(receipt.Receipt("a.safetensors", Path("/none"), "ab" * 32), installed)
    sums = hashlib.sha256(lora.read_bytes()).hexdigest()
    tables = ["--metrics", bench / "metrics.csv", "--summary", bench / "summary.csv"]
    sweep = ["--sweep", bench / "sweep.yaml"]
    verdict = ["--verdict", bench / "verdict.json"]
    examined = made / "examined.json"
    contents = SweepRecord.read(bench / "sweep.yaml").model_dump_json()
    wanted: dict[str, Callable[[Path], Words]] = {
        "record_run": lambda out: ["sweep", "--output", out / "sweep.yaml", "--contents", contents,
                                   "--digests", out / ".digests.json", "--of", lora],
        "copy_lora": lambda out: ["--lora", lora, "--sha256", sums,
                                  "--output", out / "a.safetensors"],
        "install_lora": lambda out: ["--lora", lora, "--install-dir", out / "loras", "--receipt",
                                     out / "installed.json"],
        "resize_dataset": lambda out: [raw, "--output", out / "set", "--store", out / ".pictures",
                                       "--workers", 1, "--yes", "--min-size", 16],
        "bench_metrics": lambda out: [*sweep, "--output", out / "metrics.csv", "--warnings",
                                      out / "warnings.json", "--training-set", images,
                                      "--examined", out / "examined.json"],
        "bench_verdict": lambda out: [bench / "metrics.csv", *sweep, "--examined", examined,
                                      "--output", out / "v.json", "--summary", out / "s.csv"],
        "bench_plots": lambda out: [*tables, *verdict, "--output-dir", out],
        "bench_grid": lambda out: [*sweep, *verdict, "--warnings", bench / "warnings.json",
                                   "--output-dir", out],
        "bench_report": lambda out: ["--run", run, "--output", out / "report.html", "--workers", 1],
        "model_card": lambda out: ["--lora", lora, "--record", run / "run.yaml", *sweep, *verdict,
                                   "--grid", bench / "w0.40/seed1_00.png",
                                   "--output", out / "README.md"],
        "compare_runs": lambda out: [run, other, "--output", out / "compared.html"],
        "bench_image": lambda out: [f"--workflow={WORKFLOW}", f"--comfy-url={url}",
                                    f"--lora-receipt={installed}", "--run-id=r", "--weight=0.4",
                                    "--seed=1", f"--output-dir={out / 'w0.40'}", "--prefix=r/s"],
    }  # fmt: skip
    call("bench_metrics", [*sweep, "--output", made / "m.csv", "--warnings", made / "w.json",
                           "--training-set", images, "--examined", examined])  # fmt: skip
    return wanted


def call(name: str, words: Words) -> tuple[int, str]:
    """Run a program as its command line does; return its status and what it says."""
    module = importlib.import_module(name)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = cli.run(module.parser(), module.main, [*map(str, words)])
    for handler in logging.getLogger().handlers:
        with contextlib.suppress(OSError):
            handler.close()  # else its log keeps the disk busy
    logging.getLogger().handlers.clear()
    return status, said.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "log")
    return {str(path.relative_to(folder)): content(path) for path in found}


def content(path: Path) -> bytes:
    """Return what a file holds; of what has the time in it, its length or whether it is whole."""
    data = path.read_bytes()
    if path.name in ("report.html", "compared.html"):
        return b"x" * len(data)
    if path.name == "sweep.yaml":
        return b"whole" if b"\n  torch: " in data and data.endswith(b"\n") else data
    return data


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def full(count: Count, chance: random.Random, cases: int, here: Place, made: Path) -> None:
    """Run each program on a disk with room for a part of what it writes, then with enough."""
    with working(0.01) as (fake, _):
        wanted = programs(made, fake.url)
        # SIGINT and SIGTERM are the programs' own; a log on the same disk is cut short, too.
        whole = {}
        for name, words in wanted.items():
            call(name, [*words(here.folder), "--log", here.folder / "log"])
            whole[name] = contents(here.folder)
            empty(here.folder)
        for number in range(cases):
            name = list(wanted)[number % len(wanted)]
            words = [*wanted[name](here.folder), "--log", here.folder / "log"]
            size = sum(-(-len(data) // PAGE) * PAGE for data in whole[name].values())
            room = chance.randrange(0, max(size, PAGE) + PAGE, PAGE if here.mounted else 64)
            with here.full_after(room):
                status, said = call(name, words)
            check(count, f"{name}, {room} bytes", status, said, here.folder, whole[name])
            again, said = call(name, words)
            if again or not whole[name].items() <= contents(here.folder).items():
                count.wrong.append(f"{name} after {room} bytes, with room: {again} {said[-300:]}")
            empty(here.folder)


def training(count: Count, chance: random.Random, cases: int, here: Place, made: Path) -> None:
    """Train on a disk with room for a part of what that writes, then with enough."""
    base = checkpoints.save_micro_folder(made / "micro")
    settings = made / "run.yaml"
    settings.write_text(yaml.safe_dump({"train": {**TINY, "steps": 24, "save_every_epochs": 4}}))
    words = [f"--data={make_set(made / 'tiny')}", f"--base-model={base}", f"--settings={settings}",
             f"--output={here.folder / 'a.safetensors'}"]  # fmt: skip

    def loras() -> dict[str, dict[str, bytes]]:
        return {path.name: tensors(path) for path in here.folder.glob("*.safetensors")}

    call("train_lora", words)
    whole, size = loras(), sum(map(len, contents(here.folder).values()))
    empty(here.folder)
    for number in range(cases):
        # Beside what stays, its state needs room, twice while it is replaced.
        with here.full_after(chance.randrange(0, 2 * size, PAGE)):
            status, said = call("train_lora", words)
            half = [name for name, found in loras().items() if found != whole[name]]
            steps = logged(here.folder)
        check(count, f"training {number}", status, said, here.folder, {})
        if half or steps != list(range(1, len(steps) + 1)):
            count.wrong.append(f"training {number}: half written {half}, steps {steps}")
        again, said = call("train_lora", words) if status else (0, "")
        if again or loras() != whole or logged(here.folder) != list(range(1, 25)):
            count.wrong.append(
                f"training {number}, with room: {again}, other tensors, {said[-300:]}"
            )
        empty(here.folder)


def logged(folder: Path) -> list[int]:
    """Return the steps in a training's log; one that is half written is no list of steps."""
    log = folder / "train_log.csv"
    return [int(row["step"]) for row in csv.DictReader(log.open())] if log.exists() else []


def snakemake(count: Count, chance: random.Random, cases: int, here: Place, made: Path) -> None:
    """Fill the disk of Snakemake's own files at some time; then type the command again."""
    with working(0.1) as (fake, work):
        config = {"weights": "0.4", "seeds": "1,2", "comfy_url": fake.url,
                  "lora": save_lora(made / "style.safetensors")}  # fmt: skip
        for number in range(cases):
            project = make_project(made / f"full{number}")
            fake.has_models(project.root / "models")
            (project.root / ".snakemake").symlink_to(here.folder)
            work.renders.clear()
            said = filled(project, config, chance, here)
            again = project.snakemake(check=False, **config)
            named = "No space left on device" in said and "run the same command again" in said
            count.cases["named" if named else "enough room"] += 1
            if "Traceback" in said or not (named or "Look at runs/" in said):
                count.wrong.append(f"{number}: not named: {said[-600:]}")
            if again.returncode or not set(work.renders.values()) <= {1, 2}:
                count.wrong.append(f"{number}, with room: {work.renders}, {again.stdout[-600:]}")
            empty(here.folder)


def filled(project: Project, config: dict, chance: random.Random, here: Place) -> str:
    """Start a workflow on a disk that is full before, or some time after; return what it says."""
    process = subprocess.Popen(project.command(**config), cwd=project.root, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    if chance.random() < 0.8:
        while process.poll() is None and not list(here.folder.glob("locks/*.lock")):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 4))
    with here.full_after(chance.randrange(0, 10 * PAGE, PAGE)):
        return process.communicate()[0]


def check(
    count: Count, what: str, status: int, said: str, folder: Path, whole: dict[str, bytes]
) -> None:
    """Check that a program has ended right or with a named error, and left nothing half written."""
    *_, last = said.rstrip().splitlines() or [""]
    found = contents(folder)
    half = [name for name in found.keys() & whole.keys() if found[name] != whole[name]]
    left = [name for name in found if name.endswith(".tmp")]
    named = str(folder) in last and any(
        words in last for words in ("No space left", "File too large", "Read-only", "Permission")
    )
    if half or left or "Traceback" in said or not (status == 0 or (status == 1 and named)):
        count.wrong.append(f"{what}: status {status}, half {half}, left {left}, said {said[-400:]}")
    count.cases["enough room" if status == 0 else "named"] += 1


def read_only(count: Count, chance: random.Random, cases: int, here: Place, made: Path) -> None:
    """Run each program on a disk that cannot be written."""
    if not here.mounted and os.geteuid() == 0:
        return  # root may write anywhere
    with working(0.01) as (fake, _):
        for name, words in programs(made, fake.url).items():
            with here.read_only():
                status, said = call(name, words(here.folder))
            check(count, name, status, said, here.folder, {})
            if status == 0:
                count.wrong.append(f"{name}: wrote into a folder that cannot be written")
            empty(here.folder)


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def refused(work: Callable[[], object]) -> str:
    """Return `named` if the work is refused, else an empty text."""
    try:
        work()
    except UserError:
        return "named"
    return ""


def damaged(count: Count, chance: random.Random, cases: int, here: Place, made: Path) -> None:
    """Flip a bit, or delete: found on the next use, or without effect."""
    run, _ = make_run(made, size=32, weights=(0, 0.4))
    picture = run / "bench/w0.40/seed1_00.png"
    lora = made / "style.safetensors"
    loaded = lora_file.load(save_lora(made / "plain.safetensors"))[1]
    content = lora_file.save(lora, loaded, {}).content
    target = install.install(lora, made / "loras", made / "installed.json")
    base = checkpoints.save_micro_folder(made / "micro")
    weights = max(base.rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    normal = next((normalized(made).folder / "images").glob("*.png"))
    before = model_digest(base, Digests(made / "none"))
    pixels = open_rgb(picture).tobytes()

    def use_lora() -> str:
        named = refused(lambda: install.install(
            lora, made / "again", made / "again.json", trained_here=True))  # fmt: skip
        there = list((made / "again").glob("*.safetensors"))
        right = all(lora_file.verify(path).content == content for path in there)
        shutil.rmtree(made / "again", ignore_errors=True)
        return named or ("without effect" if right else "")

    def use_picture() -> str:
        named = refused(lambda: open_rgb(picture))
        return named or ("without effect" if open_rgb(picture).tobytes() == pixels else "")

    def use_base() -> str:
        return "another run" if model_digest(base, Digests(made / "none")) != before else ""

    installed = receipt.read(made / "installed.json")
    uses: dict[str, tuple[Path, Callable[[], str]]] = {
        "a trained LoRA": (lora, use_lora),
        "an installed LoRA": (target, lambda: refused(
            lambda: receipt.check_again(installed, made / "installed.json"))),
        "a rendered picture": (picture, use_picture),
        "a checkpoint": (weights, use_base),
        "a normalized picture": (normal, lambda: refused(lambda: check_unchanged(made / "set"))),
    }  # fmt: skip
    for number in range(cases):
        name = list(uses)[number % len(uses)]
        path, use = uses[name]
        kept = path.read_bytes()
        gone = name == "a normalized picture" and chance.random() < 0.5
        path.unlink() if gone else flip(path, chance)
        found = use()
        count.cases[f"{name}: {found}"] += 1
        if not found:
            count.wrong.append(f"{name} was changed, and is taken for what it was")
        path.write_bytes(kept)


KINDS = {
    "full": full,
    "training": training,
    "snakemake": snakemake,
    "read-only": read_only,
    "damaged": damaged,
}


def run(kind: str, cases: int, seed: int, how: str) -> Count:
    count = Count()
    with tempfile.TemporaryDirectory(prefix="disk_") as folder, place(how, Path(folder)) as here:
        made = Path(folder) / "made"
        made.mkdir()
        KINDS[kind](count, random.Random(f"{seed} {kind}"), cases, here, made)
    return count


def main() -> int:
    line = parser(__doc__, KINDS, 300, "of each kind")
    line.add_argument("--how", choices=("tmpfs", "limit"), default="tmpfs")
    given = line.parse_args()
    wrong = 0
    print("| the disk | cases | found wrong |\n| --- | --- | --- |")
    for kind in given.kinds:
        count = run(kind, given.cases, given.seed, given.how)
        parts = ", ".join(f"{number} {name}" for name, number in sorted(count.cases.items()))
        wrong += say(kind, f"{count.cases.total()} ({parts})", wrong=count.wrong)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
