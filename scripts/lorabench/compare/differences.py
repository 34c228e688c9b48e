"""What differs between runs: their data and their settings, and nothing that is equal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lorabench.compare.runs import Run
from lorabench.mappings import flat

Group = Literal["data", "training", "sweep", "made"]

GROUPS: Sequence[Group] = ("data", "training", "sweep", "made")
"""In the order to show."""

_NAMED = 12
_DIGITS = 12
_NOTHING = "–"
_PROMPT = "prompt "
# Which run it is and when it was made differ always; where files lie and how long a cell may take
# decide nothing.
_LEFT_OUT = {
    "run_id",
    "created",
    "lora_install_dir",
    "variants",
    "positive",
    "prompts",
    "skip_train",
}
_CIRCUMSTANCES = ("commit", "host", "versions")


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in all runs: a value for each, in the runs' order.

    A dash stands where nothing was set, and where a run has no record of the group.
    """

    group: Group
    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Pictures:
    """The training pictures of a run against those of the first run."""

    number: int
    """0 where the run has no record of them: then nothing is added or removed."""
    rejected: int
    added: Mapping[str, str]
    """Name by SHA-256 of those that the first run does not have."""
    removed: Mapping[str, str]


def settings(runs: Sequence[Run]) -> list[Difference]:
    """Return what differs in run.yaml and sweep.yaml, among the runs that have a record of it."""
    tables = [_settings(run) for run in runs]
    found = []
    for group in GROUPS:
        recorded = [table[group] for table in tables if table[group]]
        for name in dict.fromkeys(name for table in recorded for name in table):
            known = {table[name] for table in recorded if name in table}
            if name.startswith(_PROMPT) and len(known) < 2:
                continue  # which prompts a run has is told by their list
            if len({table.get(name, _NOTHING) for table in recorded}) > 1:
                values = [table[group].get(name, _NOTHING) for table in tables]
                found.append(Difference(group, name, values))
    return found


def pictures(runs: Sequence[Run]) -> list[Pictures]:
    """Return each run's training pictures against the first run's."""
    first = runs[0].pictures
    return [
        Pictures(
            number=len(run.pictures),
            rejected=run.rejected,
            added={key: name for key, name in run.pictures.items() if first and key not in first},
            removed={
                key: name for key, name in first.items() if run.pictures and key not in run.pictures
            },
        )
        for run in runs
    ]


def notes(runs: Sequence[Run]) -> list[tuple[str, dict[str, str]]]:
    """Return what says how far these runs can be compared: keys of texts, with their values.

    What is not recorded is not called different.
    """
    found: list[tuple[str, dict[str, str]]] = []
    bases = [run.record.get("identity", {}).get("base_model") or {} for run in runs]
    digests = [base.get("digest") for base in bases]
    swept = [run.sweep for run in runs if run.sweep]
    graphs = {
        tuple(sweep.get(key) for key in ("workflow_digest", "checkpoint", "negative"))
        for sweep in swept
    }
    if _differ(digests if all(digests) else [base.get("name") for base in bases]):
        found.append(("other_base", {}))
    elif len(graphs) > 1:
        found.append(("other_graph", {}))
    if len({asked(run) for run in runs}) > 1:
        found.append(("other_sweep", {}))
    if benched := [run.name for run in runs if not run.record]:
        found.append(("only_benched", {"runs": ", ".join(benched)}))
    return found


def _differ(values: Iterable[str | None]) -> bool:
    """Whether two of the values that are known are not the same."""
    return len({value for value in values if value}) > 1


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
        return _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    text = str(value)
    digest = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:_DIGITS] if digest else text


def _settings(run: Run) -> dict[Group, dict[str, str]]:
    """Return a run's settings by group; a group is empty where the run has no record of it."""
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
    made = flat({key: (record or run.sweep).get(key) for key in _CIRCUMSTANCES})
    groups: dict[Group, dict[str, Any]] = {
        "data": data if record else {},
        "training": training if record else {},
        "sweep": {**swept, **_prompts(run)} if run.sweep else {},
        "made": made if record or run.sweep else {},
    }
    return {
        group: {name: as_text(value) for name, value in values.items()}
        for group, values in groups.items()
    }


def _prompts(run: Run) -> dict[str, Any]:
    """Return what was drawn, as sweep.yaml tells it; nothing where it tells of no prompts."""
    texts = {
        name.removeprefix("prompt-") or "own": one.get("text")
        for name, one in run.variants.items()
        if not one.get("probe")  # made of the prompts and the trigger, which are told
    }
    named = {f"{_PROMPT}{name}": text for name, text in texts.items()}
    return {"prompts": list(texts), **named} if any(texts.values()) else {}
