"""Record what a run or a sweep is made of, with versions, host and commit.

With --digests it also remembers the digests of large files for the next parse.
"""

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from lorabench import cli, files
from lorabench.digests import Digests
from lorabench.run.identity import one_trigger
from lorabench.settings.records import FORMAT

_PACKAGES = ("diffusers", "numpy", "peft", "pillow", "safetensors", "snakemake", "torch")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="run.yaml")
    parser.add_argument("--contents", type=_object, required=True, help="JSON to record")
    parser.add_argument("--digests", type=Path, help="memory of file digests to bring up to date")
    parser.add_argument("--of", type=Path, nargs="*", default=[], help="files or folders to digest")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Write the record, the memory of digests first."""
    if arguments.digests:
        digests = Digests(arguments.digests)
        for path in arguments.of:
            digests.remember(path)
        digests.save()
    record = {"format": FORMAT, **one_trigger(arguments.contents), **_circumstances()}
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    files.write_text(arguments.output, text)


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object")
    return content


def _circumstances() -> dict[str, Any]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "host": {"platform": platform.platform(), "processor": platform.processor()},
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
    }


def _commit() -> str | None:
    """Return the pipeline's own commit, `-dirty` where files differ; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
