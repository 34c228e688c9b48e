"""What the older command line asks for, in the words of the pipeline."""

import argparse
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from lorabench import cli
from lorabench.errors import UserError
from lorabench.run.plan import RunPlan


def check(options: argparse.Namespace) -> None:
    """Raise `UserError` for options that do not go together, or lack one."""
    if options.skip_train and options.skip_bench:
        raise UserError("--skip-train and --skip-bench together leave nothing to do")
    if options.skip_train and options.resize:
        raise UserError("--resize makes pictures to train on, which --skip-train leaves out")
    if not options.bench_workflow and not options.skip_bench:
        raise UserError(
            "--bench-workflow is required, such as config/workflows/drawnworld_lora_bench.json; "
            "only --skip-bench does without"
        )
    if options.fix_owner and not Path(options.fix_owner_bash).is_file():
        raise UserError(f"--fix-owner-bash: there is no file {options.fix_owner_bash}")


def settings(
    options: argparse.Namespace, now: datetime, configured: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings that the options mean; what was not given is left out.

    The older command line knows no trainer: a server's URL means the author's own programs, and
    so kohya, unless `configured`, what config.yaml says, has one.
    """
    trainer = "embedded" if options.comfy_url == "embedded" else "kohya"
    if options.run_lora_bash:
        trainer = "kohya"
    elif "trainer" in configured:
        trainer = None
    programs = {"run_lora": options.run_lora_bash, "resize": options.resize_script}
    # Before there was a verdict, a ComfyUI drew the workflow's prompt alone.
    narrow = {} if options.comfy_url == "embedded" else {"prompts": [], "probe": "off"}
    given = {
        **{key: value for key, value in narrow.items() if configured.get(key) is None},
        "raw_set": options.raw_set,
        "profile": options.profile,
        "run_id": options.run_id or (None if options.skip_train else f"{now:%Y%m%d_%H%M%S}"),
        "weights": options.weights,
        "seeds": options.seeds,
        "comfy_url": options.comfy_url,
        "bench_workflow": options.bench_workflow,
        "positive": options.positive,
        "negative": options.negative,
        "batch_size": options.batch_size,
        "trainer": trainer,
        "skip_train": options.skip_train,
        "lora_install_dir": options.lora_install_dir,
        "programs": {name: path for name, path in programs.items() if path},
    }
    return {key: value for key, value in given.items() if value is not None}


def calls(options: argparse.Namespace, plan: RunPlan) -> list[list[str]]:
    """Return the words of each Snakemake call; asks the user before a set is made again.

    Making it again is a call of its own: where a forced job leads on by ancient inputs alone,
    Snakemake overlooks all that is missing behind them. Raises `UserError`: there is no normalized
    set and none is to be made, or an existing one was not to be made again.
    """
    everything = [["trained"] if options.skip_bench else []]
    if options.skip_train:
        return everything
    folder = plan.paths.normalized
    if not options.resize:
        _check_normalized(folder)
        return everything
    if not folder.exists():
        return everything
    if not options.yes:
        _ask(folder)
    return [["dataset", "--forcerun", "normalize_dataset"], *everything]


def _check_normalized(folder: Path) -> None:
    if not folder.exists():
        raise UserError(
            f"there is no normalized set {folder}: these pictures have not been normalized with "
            "these settings; give --resize"
        )
    if lacking := _lacking(folder):
        raise UserError(f"{lacking}; give --resize --yes, and the set is made again")


def _lacking(folder: Path) -> str:
    """Return what is gone from a normalized set, in words; empty where it is whole."""
    for name in ("images", "preprocess_log.csv", "rejected"):
        if not (folder / name).exists():
            return f"the normalized set {folder} has no {name}: something has removed it"
    return ""


def _ask(folder: Path) -> None:
    lacking = _lacking(folder)
    state = lacking or f"the normalized set {folder} exists"
    if not sys.stdin.isatty():
        use = "" if lacking else "leave --resize out to use it, or "
        raise UserError(f"{state}; {use}give --yes to make it again")
    if not cli.agreed(f"{state}. Make it again?"):
        use = "" if lacking else "; leave --resize out to use it"
        raise UserError(f"{folder} was left as it is{use}")
