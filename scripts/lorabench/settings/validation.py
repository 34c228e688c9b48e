"""Validate settings; messages have the key, the value, what is allowed and the nearest key."""

import difflib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from lorabench.errors import UserError
from lorabench.settings import kohya_names
from lorabench.settings.servers import shown
from lorabench.settings.types import ALLOWED

ALL_KEYS = "uv run python scripts/config_docs.py --keys"


_PLAIN = {
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "bool_parsing": "should be True or False",
    "bool_type": "should be True or False",
}
"""pydantic's type of an error -> what is allowed, in few words."""


class Section(BaseModel):
    """A group of settings; it refuses unknown keys and is immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Valid = TypeVar("Valid", bound=Section)


def validate(model: type[Valid], values: Mapping[str, Any]) -> Valid:
    """Return a `model` with `values`; raises `UserError` with a line per mistake."""
    _check_keys(values, sections(model))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = {_where(e): e for e in reversed(error.errors())}
        raise UserError("\n".join(_explain(model, first[key]) for key in sorted(first))) from None


def _check_keys(values: Mapping[Any, Any], within: Iterable[str], above: str = "") -> None:
    """Refuse keys that YAML does not read as text, such as `~`, `on` and `2026-01-31`."""
    for key in values:
        if not isinstance(key, str):
            place = f" in {above}" if above else ""
            raise UserError(f"YAML reads a key{place} as {key!r}; a key should be a name, as text")
        if key in within and isinstance(values[key], Mapping):
            _check_keys(values[key], (), key)


def sections(model: type[Section]) -> dict[str, type[Section]]:
    """Return the groups of settings among those of `model`, by key."""
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def keys(model: type[Section]) -> Iterator[str]:
    """Yield every key, those of sections last and with a dot: `train.rank`."""
    groups = sections(model)
    yield from (name for name in model.model_fields if name not in groups)
    for name, section in groups.items():
        yield from (f"{name}.{inner}" for inner in section.model_fields)


def _explain(model: type[Section], error: Mapping[str, Any]) -> str:
    """Return a line for one validation error: key, value, what is allowed."""
    where = _where(error)
    if error["type"] == "extra_forbidden":
        return f"{where}: no such key; {_nearest(model, where, error['input'])}"
    if error["type"] == "missing":
        return f"{where}: is required ({_describe(model, where)})"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "literal_error":
        return f"{where}: {shortened(error['input'])}: {message}"  # a description repeats it
    if error["type"] == "string_pattern_mismatch":
        message = ALLOWED[error["ctx"]["pattern"]]
    if error["type"] == "string_type" and isinstance(error["input"], Mapping | list):
        message = (
            f'Snakemake reads it as YAML, and not as text; put it in a file, `{where}: "…"`, and '
            "give that with --configfile"
        )
    message = _PLAIN.get(error["type"], message)
    if not where or where in sections(model):
        return f"{where}: {message}".lstrip(": ")
    given = error["input"]
    value = shown(given) if where == "comfy_url" else shortened(given)
    value = "" if given in (None, "", []) else f" {value}:"
    return f"{where}:{value} {message} ({_describe(model, where)})"


def shortened(value: Any) -> str:
    """Return a value for a message."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]} … {text[-20:]}"


def _where(error: Mapping[str, Any]) -> str:
    return ".".join(part for part in error["loc"] if isinstance(part, str))


def _nearest(model: type[Section], key: str, value: Any) -> str:
    """Return the likely key: by sd-scripts' name, the same name elsewhere, or a similar one."""
    if ":" in key:
        return f"put a space after the colon: {key.rpartition('.')[2].replace(':', ': ')}"
    known = list(keys(model))
    section, _, name = key.rpartition(".")
    if key in known:
        return f"{name} stands in the section {section}: write {_typed(key, value)}"
    if said := _of_kohya(name, value):
        return said
    siblings = [one for one in known if one.rpartition(".")[0] == section]
    elsewhere = [one for one in known if one.rpartition(".")[2] == name]
    near = elsewhere or _like(name, siblings)
    kohyas = difflib.get_close_matches(name, [*kohya_names.OURS, *kohya_names.WITHOUT], 1, 0.8)
    if kohyas and not near:
        return f"did you mean {kohyas[0]}? {_of_kohya(kohyas[0], value)}"
    near = near or _like(name, known)
    if elsewhere and len(near) == 1:
        return f"did you mean {near[0]}? Write {_typed(near[0], value)}"
    return (
        f"did you mean {' or '.join(near)}? All keys: {ALL_KEYS}"
        if near
        else f"all keys: {ALL_KEYS}"
    )


def _of_kohya(name: str, value: Any) -> str:
    """Return our key for a name of sd-scripts'; empty for any other name."""
    if name in kohya_names.OURS:
        ours = kohya_names.OURS[name]
        return f"sd-scripts' {name} is {ours} here: {_typed(ours, value)}"
    return kohya_names.WITHOUT.get(name, "")


def _typed(key: str, value: Any) -> str:
    """Return how to type a setting after `--config`."""
    section, _, name = key.rpartition(".")
    shown = "…" if isinstance(value, dict | list) or value is None else value
    return shlex.quote(f"{section}={{{name}: {shown}}}" if section else f"{key}={shown}")


def _like(name: str, known: list[str]) -> list[str]:
    """Return the key with the last part nearest to `name`, else those with the word (`lr`)."""
    last = {key.rpartition(".")[2]: key for key in reversed(known)}
    near = difflib.get_close_matches(name, last, 1) or [n for n in last if name in n.split("_")]
    return sorted((last[one] for one in near), key=known.index)


def _describe(model: type[Section], key: str) -> str:
    *outer, name = key.split(".")
    for part in outer:
        model = sections(model)[part]
    return model.model_fields[name].description or ""
