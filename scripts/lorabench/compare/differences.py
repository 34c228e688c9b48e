"""What differs between runs: their data and their settings, and nothing that is equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lorabench.compare.runs import Run
from lorabench.mappings import flat

Group = Literal["data", "training", "sweep", "made"]

GROUPS: Sequence[Group] = ("data", "training", "sweep", "made")
"""In the order to show."""

_NAMED = 12
_DIGITS = 12
# Which run it is and when it was made differ always; where files lie and how long a cell may take
# decide nothing.
_LEFT_OUT = {"run_id", "created", "lora_install_dir", "variants", "positive", "prompts"}
_CIRCUMSTANCES = ("commit", "host", "versions")


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in all runs: a value for each, in the runs' order."""

    group: Group
    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Pictures:
    """The training pictures of a run against those of the first run."""

    number: int
    rejected: int
    added: Mapping[str, str]
    """Name by SHA-256 of those that the first run does not have."""
    removed: Mapping[str, str]


def settings(runs: Sequence[Run]) -> list[Difference]:
    """Return what differs in run.yaml and sweep.yaml."""
    tables: list[dict[tuple[Group, str], str]] = [_settings(run) for run in runs]
    keys = dict.fromkeys(key for table in tables for key in table)
    found = [
        Difference(group, name, [table.get((group, name), "–") for table in tables])
        for group, name in keys
    ]
    found = [difference for difference in found if len(set(difference.values)) > 1]
    return sorted(found, key=lambda difference: GROUPS.index(difference.group))


def pictures(runs: Sequence[Run]) -> list[Pictures]:
    """Return each run's training pictures against the first run's."""
    first = runs[0].pictures
    return [
        Pictures(
            number=len(run.pictures),
            rejected=run.rejected,
            added={key: name for key, name in run.pictures.items() if key not in first},
            removed={key: name for key, name in first.items() if key not in run.pictures},
        )
        for run in runs
    ]


def notes(runs: Sequence[Run]) -> list[str]:
    """Return the keys of the texts that say how far these runs can be compared."""
    found = []
    bases = {str(run.record.get("identity", {}).get("base_model")) for run in runs}
    graphs = {
        (run.sweep.get("workflow_digest"), run.sweep.get("checkpoint"), run.sweep.get("negative"))
        for run in runs
    }
    if len(bases) > 1:
        found.append("other_base")
    elif len(graphs) > 1:
        found.append("other_graph")
    if len({asked(run) for run in runs}) > 1:
        found.append("other_sweep")
    return found


def asked(run: Run) -> tuple[frozenset, frozenset]:
    """Return what the means are over: prompts, and seeds with places in the batch."""
    texts = {name: one.get("text") for name, one in run.variants.items() if not one.get("probe")}
    noises = {(cell.seed, cell.index) for cell in run.cells if cell.variant in texts}
    return frozenset(texts.items()), frozenset(noises)


def named(found: Mapping[str, str]) -> str:
    """Name pictures with the first digits of their digests, a dozen at most."""
    texts = [f"{name} ({key[:8]})" for key, name in sorted(found.items(), key=lambda item: item[1])]
    more = [f"+ {len(texts) - _NAMED}"] if len(texts) > _NAMED else []
    return ", ".join(texts[:_NAMED] + more)


def as_text(value: Any) -> str:
    """Write a value as a table shows it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    text = str(value)
    digest = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:_DIGITS] if digest else text


def _settings(run: Run) -> dict[tuple[Group, str], str]:
    record, identity = run.record, run.record.get("identity", {})
    data = {
        "raw_set": record.get("raw_set"),
        **flat({key: identity.get(key) for key in ("raw", "profile")}),
        **flat({"preprocess": record.get("preprocess", {})}),
    }
    training = {
        **flat({key: identity.get(key) for key in ("trainer", "base_model")}),
        **flat({"train": record.get("train", {})}),
    }
    left_out = {*_LEFT_OUT, *_CIRCUMSTANCES}
    swept = flat({key: value for key, value in run.sweep.items() if key not in left_out})
    made = flat({key: record.get(key) for key in _CIRCUMSTANCES})
    groups: dict[Group, dict[str, Any]] = {
        "data": data,
        "training": training,
        "sweep": {**swept, **_prompts(run)},
        "made": made,
    }
    return {
        (group, name): as_text(value)
        for group, values in groups.items()
        for name, value in values.items()
    }


def _prompts(run: Run) -> dict[str, Any]:
    """Return what was drawn, as sweep.yaml tells it; nothing where it tells of no prompts."""
    texts = {
        name.removeprefix("prompt-") or "own": one.get("text")
        for name, one in run.variants.items()
        if not one.get("probe")  # made of the prompts and the trigger, which are told
    }
    named = {f"prompt {name}": text for name, text in texts.items()}
    return {"prompts": list(texts), **named} if any(texts.values()) else {}
