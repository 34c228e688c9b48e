"""Record what a run or a sweep is made of, with versions, host and commit.

With --digests it also remembers the digests of large files for the next parse.
"""

import argparse
import importlib.metadata
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lorabench import cli
from lorabench.digests import Digests
from lorabench.run.record import RunRecord
from lorabench.settings.formats import reading
from lorabench.settings.records import Record
from lorabench.sweep.record import SweepRecord

_KINDS: dict[str, type[Record]] = {"run": RunRecord, "sweep": SweepRecord}
_PACKAGES = ("diffusers", "numpy", "peft", "pillow", "safetensors", "snakemake", "torch")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=_KINDS, help="what is recorded")
    parser.add_argument("--output", type=Path, required=True, help="the YAML to write")
    parser.add_argument("--contents", required=True, help="JSON to record")
    parser.add_argument("--digests", type=Path, help="memory of file digests to bring up to date")
    parser.add_argument("--of", type=Path, nargs="*", default=[], help="files or folders to digest")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Write the record, the memory of digests first."""
    kind = _KINDS[arguments.kind]
    with reading(arguments.output, f"the record of a {kind.what}"):
        record = kind.model_validate_json(arguments.contents)
    if arguments.digests:
        digests = Digests(arguments.digests)
        for path in arguments.of:
            digests.remember(path)
        digests.save()
    record.model_copy(update=_circumstances()).write(arguments.output)


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
