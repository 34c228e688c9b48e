"""List what differs between runs in data and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lorabench.pages.finished_run import FinishedRun
from lorabench.settings.mappings import flat

Group = Literal["data", "training", "sweep", "made"]

GROUPS: Sequence[Group] = ("data", "training", "sweep", "made")
"""In the order to show."""

_NAMED = 12
_DIGITS = 12
_NOTHING = "–"
_PROMPT = "prompt "
# Which run it is differs always; where files lie and how long a cell may take
# decide nothing.
_LEFT_OUT = {
    "run_id",
    "raw_set",
    "profile",
    "lora_install_dir",
    "variants",
    "positive",
    "prompts",
    "lora",
    "training_set",
    "skip_train",
}


@dataclass(frozen=True)
class Difference:
    """One difference between runs: a value for each, in the runs' order.

    A dash means that nothing was set, or that a run has no record of the group.
    """

    group: Group
    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Pictures:
    """The training pictures of a run against those of the first run."""

    number: int
    """0 if the run has no record of them: then nothing is added or removed."""
    rejected: int
    added: Mapping[str, str]
    """Name by SHA-256 of those that the first run does not have."""
    removed: Mapping[str, str]


def settings(runs: Sequence[FinishedRun]) -> list[Difference]:
    """Return what differs in run.yaml and sweep.yaml, among the runs that have a record of it."""
    tables = [_settings(run) for run in runs]
    found = []
    for group in GROUPS:
        recorded = [table[group] for table in tables if table[group]]
        for name in dict.fromkeys(name for table in recorded for name in table):
            known = {table[name] for table in recorded if name in table}
            if name.startswith(_PROMPT) and len(known) < 2:
                continue  # the list of prompts shows which a run has
            if len({table.get(name, _NOTHING) for table in recorded}) > 1:
                values = [table[group].get(name, _NOTHING) for table in tables]
                found.append(Difference(group, name, values))
    return found


def pictures(runs: Sequence[FinishedRun]) -> list[Pictures]:
    """Return each run's training pictures against the first run's."""
    tables = [run.trained_on for run in runs]
    first = tables[0]
    return [
        Pictures(
            number=len(table),
            rejected=len(run.rejected),
            added={key: name for key, name in table.items() if first and key not in first},
            removed={key: name for key, name in first.items() if table and key not in table},
        )
        for run, table in zip(runs, tables, strict=True)
    ]


def notes(runs: Sequence[FinishedRun]) -> list[tuple[str, dict[str, str]]]:
    """Return what says how far these runs can be compared: keys of texts, with their values.

    What is not recorded is not called different.
    """
    found: list[tuple[str, dict[str, str]]] = []
    bases = {run.record.identity.base_model.digest for run in runs if run.record}
    graphs = {
        (run.sweep.workflow_digest, run.sweep.checkpoint, run.sweep.negative)
        for run in runs
        if run.sweep
    }
    if len(bases) > 1:
        found.append(("runs.other_base", {}))
    elif len(graphs) > 1:
        found.append(("runs.other_graph", {}))
    if len({asked(run) for run in runs}) > 1:
        found.append(("runs.other_sweep", {}))
    if benched := [run.name for run in runs if not run.record]:
        found.append(("runs.only_benched", {"runs": ", ".join(benched)}))
    return found


def asked(run: FinishedRun) -> tuple[frozenset[tuple[str, Any]], frozenset[tuple[int, int]]]:
    """Return what the means are over: prompts, and seeds with places in the batch."""
    texts = {name: one.text for name, one in run.variants.items() if not one.probe}
    noises = {(one.seed, one.index) for one in run.pictures if not one.probe}
    return frozenset(texts.items()), frozenset(noises)


def named(found: Mapping[str, str]) -> str:
    """Name pictures with the first digits of their digests, a dozen at most."""
    texts = [f"{name} ({key[:8]})" for key, name in sorted(found.items(), key=lambda item: item[1])]
    more = [f"+ {len(texts) - _NAMED}"] if len(texts) > _NAMED else []
    return ", ".join(texts[:_NAMED] + more)


def as_text(value: Any) -> str:
    """Write a value as a table shows it."""
    if value is None or value == "":
        return _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    text = str(value)
    digest = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:_DIGITS] if digest else text


def _settings(run: FinishedRun) -> dict[Group, dict[str, str]]:
    """Return a run's settings by group; a group is empty where the run has no record of it."""
    groups: dict[Group, dict[str, Any]] = {group: {} for group in GROUPS}
    if run.record:
        record = run.record.contents()
        identity = record["identity"]
        groups["data"] = {
            **{key: record[key] for key in ("raw_set", "reg_set") if key in record},
            **{key: identity[key] for key in ("raw", "reg", "profile") if key in identity},
            "preprocess": record["preprocess"],
        }
        groups["training"] = {
            **{key: identity[key] for key in ("trainer", "base_model")},
            "train": record["train"],
        }
    if run.sweep:
        swept = run.sweep.contents()
        kept = {key: value for key, value in swept.items() if key not in _LEFT_OUT}
        groups["sweep"] = {**kept, **_prompts(run)}
    if made := run.record or run.sweep:
        groups["made"] = made.model_dump(include={"commit", "host", "versions"})
    return {
        group: {name: as_text(value) for name, value in flat(values).items()}
        for group, values in groups.items()
    }


def _prompts(run: FinishedRun) -> dict[str, Any]:
    """Return the prompts of sweep.yaml; empty if it has none."""
    texts = {
        one.prompt or "own": one.text
        for one in run.variants.values()
        if not one.probe  # it follows from the prompts and the trigger
    }
    named = {f"{_PROMPT}{name}": text for name, text in texts.items()}
    return {"prompts": list(texts), **named} if any(texts.values()) else {}
