"""From what the user gave to the plan of each run: a raw set's, or a row's of a matrix.

Runs on every parse, a dry run included: it reads, checks and writes nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lorabench import layout, parent
from lorabench.base import checkpoint
from lorabench.digests import Digests, model_digest
from lorabench.errors import UserError
from lorabench.run import (
    base_choice,
    bench_workflow,
    existing,
    lora_family,
    matrix,
    preconditions,
    trainers,
)
from lorabench.run.plan import RunPlan
from lorabench.run.source import find as find_source
from lorabench.settings.layers import check_given, merge, read_yaml, resolve
from lorabench.settings.mappings import nested
from lorabench.settings.servers import EMBEDDED
from lorabench.settings.types import split


def make_plans(given: Mapping[str, Any], defaults: Path) -> dict[str, RunPlan]:
    """Return the plans for the settings `given`, over those in the file `defaults`, by run_id.

    There is one for each raw set and row of the matrix. Raises `UserError` for a user's mistakes.
    """
    check_given(given)
    merged = merge(read_yaml(defaults), given)
    trainings = matrix.read(merged)
    merged.pop("matrix", None)
    plans: dict[str, RunPlan] = {}
    rows: dict[str, matrix.Row] = {}
    for row in trainings.rows if trainings else [matrix.Row()]:
        for plan in _of_row(merged, row):
            run_id = plan.paths.run_id
            if run_id in plans and rows[run_id] is not row:
                raise UserError(
                    f"{rows[run_id].where}, and {row.where}: both are the run {run_id}; leave "
                    "one out"
                )
            plans[run_id], rows[run_id] = plan, row
    first, *others = (plan.config.model_dump(exclude=_OF_A_RUN) for plan in plans.values())
    assert all(other == first for other in others)  # the rules take these from one run
    shared: Any = {"server_state": server_state(plans)}
    if not trainings:
        return {run_id: replace(plan, **shared) for run_id, plan in plans.items()}
    matrix.check_name(trainings.name, rows)
    shared["comparison"] = layout.ComparisonLayout(trainings.name)
    varied = trainings.labels({run_id: plan.config for run_id, plan in plans.items()})
    return {
        run_id: replace(plan, **shared, varied=varied[run_id]) for run_id, plan in plans.items()
    }


def server_state(plans: Mapping[str, RunPlan]) -> Path:
    """Return where the address of the embedded server for these runs is kept.

    A server is for its machine: two nodes of a cluster must not take each other's.
    """
    state = next(iter(plans.values())).paths.server_state
    return state.with_stem(f"{state.stem}.{parent.place()}")


def named_sets(given: Mapping[str, Any], defaults: Path) -> set[str]:
    """Return the names of the raw sets that such plans are made of, whether they exist or not."""
    merged = merge(read_yaml(defaults), given)
    trainings = matrix.read(merged)
    rows = [row.over(merged) for row in trainings.rows] if trainings else [merged]
    return {name for row in rows for key in ("raw_set", "reg_set") for name in _names(row.get(key))}


_OF_A_RUN: Any = nested(dict.fromkeys((*matrix.VARIES, "weights", "verdict"), True))
"""What the runs of a call may have of their own."""


def _of_row(merged: Mapping[str, Any], row: matrix.Row) -> list[RunPlan]:
    try:
        settings = row.over(merged)
        return [_make_plan({**settings, **one}) for one in _raw_sets(settings)]
    except UserError as error:
        raise row.explains(error) from None


def _raw_sets(merged: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each raw set of a list changes: one that lies elsewhere has its own profile."""
    names = _names(merged.get("raw_set"))
    if len(names) > 1 and merged.get("run_id"):
        raise UserError(
            f"run_id names one run, and raw_set several: {','.join(names)}; leave it out"
        )
    if len(names) > 1 and merged.get("lora"):
        raise UserError(
            f"lora: was trained on one set, and raw_set names several: {','.join(names)}; give one"
        )
    found = []
    for name in names:
        profile = None if "profile" in merged else layout.profile_of(name)
        found.append({"raw_set": name, **({"profile": profile} if profile else {})})
    return found or [{}]


def _names(named: object) -> list[str]:
    """Return the raw sets of a setting; a set's own name may have a comma in it."""
    if isinstance(named, str | int):  # YAML reads the name 2024 as a number
        named = str(named)
        named = [named] if layout.profile_of(named) else named.split(",")
    listed = named if isinstance(named, list) else []
    return [name for one in listed if (name := str(one).strip())]


def _make_plan(merged: Mapping[str, Any]) -> RunPlan:
    path = base_choice.choose(merged)
    base = _inspect(path) if path else None
    family = base.family if base else lora_family.find(merged)
    given = frozenset(key for key, value in merged.items() if value is not None)
    preset = base_choice.preset(family, merged, base.prediction if base else None)
    config = resolve({**merged, "base_model": str(path or "")}, preset)
    preconditions.check(config, family, base)
    config = trainers.located(config, base) if base else config
    workflow = bench_workflow.read(config)
    digests = Digests(layout.DIGESTS)
    base_digest = model_digest(path, digests) if path else ""
    source = find_source(config, merged.get("train", {}), base_digest, digests, workflow.paired)
    lora_family.check(config, base.family if base else None)
    if "weights" not in given and (weights := existing.further(source.paths)):
        source = replace(source, config=source.config.model_copy(update={"weights": weights}))
    plan = RunPlan(
        **vars(source),
        family=family,
        base_digest=base_digest,
        workflow_prompt=workflow.prompt,
        given=given,
        given_urls=tuple(split(merged.get("comfy_url") or EMBEDDED)),
    )
    _ = plan.variants  # reports mistakes in prompts at once
    return plan


def _inspect(path: Path) -> checkpoint.Checkpoint:
    try:
        return checkpoint.inspect(path)
    except UserError as error:
        raise UserError(f"base_model: {error}") from None
