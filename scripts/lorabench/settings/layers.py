"""Merge the layers of settings: presets, the default file and the user's."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from lorabench.errors import UserError
from lorabench.settings import plain_yaml
from lorabench.settings.models import LISTS, SECTIONS, Config
from lorabench.settings.servers import EMBEDDED
from lorabench.settings.validation import Section, sections, validate

OF_PROFILE: Mapping[str, Mapping[str, Any]] = {
    "char": {"verdict": {"likeness": 0.75, "prompt_kept": 0.1}}
}
"""What holds for a profile where nothing is given: a character's pictures resemble each other."""
_ELSE = ("lora", "training_set")
"""Without these a call does something else, such as a training."""


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge mappings, later ones over earlier ones, sections key by key.

    A section given on the command line arrives as YAML text (`train="{rank: 8}"`) and is read.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if key in SECTIONS:
                value = merged.get(key, {}) | _section(key, value)
            merged[key] = value
    return merged


def check_given(given: Mapping[str, Any]) -> None:
    """Refuse what a user leaves empty by a slip, such as a shell's variable without a value."""
    for key in _ELSE:
        if key in given and given[key] in (None, "", []):
            raise UserError(f"{key}: is empty; give it a value, or leave {key} out")


def is_embedded(comfy_url: Any) -> bool:
    """Whether `comfy_url`, given or not, is the embedded server."""
    urls = comfy_url if isinstance(comfy_url, list | tuple) else [comfy_url or EMBEDDED[0]]
    return tuple(urls) == EMBEDDED


def resolve(given: Mapping[str, Any], preset: Mapping[str, Any]) -> Config:
    """Validate the user's settings, over the preset of the base model's family.

    Raises `UserError` with the key, the value, what is allowed and, for a misspelt key, the nearest
    one.
    """
    given = _set_of_folder(given)
    preset = merge(preset, OF_PROFILE.get(str(given.get("profile")), {}))
    if given.get("train", {}).get("epochs") is not None:
        preset["train"]["steps"] = None
    return validate(Config, merge(preset, _present(given)))


def _set_of_folder(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace a raw set's folder, which a shell completes, by its name."""
    if not isinstance(given.get("raw_set"), str):
        return given
    folder = PurePath(given["raw_set"].strip().rstrip("/"))
    profile = {"style": "style", "characters": "char"}.get(folder.parent.name)
    if folder.parent == PurePath():
        return {**given, "raw_set": str(folder)} if folder.name else given
    if not profile or folder.parent.parent.parts[-2:] != ("datasets", "raw"):
        return given
    return {**given, "raw_set": folder.name, "profile": profile}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; an empty file is an empty mapping. Raises `UserError`."""
    try:
        content = plain_yaml.read(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} should hold `key: value` lines, not a {type(content).__name__}")
    return content


def read_section(path: Path, name: str) -> dict[str, Any]:
    """Read one section of a YAML file, such as run.yaml; raises `UserError`."""
    return _section(name, read_yaml(path).get(name))


def _present(given: Mapping[str, Any], model: type[Section] = Config) -> dict[str, Any]:
    """Leave out keys without a value (`positive=`): they mean the default, but for a list's.

    One that is no key of `model` stays, for it is a misspelt one.
    """
    inner = sections(model)
    return {
        key: _present(value, inner[key]) if isinstance(value, dict) and key in inner else value
        for key, value in given.items()
        if value is not None or key in LISTS or key not in model.model_fields
    }


def _section(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        with suppress(ValueError):  # said below
            value = plain_yaml.read(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{key}: should be a section such as {{rank: 8}}, not {value!r}")
    return value
