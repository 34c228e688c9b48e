"""The plans of a call, kept for its jobs on other machines.

These need no raw set, then; one that is edited while they wait would make another run of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from lorabench import files, layout
from lorabench.digests import digest
from lorabench.errors import UserError
from lorabench.run.plan import RunPlan, server_state
from lorabench.settings.models import SETTLED

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


def keep(store: Store, plans: Mapping[str, RunPlan], given: Mapping[str, Any]) -> None:
    """Keep the plans of the call with the settings `given`, without logins.

    Jobs have those in their environment.
    """
    public = {run_id: replace(plan, given_urls=()) for run_id, plan in plans.items()}
    store.write(_place(given), _kind().dump_json(public, exclude_defaults=True))


def kept(store: Store, given: Mapping[str, Any]) -> dict[str, RunPlan]:
    """Return the plans of the call that a job is of."""
    plans = _kind().validate_json(store.read(_place(given)), context=SETTLED)
    state = server_state(plans)
    return {run_id: replace(plan, server_state=state) for run_id, plan in plans.items()}


def drop(store: Store, given: Mapping[str, Any]) -> None:
    """Remove the plans of a call whose jobs have ended."""
    store.remove(_place(given))


def _place(given: Mapping[str, Any]) -> Path:
    return _FOLDER / f"{digest(dict(given))}.json"


@cache
def _kind() -> TypeAdapter[dict[str, RunPlan]]:
    return TypeAdapter(dict[str, RunPlan])
