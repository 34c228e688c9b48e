"""The plans of a call, kept for its jobs on other machines.

These need no raw set, then; one that is edited while they wait would make another run of them.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from lorabench import files, layout
from lorabench.errors import UserError
from lorabench.run.plan import RunPlan
from lorabench.run.planning import server_state
from lorabench.settings.models import SETTLED

VARIABLE = "LORABENCH_PLANS"
"""The environment variable with the name of a call's plans; the Snakefile hands it to the jobs."""
_FOLDER = layout.RUNS / ".plans"


class Store(Protocol):
    """Where all machines of a call read and write."""

    def read(self, path: Path) -> bytes:
        """Return what a file holds; raises `UserError`."""
        ...

    def write(self, path: Path, data: bytes) -> None:
        """Write a file, whole or not at all; raises `UserError`."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there; raises `UserError`."""
        ...


class Disk:
    """A disk that all machines see."""

    def read(self, path: Path) -> bytes:
        """Return what a file holds."""
        try:
            return path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}; start the call again") from None

    def write(self, path: Path, data: bytes) -> None:
        """Write a file."""
        try:
            files.write_bytes(path, data)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from None

    def remove(self, path: Path) -> None:
        """Remove a file."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from None


def announce(plans: Mapping[str, RunPlan]) -> None:
    """Name the plans of this call for its jobs.

    The name is a digest of the content: the same command over an edited raw set, or with another
    config.yaml, has other plans, and the jobs of both may be under way.
    """
    os.environ[VARIABLE] = hashlib.sha256(_content(plans)).hexdigest()


def keep(store: Store, plans: Mapping[str, RunPlan]) -> None:
    """Keep the plans of this call."""
    store.write(_place(), _content(plans))


def kept(store: Store) -> dict[str, RunPlan]:
    """Return the plans of the call that a job is of."""
    plans = _kind().validate_json(store.read(_place()), context=SETTLED)
    state = server_state(plans)
    return {run_id: replace(plan, server_state=state) for run_id, plan in plans.items()}


def drop(store: Store) -> None:
    """Remove the plans of this call, whose jobs have ended."""
    store.remove(_place())


def _place() -> Path:
    return _FOLDER / f"{os.environ[VARIABLE]}.json"


def _content(plans: Mapping[str, RunPlan]) -> bytes:
    """Return plans without logins: jobs have those in their environment."""
    public = {run_id: replace(plan, given_urls=()) for run_id, plan in plans.items()}
    return _kind().dump_json(public, exclude_defaults=True)


@cache
def _kind() -> TypeAdapter[dict[str, RunPlan]]:
    return TypeAdapter(dict[str, RunPlan])
