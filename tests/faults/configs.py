"""Plan runs by spoilt settings and command lines: each mistake is named, and nothing is written."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import yaml

from lorabench.errors import UserError
from lorabench.run import notes
from lorabench.run.planning import make_plans
from lorabench.settings.models import Config
from lorabench.settings.validation import keys
from lorabench.workflow import commands, targets
from lorabench.workflow.older import options as older
from tests.faults import harness, mutate
from tests.loras import save_lora
from tests.project import make_project

SET = "some_set"
GOOD: dict[str, Any] = {
    "raw_set": SET,
    "profile": "style",
    "weights": [0.4, 0.8],
    "seeds": [1, 2],
    "train": {"rank": 8, "alpha": 4.0, "steps": 20, "kohya_args": {}},
    "preprocess": {"resolution": 128, "background": "#ffffff"},
    "bench": {"timeout": 60, "checkpoint": None},
    "verdict": {"style": 0.2},
    "kohya": {"paths": {"datasets": "/dataset"}},
    "prompts": ["a cat", "a dog, {trigger}"],
    "comfy_url": ["http://name:passw0rd@127.0.0.1:8188"],
    "positive": "{trigger}, a cat",
    "lora_install_dir": "models/loras",
}
MORE: tuple[Mapping[str, Any], ...] = (
    {},
    {"lora": "given.safetensors", "training_set": "datasets/raw/style/some_set", "raw_set": None},
    {"matrix": {"rank": [4, 8], "unet_lr": [1e-3, 2e-3]}},
    {"matrix": "runs.csv"},
    {"search": "auto", "pictures": 20, "epochs": "last"},
    {"train": {"steps": 20, "save_every_epochs": 1}, "epochs": [1, 2]},
    {"reg_set": SET, "trainer": "kohya"},
)
_OPTIONS = ("raw-set", "profile", "run-id", "bench-workflow", "weights", "seeds", "positive",
            "negative", "batch-size", "comfy-url", "lora-install-dir")  # fmt: skip


_TYPED = (
    *("{", "[", "{a: b", "!!python/object:os.system x", "*a", "&a [*a]", "2026-13-45"),
    *("{rank: 8}", "{rank: }", "{rnak: 8}", "0,4", "1..2", "1e9", "all", "5000"),
)


def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield config files, settings as Snakemake reads them, and options."""
    every = list(keys(Config))
    for number in range(cases):
        dice = Random(f"{seed} {number}")
        good = {**GOOD, **dice.choice(MORE)}
        how = dice.randrange(6)
        if how == 0:
            text = yaml.safe_dump(good, allow_unicode=True).encode()
            yield f"{number}, file", ("file", mutate.spoil(text, dice))
        elif how == 1:
            words = [f"{dice.choice(every)}={_typed(dice)}" for _ in range(dice.choice((1, 2)))]
            yield f"{number}, --config", ("words", [f"raw_set={SET}", *words])
        elif how == 2:
            options = [f"--{dice.choice(_OPTIONS)}={_typed(dice)}" for _ in range(2)]
            base = [
                f"--raw-set={SET}",
                "--bench-workflow=config/workflows/drawnworld_lora_bench.json",
            ]
            yield f"{number}, pipeline_run.py", ("options", [*base, "--resize", *options])
        elif how == 3:
            key = dice.choice(every)
            section, _, name = key.rpartition(".")
            value = dice.choice(mutate.ODD)
            inner = {**good.get(section, {}), name: value} if section else value
            yield f"{number}, {key}", ("given", {**good, section or key: inner})
        elif how == 4:
            yield f"{number}, a misspelt key", ("misspelt", _misspelt(good, every, dice))
        else:
            yield f"{number}, values", ("given", mutate.bend(good, dice))


def _typed(dice: Random) -> str:
    value = dice.choice((*mutate.ODD, *_TYPED))
    return str(value).replace("\x00", "")


def _misspelt(good: Mapping[str, Any], every: list[str], dice: Random) -> dict[str, Any]:
    """Return settings with a key that is none, mostly with an empty value."""
    section, _, name = dice.choice(every).rpartition(".")
    at = dice.randrange(len(name) - 1) if len(name) > 1 else 0
    wrong = name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]
    wrong = f"{name}x" if wrong == name else wrong
    value = dice.choice((None, None, "", 1, {}))
    if section:
        return {**good, section: {**good.get(section, {}), wrong: value}}
    return {**good, wrong: value}


def prepare(folder: Path) -> None:
    """Make a project with a set, a LoRA and a sheet."""
    global _project, _before
    root = Path(tempfile.mkdtemp(dir=folder)) / "project"
    _project = make_project(root)
    _project.add_set(SET)
    _project.add_set("[odd] set's", 2)
    save_lora(root / "given.safetensors")
    (root / "runs.csv").write_text("rank,unet_lr\n4,1e-3\n8,2e-3\n")
    os.chdir(root)
    _before = _project.files()


_project: Any = None
_before: dict[str, Any] = {}


def attempt(folder: Path, case: tuple[str, Any]) -> None:
    """Plan what the settings ask for, and all that the rules ask a plan for."""
    kind, content = case
    try:
        _plan(kind, _given(kind, content))
    finally:
        assert _project.files() == _before, "planning has written files"


def _plan(kind: str, given: dict[str, Any]) -> None:
    plans = make_plans(given, Path("config/config.yaml"))
    if kind == "misspelt":
        raise AssertionError(f"a misspelt key is accepted: {given}")
    for plan in plans.values():
        for path in (plan.paths.root, plan.paths.normalized, plan.paths.lora):
            inside = path.absolute().resolve().is_relative_to(Path.cwd().resolve())
            assert inside, f"{path} is outside of the project"
        assert "passw0rd" not in repr((plan.record, plan.sweep)), "a password is recorded"
        notes.notes(plan)
        targets.results(plan)
        for part in plan.by_folder:
            commands.cell(plan, part)


def _given(kind: str, content: Any) -> dict[str, Any]:
    if kind == "file":
        return _of_file(content)
    if kind == "words":
        from snakemake.cli import parse_config

        try:
            return parse_config(content)
        except Exception as error:  # Snakemake's own messages
            raise UserError(str(error)) from None
    if kind == "options":
        import pipeline_run

        options = pipeline_run.parser().parse_args(content)
        older.check(options)
        return older.settings(options, datetime(2026, 1, 31), {})
    return content


def _of_file(data: bytes) -> dict[str, Any]:
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # Snakemake's own messages
        raise UserError(str(error)) from None
    if not isinstance(found, dict):
        raise UserError("Snakemake wants a mapping")
    return found


TRIAL = harness.Trial(
    "configs and command lines", make, attempt, prepare, seconds=30, megabytes=600
)

if __name__ == "__main__":
    sys.exit(harness.main(TRIAL, 500))
