"""What lies in a bucket and not on this disk: brought here where a call reads it.

With `--default-storage-provider s3`, Snakemake fetches and stores the files of the jobs. This is
for what is read besides: raw sets and records when the Snakefile is parsed, results at the end.
"""

import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from lorabench import layout
from lorabench.digests import digest
from lorabench.errors import UserError
from lorabench.run import existing
from lorabench.run.plan import RunPlan, make_plans, named_sets, server_state

_PLANS = layout.RUNS / ".plans"
_READ = frozenset({".yaml", ".json", ".csv", ".html", ".md"})
"""What is brought of a run; of its LoRAs it is only known that they are there."""
_IN_RUN = ("", "train", "bench")


class Bucket:
    """The files of the project that lie under a prefix of a bucket, by their usual paths."""

    def __init__(self, provider: Any, prefix: str) -> None:
        """Take Snakemake's storage `provider`, with its login, and `s3://bucket/prefix`."""
        self.url = prefix.rstrip("/")
        name, _, self._within = self.url.removeprefix("s3://").partition("/")
        self._bucket = provider.s3c.Bucket(name)
        self.copies = f"{provider.local_prefix / name / self._within}/"
        """Where the jobs on this machine find them."""

    def plans(self, given: Mapping[str, Any], defaults: Path) -> dict[str, RunPlan]:
        """Return `make_plans` over raw sets and runs that lie in the bucket."""
        for name in named_sets(given, defaults):
            for profile in layout.PROFILES:
                self._bring_set(layout.raw_set(profile, name))
        if run_id := given.get("run_id"):
            self.bring_run(layout.RUNS / str(run_id))
        for plan in make_plans(given, defaults).values():  # which runs they are is in the raw sets
            self.bring_run(plan.paths.root)
        plans = make_plans(given, defaults)
        if any(plan.config.epochs != "last" for plan in plans.values()):
            raise UserError(
                "epochs: the states that a training keeps on its way are not stored in a bucket; "
                "leave epochs out, or work without --default-storage-provider"
            )
        return plans

    def keep(self, plans: Mapping[str, RunPlan], given: Mapping[str, Any]) -> None:
        """Store the plans for the jobs on other machines, which then need no raw set; no login."""
        public = {run_id: replace(plan, given_urls=()) for run_id, plan in plans.items()}
        self._object(_plans_of(given)).put(Body=pickle.dumps(public))

    def kept(self, given: Mapping[str, Any]) -> dict[str, RunPlan]:
        """Return the plans of the call that a job is of."""
        plans = pickle.loads(self._object(_plans_of(given)).get()["Body"].read())
        return {
            run_id: replace(plan, server_state=server_state(plans))
            for run_id, plan in plans.items()
        }

    def bring_run(self, root: Path) -> None:
        """Bring what is read of a run, and note which files it has besides."""
        for folder in _IN_RUN:
            for path, found in self._listed(root / folder, flat=True):
                existing.note(path)
                if path.suffix in _READ:
                    _bring(found, path)

    def send(self, paths: Iterable[Path]) -> None:
        """Store those of these files that exist."""
        for path in paths:
            if path.exists():
                self._object(path).upload_file(str(path))

    def _bring_set(self, folder: Path) -> None:
        """Bring a raw set; one that lies here alone, or has more files here, is refused."""
        found = dict(self._listed(folder))
        here = [path for path in folder.rglob("*") if path.is_file()]
        if alone := sorted(path for path in here if path not in found):
            raise UserError(
                f"raw_set: {alone[0]} is here and not in the bucket, where raw sets are read from; "
                f"move it away, or send it: aws s3 sync {folder} {self.url}/{folder}"
            )
        for path, one in found.items():
            _bring(one, path)

    def _listed(self, folder: Path, flat: bool = False) -> Iterator[tuple[Path, Any]]:
        """Yield the files in a folder by their paths; `flat` leaves its subfolders out."""
        prefix = f"{self._key(folder)}/"
        apart = {"Delimiter": "/"} if flat else {}
        for found in self._bucket.objects.filter(Prefix=prefix, **apart):
            if within := found.key.removeprefix(prefix):
                yield folder / within, found

    def _object(self, path: Path) -> Any:
        return self._bucket.Object(self._key(path))

    def _key(self, path: Path) -> str:
        return str(PurePosixPath(self._within, path.as_posix()))


def find(workflow: Any) -> Bucket | None:
    """Return the bucket that a call of Snakemake reads and writes; None: this disk."""
    settings = workflow.storage_settings
    if not settings or settings.default_storage_provider != "s3":
        return None
    provider = workflow.storage_registry.default_storage_provider
    return Bucket(provider, settings.default_storage_prefix)


def _plans_of(given: Mapping[str, Any]) -> Path:
    return _PLANS / f"{digest(dict(given))}.pickle"


def _bring(found: Any, path: Path) -> None:
    """Bring a file, unless the same is here: of the same size and time."""
    stamp = found.last_modified.timestamp()
    if path.exists() and (path.stat().st_size, path.stat().st_mtime) == (found.size, stamp):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    found.Object().download_file(str(temporary))
    os.utime(temporary, (stamp, stamp))
    temporary.replace(path)
