"""Two accounts of the system in one folder: one goes on with the other's run, or is told why not.

The accounts, and where they find this Python, are there in a mount namespace of this program alone.
Only root can have one.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.kills import is_of, left_over, tensors
from tests.faults.kinds import parser, say
from tests.faults.server import working
from tests.loras import save_lora
from tests.project import SMALL, Project, make_project

GROUP = 61000
ACCOUNTS = {"ann": 61001, "ben": 61002}
INSIDE = "LORABENCH_ACCOUNTS"
PATIENCE = 400


@dataclass(frozen=True)
class Way:
    """How two accounts share a folder."""

    umask: int
    top: int = 0o2775
    """The mode of the project's folders before the first call."""
    is_member: bool = True
    """Whether the second account is in the folder's group."""


WAYS = {
    "a group's folder, umask 002": Way(0o002),
    "a group's folder, umask 022": Way(0o022),
    "a group's folder, umask 077": Way(0o077),
    "a folder that the other can read": Way(0o022, 0o755, is_member=False),
    "a folder that the other cannot read": Way(0o022, 0o750, is_member=False),
}


@dataclass
class Trial:
    """Calls in one folder, and what was wrong with them."""

    way: Way
    calls: int = 0
    well: int = 0
    said: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def check(self, right: bool, fault: str) -> None:
        if not right:
            self.faults.append(fault)

    def call(self, project: Project, name: str, *words: str, **config: object) -> None:
        """Type a command: it ends well, or says whose a file is; what it advises then helps."""
        done = self.typed(project, name, *words, **config)
        if done.returncode:
            self.check(self.is_named(done.stdout, name), f"{name}: {done.stdout[-800:]}")
            if not self.way.is_member:
                self.check(name == "ben", f"its owner is refused: {done.stdout[-800:]}")
                return
            subprocess.run(["chmod", "-R", "g+rwX", project.root], check=True)
            done = self.typed(project, name, *words, **config)
            self.check(done.returncode == 0, f"the advice does not help: {done.stdout[-800:]}")

    def typed(
        self, project: Project, name: str, *words: str, **config: object
    ) -> subprocess.CompletedProcess[str]:
        group = GROUP if name == "ann" or self.way.is_member else ACCOUNTS[name]
        # Where an account may not enter, its shell stays outside.
        done = subprocess.run(
            ["sh", "-c", 'cd "$0" && exec "$@"', project.root, *project.command(*words, **config)],
            text=True, timeout=PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            user=ACCOUNTS[name], group=group, extra_groups=[], umask=self.way.umask,
            env={**os.environ, "HOME": str(project.root.parent / name), "LOGNAME": name},
        )  # fmt: skip
        self.calls += 1
        self.well += done.returncode == 0
        return done

    def is_named(self, said: str, name: str) -> bool:
        """Whether a call says what is whose, and what to do."""
        (other,) = ACCOUNTS.keys() - {name}
        errors = [line for line in said.splitlines() if line.startswith("error: ")]
        self.said |= set(errors)
        named = any(f"belongs to {other}, and you are {name}: " in line for line in errors)
        return "Traceback" not in said and (named or "can't cd to" in said)


def shared(project: Project, way: Way) -> None:
    """Give a folder to the first account."""
    for path in [project.root, *project.root.rglob("*")]:
        os.chown(path, ACCOUNTS["ann"], GROUP, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(way.top if path.is_dir() else way.top & 0o666)


def bench(trial: Trial, folder: Path) -> None:
    """Each renders one weight more of one run."""
    with working(0.01) as (fake, work):
        project = make_project(folder / "project")
        fake.has_models(project.root / "models")
        lora = save_lora(folder / "style.safetensors")
        lora.chmod(0o644)
        shared(project, trial.way)
        for name, weights in (("ann", "0.4"), ("ben", "0.4,0.8"), ("ann", "0.4,0.8,0.9")):
            trial.call(project, name, seeds="1", comfy_url=fake.url, lora=lora, weights=weights)
        pictures = list(project.root.glob("runs/*/bench/w*/*.png"))
        right = len(pictures) == 4 and all(is_of(path, 1) for path in pictures)
        trial.check(right and set(work.renders.values()) == {1}, f"{pictures}, {work.renders}")
        trial.check(not left_over(project.root), f"left over: {left_over(project.root)}")


def trained(trial: Trial, folder: Path) -> None:
    """Each trains on one normalized set, the second another run, with which the first goes on."""
    project = make_project(folder / "project")
    project.add_set()
    shared(project, trial.way)
    for name, rank in (("ann", 2), ("ben", 4), ("ann", 4)):
        train = f"{{steps: 4, batch_size: 2, rank: {rank}}}"
        trial.call(project, name, "trained", **{**SMALL, "train": train})
    loras = sorted(project.root.glob("runs/*/train/*.safetensors"))
    trial.check(len(loras) == 2, f"trained: {loras}")
    for lora in loras:
        whole = TENSORS.setdefault(lora.name, tensors(lora))
        trial.check(tensors(lora) == whole, f"{lora}: other tensors")
    trial.check(not left_over(project.root), f"left over: {left_over(project.root)}")


TENSORS: dict[str, dict[str, bytes]] = {}
"""Those of each LoRA, by its name, as the first trial trained it."""
KINDS: dict[str, Callable[[Trial, Path], None]] = {"a run": bench, "a normalized set": trained}


def enter() -> None:
    """Make the accounts, and let them enter the folders of this Python; both here alone."""
    for path, rest in (("/etc/passwd", f"{GROUP}::/nonexistent:/bin/sh"), ("/etc/group", "")):
        lines = [f"{name}:x:{number}:{rest}\n" for name, number in ACCOUNTS.items()]
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(Path(path).read_text() + "".join(lines))
            file.flush()
            Path(file.name).chmod(0o644)
            mount("--bind", file.name, path)
    for place in (sys.executable, str(Path(sys.executable).resolve())):
        for folder in reversed(Path(place).parents):
            if not folder.stat().st_mode & 0o001:
                replace(folder, Path(place))


def replace(folder: Path, place: Path) -> None:
    """Put a folder that all may enter in place of one, with only the way to `place` in it."""
    below = folder / place.relative_to(folder).parts[0]
    with tempfile.TemporaryDirectory() as aside:
        mount("--bind", str(below), aside)
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))
        below.mkdir()
        mount("--move", aside, str(below))


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def run(way: str, kind: str) -> Trial:
    trial = Trial(WAYS[way])
    with tempfile.TemporaryDirectory(prefix="accounts_") as name:
        Path(name).chmod(0o755)
        for account, number in ACCOUNTS.items():
            home = Path(name, account)
            home.mkdir()
            os.chown(home, number, GROUP)
        KINDS[kind](trial, Path(name))
    return trial


def main() -> int:
    given = parser(__doc__, WAYS, 1, "of each kind").parse_args()
    if os.geteuid():
        print("skipped: only root can work as other accounts", file=sys.stderr)
        return 0
    if INSIDE not in os.environ:
        words = ["unshare", "--mount", sys.executable, "-m", "tests.faults.accounts", *sys.argv[1:]]
        return subprocess.run(words, env={**os.environ, INSIDE: "1"}).returncode
    enter()
    print("| shared | calls | ended well | found wrong |\n| --- | --- | --- | --- |")
    wrong = 0
    for way in given.kinds:
        for kind in KINDS:
            trial = run(way, kind)
            wrong += say(f"{kind}, {way}", trial.calls, trial.well, wrong=trial.faults)
            print(*sorted(trial.said), sep="\n", file=sys.stderr)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
