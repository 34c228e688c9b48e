"""Settings that are mappings: nested ones, and those that a user types."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

from pydantic import BeforeValidator

from lorabench.settings import plain_yaml
from lorabench.settings.types import from_home

_WORDS = {"true": True, "false": False, "null": None}


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one: `{"train": {"rank": 8}}` becomes `{"train.rank": 8}`."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def nested(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `flat` was made of, one level deep."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        section, _, name = key.rpartition(".")
        (found.setdefault(section, {}) if section else found)[name] = value
    return found


def _options(values: Any) -> Any:
    """Take a program's options in any spelling: `--key`, `-key`, `some-key`."""
    if not isinstance(values, dict):
        raise ValueError("should be a mapping such as {optimizer_type: AdamW8bit}")
    options = {str(key).lstrip("-").replace("-", "_"): value for key, value in values.items()}
    for key, value in options.items():
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, bool | int | float | str | None) for part in parts):
            raise ValueError(f"{key} should be a number, a text, True, False or a list of those")
        options[key] = [_typed(v) for v in value] if isinstance(value, list) else _typed(value)
    return options


def _typed(value: Any) -> Any:
    """Read a text as a number or truth value, which Snakemake's --config turns into texts.

    So an option has the same value on the command line and in a file.
    """
    if not isinstance(value, str):
        return value
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if any(map(str.isdigit, value)):  # nan and inf are words
        for number in (int, float):
            with suppress(ValueError):
                return number(value)
    return value


def _model_files(values: Any) -> Any:
    """Take names of files with their paths; the command line may bring them as a text."""
    if isinstance(values, str):
        with suppress(ValueError):  # said below
            values = plain_yaml.read(values)
    values = {} if values is None else values
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise ValueError("should map names to files: {clip_l: /path/to/clip_l.safetensors}")
    return {str(name): from_home(path) for name, path in values.items()}


def _folders(values: Any) -> Any:
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise ValueError("should map folders to folders: {datasets: /dataset, output: /output}")
    return {os.path.expanduser(str(here)): there for here, there in values.items()}  # noqa: PTH111


Options = Annotated[dict[str, Any], BeforeValidator(_options)]
ModelFiles = Annotated[dict[str, str], BeforeValidator(_model_files)]
Folders = Annotated[dict[str, str], BeforeValidator(_folders)]
