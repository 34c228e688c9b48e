"""The command that makes a run again, from the records that it left."""

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from lorabench.base import families
from lorabench.base.checkpoint import inspect
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.errors import UserError
from lorabench.lora import pair
from lorabench.run import base_choice
from lorabench.run.record import RunRecord
from lorabench.settings import call_options
from lorabench.settings.layers import OF_PROFILE, merge
from lorabench.settings.models import BUNDLED_BASE, LISTS, Config
from lorabench.settings.types import as_name
from lorabench.settings.validation import Section
from lorabench.sweep.record import SweepRecord

Settings = dict[str, Any]


def repeat_command(record: RunRecord | None, sweep: SweepRecord | None, base: Path | None) -> str:
    """Return the shell command for the run with these records; without a sweep, that trains it.

    Where its LoRA was made elsewhere, there is no record. Settings that have their usual value are
    left out. `base` is where the base model lies; without it, it is the recorded name among the
    checkpoints. Values that Snakemake would not take from a command line as they are go through a
    file.
    """
    settings = _settings(record, sweep, base)
    snakemake = call_options.snakemake() + ("" if sweep else " trained")
    words = {key: _word(key, value) for key, value in settings.items()}
    if None not in words.values():
        given = [shlex.quote(f"{key}={word}") for key, word in words.items()]
        return " ".join([snakemake, "--config", *given])
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=math.inf)
    return f"cat > again.yaml <<'END'\n{text}END\n{snakemake} --configfile again.yaml"


def _settings(record: RunRecord | None, sweep: SweepRecord | None, base: Path | None) -> Settings:
    checkpoint = base or _recorded(record, sweep)
    bundled = bool(checkpoint) and checkpoint.name == Path(BUNDLED_BASE).name
    made = record.identity.model_dump() if record else {"profile": sweep and sweep.profile}
    raw_set, run_id = next((one.raw_set, one.run_id) for one in (record, sweep) if one)
    lora = sweep.lora if sweep else None
    stem = Path(lora).stem if isinstance(lora, str) else ""
    after = [as_name(stem), as_name(pair.title(stem))] if stem else [raw_set or ""]
    derived = any(re.fullmatch(re.escape(one) + "-[0-9a-f]{8}", run_id) for one in after)
    swept = set(Config.model_fields) - {"raw_set"}
    given = {
        "raw_set": raw_set,  # None in an older record of a sweep
        "lora": lora,
        **(sweep.model_dump(mode="json", include=swept) if sweep else {}),
        **{key: made.get(key) for key in ("profile", "trainer", "preprocess", "train")},
        "reg_set": record.reg_set if record else None,
        "trigger": sweep.trigger if sweep and sweep.trigger_given else None,
        "base_model": BUNDLED_BASE if bundled else checkpoint and checkpoint.as_posix(),
        "models": {key: file["name"] for key, file in (made.get("models") or {}).items()},
        "run_id": None if derived and not (sweep and sweep.skip_train) else run_id or None,
    }
    layers = [OF_PROFILE.get(str(made.get("profile")), {})]
    stand_in = made.get("preprocess", {}).get("trigger")
    if stand_in in (raw_set, sweep and sweep.trigger):  # it follows from these
        layers.append({"preprocess": {"trigger": stand_in}})
    preset = BUNDLED.preset if bundled else _preset(checkpoint, sweep, given)
    found = _unusual(given, Config, merge(preset, *layers))
    if not bundled:
        return found
    if not _is_default(found):
        return {**found, "base_model": BUNDLED_BASE}
    return _unusual(given, Config, merge(base_choice.preset(BUNDLED, found), *layers))


def _recorded(record: RunRecord | None, sweep: SweepRecord | None) -> Path | None:
    """Return where the recorded base model lies; None where it is only on the server."""
    if record:
        return Path(BUNDLED_BASE).with_name(record.identity.base_model.name)
    own = not sweep or sweep.family in (None, BUNDLED.name)
    return Path(BUNDLED_BASE) if own else None


def _preset(checkpoint: Path | None, sweep: SweepRecord | None, given: Settings) -> Settings:
    """Return what is usual with this base model, or with its family where it is not here."""
    with suppress(UserError, OSError):  # a base model that is gone has no family
        if checkpoint:
            found = inspect(checkpoint)
            return dict(base_choice.preset(found.family, given, found.prediction))
    known = sweep and families.BY_NAME.get(sweep.family or "")
    return dict(base_choice.preset(known, given)) if known else {}


def _is_default(settings: Settings) -> bool:
    """Return whether these settings alone choose the bundled base model."""
    with suppress(UserError):
        return base_choice.choose(settings) == Path(BUNDLED_BASE)
    return False


def _unusual(given: Settings, model: type[Section], preset: Mapping[str, Any]) -> Settings:
    """Leave out what has no value, or the one that it has where nothing is given."""
    left = {}
    for key, value in given.items():
        if not (field := model.model_fields.get(key)):
            continue  # of another version
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            value = _unusual(value or {}, field.annotation, preset.get(key, {})) or None
        default = preset.get(key, field.default)
        if value not in (None, list(default) if isinstance(default, tuple) else default):
            left[key] = value
    return left


def _word(key: str, value: Any) -> str | None:
    """Write a value as `--config` takes it; None where nothing that it takes is this value."""
    if isinstance(value, str):
        # YAML takes `off` for no, which the setting `probe` takes for off.
        words = [value] if (key, value) == ("probe", "off") else _texts(value)
    elif isinstance(value, list) and key in LISTS:
        joined = ",".join(map(str, value))
        words = _texts(joined) if any(isinstance(one, str) for one in value) else [joined]
    elif isinstance(value, list | dict):
        flow = yaml.safe_dump(
            value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
        )
        as_json = [json.dumps(value, ensure_ascii=False)] if isinstance(value, list) else []
        words = [*as_json, flow.strip()]
    else:
        words = [str(value)]
    return next((word for word in words if _reaches_jobs(word)), None)


def _texts(text: str) -> Iterator[str]:
    """Yield ways to write a text, the easiest to read first.

    Snakemake takes quotes off both ends, so a tag stands before the text, and a space after it.
    """
    if _is_plain(text):
        yield text
    tagged = f"!!str {text}" + " " * text.endswith(("'", '"'))
    with suppress(yaml.YAMLError):
        if yaml.load(tagged, yaml.BaseLoader) == text:
            yield tagged
    yield f"!!str {json.dumps(text, ensure_ascii=False)} "
    yield "!!str '{}' ".format(text.replace("'", "''"))


def _reaches_jobs(word: str) -> bool:
    """Whether a word survives the way to a job: Snakemake writes its `repr` into a shell line."""
    return repr(word)[1:-1] == word and not ("'" in word and re.search(r"[$`]", word))


def _is_plain(text: str) -> bool:
    """Whether YAML reads a text as itself, and nobody reads it as a number."""
    if re.search(r"[{}\[\]'\"]", text) or re.fullmatch(r"[-+.\d_e]+", text, re.IGNORECASE):
        return False
    try:
        return yaml.safe_load(text) == text
    except yaml.YAMLError:
        return False
