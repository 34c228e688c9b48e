"""Generate files from the settings' models: default file, schema, page.

`--check` writes nothing and fails if a file is out of date.
"""

import argparse
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from pydantic.fields import FieldInfo

from lorabench import cli, files
from lorabench.base.families import FAMILIES
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.errors import UserError
from lorabench.settings.models import SECTIONS, Config
from lorabench.settings.validation import Section

ROOT = Path(__file__).resolve().parent.parent
_SOURCE = Path(inspect.getfile(Config)).resolve().relative_to(ROOT)
_HEADER = f"""\
# The settings of a run. Remove the `#` before a key to change it; `--config` on the command line
# overrides this file. Generated from {_SOURCE}: change names and meanings there.
"""
_PAGE = f"""\
# Settings

Give a setting in one of three places. A later one overrides an earlier one, key by key:

1. `config/config.yaml`, for all runs;
2. a file of your own, with `--configfile my_settings.yaml`;
3. the command line: `--config raw_set=my_style weights=0.4,0.8`.

The keys of a section go together, in quotes: `--config 'train={{rank: 8, unet_lr: 1e-3}}'`. A
misspelt key is refused with the right one. Some defaults depend on the base model: *bundled* is the
model in this repository, *sd15* and *sdxl* are checkpoints of your own.

The most used are `raw_set`, `profile`, `weights`, `seeds`, `prompts`, `base_model`, `trainer`,
`comfy_url` and `bench_workflow`, and for a training `train.rank`, `train.alpha`, `train.unet_lr`,
`train.text_encoder_lr`, `train.steps`, `train.epochs` and `train.batch_size`.

This page is generated from `{_SOURCE}`. `uv run python scripts/config_docs.py --keys` lists
all keys on the terminal."""


class Key(NamedTuple):
    """One setting as the docs show it."""

    name: str
    default: str
    meaning: str
    by_base: Mapping[str, str] = MappingProxyType({})

    @property
    def whole_meaning(self) -> str:
        """The meaning with the default of each family of base models, where they differ."""
        families = ", ".join(
            f"{family} {value or 'none'}" for family, value in self.by_base.items()
        )
        return f"{self.meaning} (by base: {families})" if families else self.meaning


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--keys", action="store_true", help="only list all keys")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Write or compare the generated files."""
    if arguments.keys:
        for label, key in _keys():
            print(f"{label} ({key.default or 'empty'}): {key.whole_meaning}")
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
        ROOT / "config" / "README.md": "\n".join([_PAGE, *_tables()]) + "\n",
    }


def _default_file() -> Iterator[str]:
    for name, field in sorted(Config.model_fields.items(), key=lambda item: item[0] in SECTIONS):
        if name not in SECTIONS:
            yield from _commented(_key(name, field, None), "")
            continue
        yield f"\n# {field.description}"
        yield f"{name}:"
        for inner, inner_field in _own_fields(SECTIONS[name]).items():
            yield from _commented(_key(inner, inner_field, name), "  ")


def _commented(key: Key, indent: str) -> Iterator[str]:
    yield f"{indent}# {key.whole_meaning}"
    yield f"{indent}# {key.name}: {key.default}".rstrip()


def _tables() -> Iterator[str]:
    """Yield a table of the keys outside sections, and one for each section."""
    section = None
    for name, key in _keys():
        if (now := name.rpartition(".")[0]) != section:
            section = now
            title = f"`{now}`: {Config.model_fields[now].description}" if now else "A run"
            yield from ("", f"## {title}", "", "| key | default | meaning |", "| --- | --- | --- |")
        yield f"| `{name}` | {_default(key)} | {key.meaning} |".replace("  ", " ")


def _default(key: Key) -> str:
    values = key.by_base or {"": key.default}
    return ", ".join(
        f"{family} `{value}`".strip() if value else family for family, value in values.items()
    )


def _keys() -> Iterator[tuple[str, Key]]:
    """Yield every key with its full name, such as `train.rank`."""
    for name, field in sorted(Config.model_fields.items(), key=lambda item: item[0] in SECTIONS):
        inner = _own_fields(SECTIONS[name]) if name in SECTIONS else {}
        for key in [_key(n, f, name) for n, f in inner.items()] or [_key(name, field, None)]:
            yield f"{name}.{key.name}" if inner else key.name, key


def _own_fields(section: type[Section]) -> dict[str, FieldInfo]:
    """Return the fields of a section that do not follow from a key outside it."""
    return {name: f for name, f in section.model_fields.items() if not f.json_schema_extra}


def _key(name: str, field: FieldInfo, section: str | None) -> Key:
    """Describe a field; a default that depends on the base's family is spelt for each."""
    meaning = field.description or ""
    if name == "raw_set":
        return Key(name, "", f"required without `lora`: {meaning}")
    if not field.is_required():
        return Key(name, _yaml(field.default), meaning)
    # Those of transformers are many and much alike: docs/families.md has them.
    presets = {f.name: f.preset[section] if section else f.preset for f in FAMILIES if f.parts}
    by_base = {family: _yaml(preset[name]) for family, preset in presets.items()}
    return Key(name, by_base[BUNDLED.name], meaning, by_base)


def _yaml(value: Any) -> str:
    if value is None:
        return ""
    value = list(value) if isinstance(value, tuple) else value
    if isinstance(value, list):
        return ",".join(map(str, value))
    return yaml.safe_dump(value, allow_unicode=True).removesuffix("...\n").strip()


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
