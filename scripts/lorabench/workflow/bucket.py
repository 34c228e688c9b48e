"""What lies in a bucket and not on this disk: brought here where a call reads it.

With `--default-storage-provider s3`, Snakemake fetches and stores the files of the jobs. This is
for what is read besides: raw sets and records when the Snakefile is parsed, results at the end.
"""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path, PurePosixPath
from typing import Any, Concatenate, ParamSpec, TypeVar

from lorabench import files, layout
from lorabench.errors import UserError
from lorabench.layout import RunLayout
from lorabench.run import existing
from lorabench.run.plan import RunPlan
from lorabench.run.planning import make_plans, named_sets
from lorabench.settings.layers import merge, read_yaml
from lorabench.workflow import notes
from lorabench.workflow.seen import Seen, remembering

_NOTES = ".snakemake.json.gz"
"""In a run's folder, what Snakemake has noted."""
_BEGUN = ".snakemake.begun"
"""In a run's folder from the start of a call until it has ended in order."""
_SECONDS_BETWEEN_NOTES = 300
"""A killed machine costs the pictures of so long, and to read 10,000 notes takes a second."""
_OF_CELLS = re.compile(r"w-?\d+\.\d\d")
_READ = frozenset({".yaml", ".json", ".csv", ".html", ".md"})
"""What is brought of a run; of its LoRAs it is only known that they are there."""
_IN_RUN = ("", "train", "bench")
_PREFIX = re.compile(r"s3://[^/]+(/.*)?")
_MEANING = {
    "NoSuchBucket": "there is no such bucket: mend --default-storage-prefix, or make it",
    "403": "the keys in SNAKEMAKE_STORAGE_S3_ACCESS_KEY and SNAKEMAKE_STORAGE_S3_SECRET_KEY are "
    "not the right ones, or must not do that there",
    "NoCredentialsError": "give the keys in SNAKEMAKE_STORAGE_S3_ACCESS_KEY and "
    "SNAKEMAKE_STORAGE_S3_SECRET_KEY, or by `aws configure`",
}
"""What to do, by the code of an answer, its status or the error without one."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _reached(
    method: Callable[Concatenate["Bucket", Arguments], Result],
) -> Callable[Concatenate["Bucket", Arguments], Result]:
    """Have a method raise `UserError` for what goes wrong on the way to the bucket."""

    @wraps(method)
    def asked(bucket: "Bucket", *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        from boto3.exceptions import Boto3Error  # with the plugin, which only a bucket needs
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return method(bucket, *args, **kwargs)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise UserError(f"{bucket.url}: {_said(error)}") from None

    return asked


def _said(error: Exception) -> str:
    """Return what an error on the way to a bucket means, or the error's own words."""
    answer: Mapping[str, Any] = getattr(error, "response", {})
    status = str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    keys = (answer.get("Error", {}).get("Code"), status, type(error).__name__)
    meant = next((_MEANING[key] for key in keys if key in _MEANING), "")
    return f"{meant} ({error})" if meant else str(error)


class Bucket:
    """The files of the project that lie under a prefix of a bucket, by their usual paths."""

    def __init__(self, provider: Any, prefix: str) -> None:
        """Take Snakemake's storage `provider`, with its login, and `s3://bucket/prefix`."""
        self.url = prefix.rstrip("/")
        name, _, self._within = self.url.removeprefix("s3://").partition("/")
        self._bucket = provider.s3c.Bucket(name)
        self.copies = f"{provider.local_prefix / name / self._within}/"
        """Where the jobs on this machine find them."""
        self._seen = Seen()
        kind = remembering(provider.get_storage_object_cls(), self._seen)
        provider.get_storage_object_cls = lambda: kind
        self._over = threading.Event()
        self._sending: threading.Thread | None = None

    @_reached
    def plans(self, given: Mapping[str, Any], defaults: Path) -> dict[str, RunPlan]:
        """Return `make_plans` over raw sets and runs that lie in the bucket."""
        settings = merge(read_yaml(defaults), given)
        if settings.get("epochs") not in (None, "last"):
            raise UserError(
                "epochs: the states that a training keeps on its way are not stored in a bucket; "
                "leave epochs out, or work without --default-storage-provider"
            )
        missing = [
            name
            for name in sorted(named_sets(given, defaults))
            if not sum(self._bring_set(layout.raw_set(kind, name)) for kind in layout.PROFILES)
        ]
        if run_id := settings.get("run_id"):
            loras = {".safetensors"} if settings.get("lora") else set()  # are they the same?
            self.bring(RunLayout("", "", str(run_id), ""), _READ | loras)
        try:
            plans = make_plans(given, defaults)  # which runs they are is in the raw sets
        except UserError as error:
            there = f"{self.url}/{layout.RAW}"
            if not missing:
                raise
            raise UserError(
                f"{error} {there} has no {' or '.join(missing)}: mend --default-storage-prefix, or "
                f"send it: aws s3 sync {layout.RAW} {there}"
            ) from None
        for plan in plans.values():
            self.bring(plan.paths)
        return make_plans(given, defaults)

    @_reached
    def read(self, path: Path) -> bytes:
        """Return what a file in the bucket holds."""
        return self._object(path).get()["Body"].read()

    @_reached
    def write(self, path: Path, data: bytes) -> None:
        """Store a file."""
        self._object(path).put(Body=data)

    @_reached
    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        self._object(path).delete()

    def share(self) -> None:
        """Expect files of other machines from now on."""
        self._seen.look_again()

    @_reached
    def bring(self, run: RunLayout, kinds: Collection[str] = _READ) -> list[Path]:
        """Bring what is read of a run and of its set, and note which files there are besides.

        Return those of a killed call that are in no note; they count as missing.
        """
        read = {*(run.root / name for name in _IN_RUN), run.normalized}
        listed = self._listed(run.root)
        noted = run.root / _NOTES
        if noted in listed and _bring(listed[noted], noted):
            notes.unpack(noted.read_bytes())
        unknown = self._unknown(run, listed)
        for path in unknown:
            del listed[path]
            self._seen.forget(self._key(path))
        if run.normalized_id:
            listed |= self._listed(run.normalized)
        for path, found in listed.items():
            existing.note(path)
            if path.suffix == layout.WHOLE:
                existing.note(path.with_suffix(""))
            if path.suffix in kinds and path.parent in read:
                _bring(found, path)
        return unknown

    @_reached
    def begin(self, plans: Collection[RunPlan]) -> None:
        """Sign that a call begins, and from now on store its notes now and then."""
        for plan in plans:
            sign = plan.paths.root / _BEGUN
            if not self._seen.find(self._key(sign)):  # that of a killed call stays
                self._object(sign).put(Body=b"")
        self._sending = threading.Thread(target=self._keep_sending, args=[plans], daemon=True)
        self._sending.start()

    @_reached
    def settle(self, plans: Collection[RunPlan]) -> None:
        """Bring the results here, and keep there what Snakemake has noted."""
        self._over.set()
        if self._sending:
            self._sending.join()
        for plan in plans:
            unknown = self.bring(plan.paths)
            self.send_notes(plan)
            sign = plan.paths.root / _BEGUN
            if not unknown and self._seen.find(self._key(sign)):
                self._object(sign).delete()
                self._seen.forget(self._key(sign))

    @_reached
    def send_notes(self, plan: RunPlan) -> None:
        """Store what Snakemake has noted of a run's files, and of those of its sets."""
        folders = [plan.paths.root, *(one.folder for one in plan.sets)]
        if packed := notes.packed(f"{self.url}/{folder}/" for folder in folders):
            self.write(plan.paths.root / _NOTES, packed)

    @_reached
    def send(self, paths: Iterable[Path]) -> None:
        """Store those of these files that exist."""
        for path in paths:
            if path.exists():
                self._object(path).upload_file(str(path))

    def _keep_sending(self, plans: Collection[RunPlan]) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_NOTES):
            for plan in plans:
                with suppress(UserError, OSError):  # the end of the call says it
                    self.send_notes(plan)

    def _unknown(self, run: RunLayout, listed: Mapping[Path, Any]) -> list[Path]:
        """Return what was stored since a call began that has not ended, and is in no note."""
        if not (sign := listed.get(run.root / _BEGUN)):
            return []
        late = {
            path: found.last_modified.timestamp()
            for path, found in listed.items()
            if found.last_modified >= sign.last_modified
            and (_OF_CELLS.fullmatch(path.parent.name) or path in (run.sweep, run.graph))
        }
        noted = notes.times(f"{self.url}/{run.root}/") if late else {}
        return [path for path, at in late.items() if noted.get(f"{self.url}/{path}", 0) < at]

    def _bring_set(self, folder: Path) -> int:
        """Bring a raw set and return its number of files; a file here that differs is refused.

        It is the user's own, so it is never written.
        """
        found = self._listed(folder)
        here = [path for path in folder.rglob("*") if path.is_file()]
        if alone := sorted(path for path in here if path not in found):
            raise UserError(
                f"raw_set: {alone[0]} is here and not in the bucket, where raw sets are read from; "
                f"move it away, or send it: aws s3 sync {folder} {self.url}/{folder}"
            )
        if other := sorted(path for path in here if not _is_same(found[path], path)):
            there = f"{self.url}/{other[0]}"
            raise UserError(
                f"raw_set: {other[0]} differs from the bucket's, and raw sets are read from there; "
                f"send it: aws s3 cp {other[0]} {there}; or remove it here, to work with the other"
            )
        for path in found.keys() - set(here):
            _bring(found[path], path)
        return len(found)

    def _listed(self, folder: Path) -> dict[Path, Any]:
        """Return the files in a folder by their paths."""
        prefix = f"{self._key(folder)}/"
        files = [one for one in self._bucket.objects.filter(Prefix=prefix) if one.key[-1] != "/"]
        self._seen.note_all(files, prefix.rstrip("/"))
        return {folder / one.key.removeprefix(prefix): one for one in files}

    def _object(self, path: Path) -> Any:
        return self._bucket.Object(self._key(path))

    def _key(self, path: Path) -> str:
        return str(PurePosixPath(self._within, path.as_posix()))


def find(workflow: Any) -> Bucket | None:
    """Return the bucket that a call of Snakemake reads and writes; None: this disk."""
    settings = workflow.storage_settings
    provider = settings and settings.default_storage_provider
    prefix = (settings and settings.default_storage_prefix) or ""
    if not provider and not prefix:
        return None
    if provider != "s3":
        raise UserError(
            f"--default-storage-provider: {provider or 'is missing beside the prefix'}; allowed is "
            "s3; leave both out to work on this disk"
        )
    if not _PREFIX.fullmatch(prefix):
        raise UserError(
            f"--default-storage-prefix: {prefix or 'is missing'}; give the bucket, and a folder in "
            "it if you like, such as s3://my-bucket/lora"
        )
    return Bucket(workflow.storage_registry.default_storage_provider, prefix)


def _is_same(found: Any, path: Path) -> bool:
    """Whether a file here is the bucket's by its content; times do not count."""
    if path.stat().st_size != found.size:
        return False
    if path.stat().st_mtime == found.last_modified.timestamp():
        return True  # it was brought
    content = path.read_bytes()
    # An ETag is the MD5 of what was sent in one piece and not encrypted.
    own = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return found.e_tag.strip('"') == own or found.get()["Body"].read() == content


def _bring(found: Any, path: Path) -> bool:
    """Bring a file, unless the same is here: of the same size and time; return whether it was."""
    stamp = found.last_modified.timestamp()
    if path.exists() and (path.stat().st_size, path.stat().st_mtime) == (found.size, stamp):
        return False
    with files.publish(path) as temporary:
        found.Object().download_file(str(temporary))
        os.utime(temporary, (stamp, stamp))
    return True
