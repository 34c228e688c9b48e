"""Make the command lines of the jobs' programs from a run's plan."""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import gcd
from pathlib import Path
from typing import Any, NamedTuple

from lorabench import layout
from lorabench.bench.embeddings import embedding
from lorabench.run.plan import RunPlan
from lorabench.run.source import Normalizing
from lorabench.settings.models import Config, KohyaSettings, MusubiSettings

Here = Callable[[Path], Path]
"""Where a job finds what lies under a path: with a bucket, in its copies."""

TRAINS = "train_lora"
KEPT_EPOCHS = 8
"""About so many states of a training are benched where nobody says which."""


def quoted(text: object) -> str:
    """Return one word of a rule's shell command."""
    return literal(shlex.quote(str(text)))


def literal(text: str) -> str:
    """Write braces so that Snakemake leaves them as they are."""
    return text.replace("{", "{{").replace("}", "}}")


def program(scripts: Path, name: str) -> str:
    """Return the start of a command line; no param, so a moved project keeps its results."""
    return f"python {quoted(scripts / name)}"


def replaceable(path: str) -> str:
    """Return the start of a command line for a program that users may replace."""
    return f"{'python' if path.endswith('.py') else 'bash'} {quoted(path)}"


def trainer(config: Config, scripts: Path) -> str:
    """Return the start of the command line of the program that trains."""
    if config.trainer == "embedded":
        return program(scripts, "train_lora.py")
    if config.trainer == "kohya":
        there = _place(config.kohya, {"sd-scripts": config.kohya.sd_scripts})
        return f"{replaceable(config.programs.run_lora)} {literal(there)} {_models(config)}".strip()
    there = _place(config.musubi, {"musubi-tuner": config.musubi.musubi_tuner})
    return f"{program(scripts, 'train_musubi.py')} {literal(there)} {_models(config)}"


def _place(there: KohyaSettings | MusubiSettings, folder: Mapping[str, str]) -> str:
    """Return where the trainer is, as options; another place trains the same LoRA."""
    folders = [f"--path={here}={there}" for here, there in there.paths.items()]
    ways = {**folder, "launcher": there.launcher, "accelerate": there.accelerate}
    found = {f"--{key}": value or None for key, value in ways.items()}
    return f"{options(found)} {shlex.join(folders)}".strip()


def _models(config: Config) -> str:
    """Return the files beside the base model, as options; their content is in the record."""
    return literal(shlex.join(f"--model={name}={path}" for name, path in config.models.items()))


def options(given: Mapping[str, Any]) -> str:
    """Return the options that have a value as a quoted piece of a command line."""
    return shlex.join(f"{name}={value}" for name, value in given.items() if value is not None)


class TrainingRule(NamedTuple):
    """A rule that trains, one for each raw set, because the LoRA's name holds the set's."""

    rule: str
    lora: Path
    """The pattern of its LoRAs."""
    run_ids: str
    """Its runs, as a regular expression."""


def trainings(plans: Iterable[RunPlan]) -> list[TrainingRule]:
    """Return the rules that train the LoRAs of these runs."""
    sets: dict[tuple[str, str], list[str]] = {}
    for run in (plan.paths for plan in plans):
        sets.setdefault((run.profile, run.raw_set), []).append(re.escape(run.run_id))
    return [
        TrainingRule(
            TRAINS + (f"_{raw_set}" if len(sets) > 1 else ""),
            layout.RunLayout(profile, raw_set, "{run_id}", "").lora,
            "|".join(run_ids),
        )
        for (profile, raw_set), run_ids in sets.items()
    ]


def set_for_each(settings: Any, rules: Iterable[TrainingRule]) -> None:
    """Let each of these rules have the resources that are set for `train_lora`, however many.

    `settings` are Snakemake's own, of which it takes them by the rule's name.
    """
    known = settings._parsed_overwrite_resources
    for one in rules:
        if TRAINS in known:
            known.setdefault(one.rule, known[TRAINS])


def either(plans: Iterable[RunPlan]) -> str:
    """Return a regular expression for these runs, by their ids."""
    return "|".join(re.escape(plan.paths.run_id) for plan in plans)


def kind(rule: str) -> str:
    """Return what a rule does, by its name: each raw set has a rule that trains."""
    return TRAINS if rule.startswith(TRAINS) else rule


def preprocessing(one: Normalizing) -> str:
    """Return the settings of the normalizing, as a param."""
    return record({"preprocess": one.settings.model_dump(mode="json")})


def regularization(here: Here, plan: RunPlan) -> str:
    """Return where the regularization pictures lie, as an option; the record has their content."""
    reg = plan.training.reg if plan.training else None
    return options({"--reg": reg and here(reg.folder)})


def kept_epochs(plan: RunPlan) -> str:
    """Return which epochs the training keeps, as options, where the settings say none."""
    wanted = plan.config.epochs
    if wanted == "last" or plan.config.train.save_every_epochs:
        return ""
    if wanted == "all":
        return options({"--keep-epochs": KEPT_EPOCHS})
    return options({"--set": f"save_every_epochs={gcd(*wanted)}"})


def base_model(path: Path | None) -> str:
    """Return the option that names the base model; none where it is only on the server."""
    return literal(options({"--base-model": path}))


def look_through(here: Here, plan: RunPlan) -> str:
    """Return the options of dataset_page.py that are the same wherever it is called."""
    said = ",".join(risk.code for risk in plan.risks)
    base, device = plan.config.base_model, plan.config.train.device
    reference = here(plan.paths.reference)
    return options(
        {"--base-model": base, "--device": device, "--said": said, "--reference": reference}
    )


def strict(scripts: Path, here: Here, plan: RunPlan) -> str:
    """Return what comes before the trainer: a look through the set that stops it, if asked for."""
    if not plan.config.strict:
        return ""
    program = ["python", str(scripts / "dataset_page.py"), str(here(plan.paths.normalized))]
    found = options({"--raw": here(plan.paths.raw), "--use": "/dev/stdin"})
    log = here(plan.paths.logs / f"{TRAINS}.log")
    return (
        f"{shlex.join(program)} {found} {look_through(here, plan)} --strict"
        f" --log={shlex.quote(str(log))}"
        f" <<< {shlex.quote(plan.use.json)} && "
    )


def record(contents: Mapping[str, Any]) -> str:
    """Write a record as a param."""
    return json.dumps(contents, ensure_ascii=False)


def compared(here: Here, plans: Iterable[RunPlan]) -> str:
    """Return the runs of a matrix as words of a command line."""
    return shlex.join(str(here(plan.paths.root)) for plan in plans)


@cache
def cell(plan: RunPlan, folder: str) -> str:
    """Return the options of a cell that decide its pixels; a change renders again.

    `folder` is a variant's with its `/`; empty for the benchmark's own prompt.
    """
    config, bench = plan.config, plan.config.bench
    found: dict[str, Any] = {
        "--batch-size": config.batch_size,
        "--positive": plan.text(folder),
        "--negative": config.negative,
        "--checkpoint": plan.checkpoint_name,
        "--size": bench.size,
        **{f"--{role}-node": node for role, node in bench.nodes.items()},
    }
    if plan.embedded_server:
        found |= {"--threads": bench.threads, "--device": bench.device}
    return options(found)


@cache
def receipts(plan: RunPlan, folder: str) -> list[str]:
    """Return the receipts of the LoRA that the cells in a folder load, with its `/`."""
    return list(map(str, plan.receipts(plan.loaded(folder))))


def loras(plan: RunPlan, key: str) -> list[str]:
    """Return the files of the LoRA of this key, as they lie in its run."""
    return [str(plan.lora(one)) for one in plan.files(key)]


def loaded(plans: Mapping[str, RunPlan]) -> Callable[[Any], list[str]]:
    """Look up the files of the LoRA that a cell loads."""

    def look_up(wildcards: Any) -> list[str]:
        plan = plans[wildcards.run_id]
        return loras(plan, plan.loaded(wildcards.variant))

    return look_up


@cache
def rendering(plan: RunPlan, folder: str, loras: tuple[str, ...] = ()) -> str:
    """Return the options of a cell that change no pixel: labels, files and servers."""
    variant = plan.by_folder[folder]
    labels = {"--prompt-name": variant.prompt, "--probe": variant.probe}
    return f"{options(labels)} {_words('--lora', loras)} {servers(plan)}"


def _words(name: str, values: Iterable[object]) -> str:
    """Return an option that takes several words, if there are any."""
    words = [str(value) for value in values]
    return shlex.join([name, *words]) if words else ""


@cache
def servers(plan: RunPlan) -> str:
    """Return the files and servers as options; another port renders the same."""
    config = plan.config
    return options(
        {
            "--comfy-url": ",".join(config.comfy_url),
            "--server-checkpoint": config.base_model if plan.embedded_server else None,
            "--loras-dir": config.lora_install_dir,
            "--server-state": plan.server_state,
            "--idle-timeout": config.bench.idle_timeout,
        }
    )


def preflight(plan: RunPlan, loras: Iterable[str] = (), receipts: Iterable[Path] = ()) -> str:
    """Return the options of bench_preflight.py, without those for the run's other files."""
    given = {"--workflow": plan.config.bench_workflow, "--trigger": plan.trigger or None}
    files = f"{_words('--lora', loras)} {_words('--lora-receipt', receipts)}"
    return f"{options(given)} {files} {cell(plan, plan.variants[0].folder(0))} {servers(plan)}"


def fit(plan: RunPlan) -> str:
    """Return the server and the base model that the LoRA must fit, and its maker, as options.

    A LoRA from elsewhere may be for another checkpoint that renders, not for `base_model`.
    """
    config = plan.config
    own = plan.renders_base or not config.only_benched
    found = options(
        {
            "--base-model": plan.base_model if own else None,
            "--server": "embedded" if plan.embedded_server else "comfyui",
        }
    )
    return found + (" --trained-here" if plan.training else "")


def large_models(plan: RunPlan) -> str:
    """Return the models to digest, as words of a command line."""
    own = plan.config.bench.embedding
    folder = [str(embedding.weights(own))] if own and own != embedding.BASE else []
    rendering = [str(plan.drawn.path)] if plan.drawn and plan.drawn.path else []
    loras = [str(lora.source) for lora in plan.from_elsewhere.values()]
    base = [str(plan.base_model)] if plan.base_model else []
    return shlex.join([*base, *plan.config.models.values(), *rendering, *folder, *loras])
