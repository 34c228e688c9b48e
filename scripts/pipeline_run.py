"""Train a LoRA and bench it: the older command line, which runs the Snakemake workflow.

Start it in the project's folder. The exit status is the workflow's. Everything finer (the base
model, rank, steps, ...) is set in config/config.yaml.
"""

import argparse
import difflib
import logging
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from lorabench import cli
from lorabench.errors import UserError
from lorabench.run.plan import RunPlan
from lorabench.run.planning import make_plans
from lorabench.settings import servers
from lorabench.settings.layers import read_yaml
from lorabench.workflow import job_logs
from lorabench.workflow.older import call
from lorabench.workflow.older import options as older

ROOT = Path(__file__).resolve().parent.parent

log = logging.getLogger("lorabench")


def main(options: argparse.Namespace) -> int:
    """Check what can be checked, run the workflow, and return its exit status."""
    if Path.cwd() != ROOT:
        raise UserError(f"start it in {ROOT}: paths in datasets/, runs/ and output/ begin there")
    older.check(options)
    if options.fix_owner:
        # What is root's could neither be read nor replaced. What became of it is said at the end.
        _fix_owner(options.fix_owner_bash, stdout=subprocess.DEVNULL)
    file = ROOT / "config" / "config.yaml"
    config = older.settings(options, datetime.now(), read_yaml(file))
    (plan,) = make_plans(config, file).values()
    calls = older.calls(options, plan)
    servers.lend(plan.given_urls)
    config["comfy_url"] = list(plan.config.comfy_url)  # a file holds no login
    start = time.time()
    with call.command(config) as command:
        status = _run_all([[*command, *words] for words in calls])
    owned = not options.fix_owner or _fix_owner(options.fix_owner_bash)
    _say_how_it_went(plan, status, start)
    return status or int(not owned)


def _run_all(commands: Sequence[Sequence[str]]) -> int:
    """Run one after the other up to the first that fails; return the last one's exit status."""
    for command in commands:
        if status := call.run(command):
            return status
    return 0


def _fix_owner(program: str, stdout: int | None = None) -> bool:
    """Run the program that gives the folders back; return whether it did."""
    command = [sys.executable if program.endswith(".py") else "bash", program]
    done = subprocess.run(command, stdout=stdout)
    if done.returncode:
        log.error("error: --fix-owner: %s failed (exit status %d)", program, done.returncode)
    return not done.returncode


def _say_how_it_went(plan: RunPlan, status: int, start: float) -> None:
    """Say last, below all that Snakemake prints, where the LoRA is or how to go on."""
    if not status:
        log.info("The LoRA: %s", plan.paths.lora)
        return
    run_id = plan.paths.run_id
    if job_logs.written(plan.paths.logs, start):
        log.error("Run %s did not finish; its logs: %s", run_id, plan.paths.logs)
    else:
        log.error("Run %s did nothing: the message above says why", run_id)
    log.error("To go on with it, type the command again with --run-id %s", shlex.quote(run_id))


class _Parser(argparse.ArgumentParser):
    """A parser that names the nearest option where one is misspelt."""

    def error(self, message: str) -> NoReturn:
        """Print the message and end."""
        known = [option for action in self._actions for option in action.option_strings]
        for word in re.findall(r"--[\w-]+", message.partition("unrecognized arguments")[2]):
            if near := difflib.get_close_matches(word, known, 1):
                message += f"; did you mean {near[0]} instead of {word}?"
        super().error(message)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = _Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="A value that begins with - takes an equals sign: --weights=-0.5,0.5",
    )
    add = parser.add_argument_group("what to train").add_argument
    add("--raw-set", required=True, metavar="NAME",
        help="folder under datasets/raw/{style,characters}/")  # fmt: skip
    add("--profile", metavar="{style,char}", help="style or char (default: style)")
    add("--run-id", metavar="NAME", help="name of the run (default: now, YYYYMMDD_HHMMSS)")

    add = parser.add_argument_group("benchmark").add_argument
    add("--bench-workflow", metavar="JSON",
        help="workflow, in API or GUI format; required unless --skip-bench")  # fmt: skip
    add("--weights", metavar="LIST", help="LoRA strengths (default: 0.4,0.6,0.8)")
    add("--seeds", metavar="LIST", help="seeds (default: 123456789)")
    add("--positive", metavar="TEXT", help="replaces the workflow's prompt")
    add("--negative", metavar="TEXT", help="replaces the workflow's negative prompt")
    add("--batch-size", metavar="N", help="pictures per cell (default: 1)")
    add("--comfy-url", metavar="URL", default="http://127.0.0.1:8188",
        help="ComfyUI, or several, separated by commas; embedded: no ComfyUI and no kohya, all "
        "with the built-in server and trainer (default: %(default)s)")  # fmt: skip
    add("--lora-install-dir", metavar="DIR",
        help="the folder that ComfyUI lists LoRAs from (default: models/loras)")  # fmt: skip

    add = parser.add_argument_group("stages").add_argument
    add("--resize", action="store_true",
        help="normalize first; without it the normalized set has to be there")  # fmt: skip
    add("--yes", action="store_true", help="make a normalized set again without asking")
    add("--skip-train", action="store_true", help="bench the LoRA that --run-id has")
    add("--skip-bench", action="store_true", help="stop after training")
    add("--fix-owner", action="store_true",
        help="give datasets/ and output/ back to you, first and last: Docker leaves them "
        "to root")  # fmt: skip

    add = parser.add_argument_group(
        "programs", "others with the same interface; a .py is run with python, all else with bash"
    ).add_argument
    add("--run-lora-bash", metavar="FILE",
        help="trains, with --comfy-url embedded too (default: scripts/run_lora.bash)")  # fmt: skip
    add("--resize-script", metavar="FILE",
        help="normalizes (default: scripts/resize_dataset.py)")  # fmt: skip
    add("--fix-owner-bash", metavar="FILE", default="scripts/fix_datasets_owner.bash",
        help="gives the folders back (default: %(default)s)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
