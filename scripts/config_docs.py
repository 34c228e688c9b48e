"""Write what is generated from the settings' models: default file, schema, key table.

`--check` writes nothing and fails where a file is out of date.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic.fields import FieldInfo

from lorabench import cli, files
from lorabench.config import SECTIONS, Config
from lorabench.errors import UserError
from lorabench.presets import PRESETS

ROOT = Path(__file__).resolve().parent.parent
_HEADER = """\
# The settings of a run. Take the `#` off a line to change it; what the command line says after
# `--config` wins. Generated from scripts/lorabench/config.py, where names and meanings are kept.
"""
_PAGE = """\
# Settings

Generated from `scripts/lorabench/config.py`. [How a setting is given](../README.md#settings).
"""


class Key(NamedTuple):
    """One setting as the docs show it."""

    name: str
    default: str
    meaning: str


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--keys", action="store_true", help="only list all keys")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Write or compare the generated files."""
    if arguments.keys:
        print("\n".join(_list()))
        return
    for path, text in generated().items():
        if arguments.check:
            if path.read_text(encoding="utf-8") != text:
                raise UserError(
                    f"{path.relative_to(ROOT)} is out of date: run {Path(__file__).name}"
                )
        else:
            files.write_text(path, text)


def generated() -> dict[Path, str]:
    """Return the generated files' contents by path."""
    schema = json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False)
    return {
        ROOT / "config" / "config.yaml": "\n".join([_HEADER, *_default_file()]) + "\n",
        ROOT / "config" / "config.schema.json": schema + "\n",
        ROOT / "docs" / "settings.md": "\n".join([_PAGE, *_table()]) + "\n",
    }


def _default_file() -> Iterator[str]:
    for name, field in Config.model_fields.items():
        if name not in SECTIONS:
            yield from _commented(_key(name, field, None), "")
            continue
        yield f"\n# {field.description}"
        yield f"{name}:"
        for inner, inner_field in field.annotation.model_fields.items():
            yield from _commented(_key(inner, inner_field, name), "  ")


def _commented(key: Key, indent: str) -> Iterator[str]:
    yield f"{indent}# {key.meaning}"
    yield f"{indent}# {key.name}: {key.default}".rstrip()


def _table() -> Iterator[str]:
    yield "| key | default | meaning |"
    yield "| --- | --- | --- |"
    for label, key in _keys():
        default = f"`{key.default}`" if key.default else ""
        yield f"| `{label}` | {default} | {key.meaning} |".replace("  ", " ")


def _list() -> Iterator[str]:
    for label, key in _keys():
        yield f"{label} ({key.default or 'empty'}): {key.meaning}"


def _keys() -> Iterator[tuple[str, Key]]:
    """Yield every key with its full name, such as `train.rank`."""
    for name, field in Config.model_fields.items():
        inner = field.annotation.model_fields if name in SECTIONS else {}
        for key in [_key(n, f, name) for n, f in inner.items()] or [_key(name, field, None)]:
            yield f"{name}.{key.name}" if inner else key.name, key


def _key(name: str, field: FieldInfo, section: str | None) -> Key:
    """Describe a field; a default that depends on the base's family is spelt for each."""
    presets = {f: (p.get(section, {}) if section else p).get(name) for f, p in PRESETS.items()}
    if not field.is_required():
        return Key(name, _yaml(field.default), field.description)
    if name == "raw_set":
        return Key(name, "", f"required: {field.description}")
    families = ", ".join(f"{family} {_yaml(value)}" for family, value in presets.items())
    return Key(name, _yaml(presets["bundled"]), f"{field.description} (by base: {families})")


def _yaml(value: Any) -> str:
    if value is None:
        return ""
    value = list(value) if isinstance(value, tuple) else value
    if isinstance(value, list):
        return ",".join(map(str, value))
    return yaml.safe_dump(value, allow_unicode=True).removesuffix("...\n").strip()


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
