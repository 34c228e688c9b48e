"""Identify a run by digests of its data and settings, and make its run_id of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench.dataset.raw import RawSet
from lorabench.digests import Digests, digest, model_digest, name_within
from lorabench.errors import UserError
from lorabench.settings.mappings import flat
from lorabench.settings.models import Config, PreprocessSettings

_DIGITS = 8
WITHOUT_EFFECT = ("save_every_epochs",)
"""Settings of the training that do not change the LoRA, and may change later."""


@dataclass(frozen=True)
class Identity:
    """The contents of a run, and the two names made of them."""

    contents: dict[str, Any]
    run_id: str
    normalized_id: str
    older_run_id: str | None = None
    """The run's name in version 0.1, if it differs."""


def identify(config: Config, raw: RawSet, digests: Digests, reg: RawSet | None = None) -> Identity:
    """Return the identity of the run that `config` describes over the raw set `raw`.

    `reg` are its regularization pictures. Pure: it reads files and writes nothing. Settings at
    their default are left out, so that a later version with one more setting finds the same run.
    """
    base = Path(config.base_model)
    contents = {
        "raw": _contents(raw, digests),
        **({"reg": _contents(reg, digests)} if reg else {}),
        "profile": config.profile,
        "preprocess": config.preprocess.model_dump(mode="json", exclude_defaults=True),
        "trainer": config.trainer,
        "train": config.train.model_dump(
            mode="json", exclude_defaults=True, exclude=set(WITHOUT_EFFECT)
        ),
        "base_model": _model(base, digests),
        **({"models": _models(config, digests)} if config.models else {}),
    }
    older = {**contents, "train": config.train.model_dump(mode="json", exclude_defaults=True)}
    return Identity(
        contents=contents,
        run_id=config.run_id or _derived(config, contents),
        normalized_id=normalized_id(raw, config.preprocess, digests),
        older_run_id=None if config.run_id or older == contents else _derived(config, older),
    )


def normalized_id(raw: RawSet, settings: PreprocessSettings, digests: Digests) -> str:
    """Return the name that a normalized set has of its content."""
    how = settings.model_dump(mode="json", exclude_defaults=True)
    return digest({"raw": _contents(raw, digests), "preprocess": how})[:_DIGITS]


def _model(path: Path, digests: Digests) -> dict[str, str]:
    return {"name": path.name, "digest": model_digest(path, digests)}


def _models(config: Config, digests: Digests) -> dict[str, dict[str, str]]:
    """Return the files that the training reads beside the base model, by content."""
    return {name: _model(Path(path), digests) for name, path in config.models.items()}


def _contents(raw: RawSet, digests: Digests) -> dict[str, Any]:
    data = {name_within(path, raw.folder): digests.of(path) for path in raw.files}
    repeats = {"repeats": raw.repeats} if raw.repeats else {}
    # Sets that were normalized with their escapes and wide letters are others.
    captions = {"captions": "without escapes"} if raw.respelt else {}
    return {"files": len(data), "digest": digest(data), **repeats, **captions}


def _derived(config: Config, contents: Mapping[str, Any]) -> str:
    return f"{config.raw_set}-{digest(contents)[:_DIGITS]}"


def one_trigger(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is recorded of a run without a caption for pictures that is the set's name.

    It names the run, but where all pictures have captions no picture is trained with it, and
    beside the trigger words it would read as others.
    """
    name = record.get("raw_set")

    def kept(content: Mapping[str, Any], within: str = "") -> dict[str, Any]:
        return {
            key: kept(value, key) if isinstance(value, Mapping) else value
            for key, value in content.items()
            if (within, key, value) != ("preprocess", "trigger", name)
        }

    return kept(record)


def check_binding(record: Mapping[str, Any], contents: Mapping[str, Any], run_id: str) -> None:
    """Raise `UserError` that lists what differs if the run was made of other contents."""
    then, now = flat(one_trigger(record)), flat(one_trigger(contents))
    for setting in WITHOUT_EFFECT:  # version 0.1 counted them
        then.pop(f"train.{setting}", None)
    changed = [
        f"  {key}: {then.get(key)!r} -> {now.get(key)!r}"
        for key in sorted(then.keys() | now.keys())
        if then.get(key) != now.get(key)
    ]
    if changed:
        raise UserError(
            f"run_id {run_id} was made of other data or settings. What differs:\n"
            + "\n".join(changed)
            + "\nTake another run_id (or none: one is derived), or set these back."
        )
