"""What the rules share: the patterns of a run's paths, and how a rule looks its run up."""

import re
from functools import partial

from lorabench import layout
from lorabench.bench.embeddings import embedding
from lorabench.workflow import commands, reserved, targets
from lorabench.workflow.commands import quoted

RUN = layout.RunLayout("{profile}", "{raw_set}", "{run_id}", "{normalized}")
CONFIG = FIRST.config
COMPARISON = FIRST.comparison
program = partial(commands.program, ROOT / "scripts")
TRAINED = [plan for plan in PLANS.values() if plan.training]
COPIED = [plan for plan in PLANS.values() if plan.copied]


wildcard_constraints:
    run_id=r"[^/]+",
    lora=r"[^/]+",
    of=r"(?:[^/]+\.)?",
    variant=r"(?:[^/]+/){0,2}",
    weight=r"-?\d+\.\d\d",
    seed=r"\d+",


def of_run(look_up):
    """Look up in the plan of a job's run what the job is given."""
    return lambda wildcards: look_up(PLANS[wildcards.run_id])


def of_lora(look_up):
    """Look up in the plan of a job's run what the job is given for its LoRA of several."""
    return lambda wildcards: look_up(PLANS[wildcards.run_id], wildcards.of.removesuffix("."))


def of_set(look_up):
    """Look up in a job's normalized set what the job is given; several runs may be for it."""
    sets = {str(one.folder): one for plan in PLANS.values() for one in plan.sets}
    return lambda wildcards: look_up(sets[str(RUN.normalized).format(**wildcards)])


def here(path: Path) -> Path:
    """Return where a job finds what lies under a path: with a bucket, in its copies."""
    return Path(workflow.modifier.path_modifier.apply_default_storage(path))


def fetched(look_up):
    """Return files as inputs where no shared disk has them: 10,000 pictures take a second."""
    return ancient(of_run(look_up)) if BUCKET else []


def stored(paths):
    """Return files as outputs that a bucket must be given; on a disk they are there anyway."""
    return list(map(str, paths)) if BUCKET else []


def whole(folder: Path):
    """Return an output that is stored behind a job's folders: a bucket has those in part, too."""
    return touch(targets.whole(folder)) if BUCKET else []


def wholes(folders):
    """Return those signs of all runs, as targets."""
    every = [folder for plan in PLANS.values() for folder in folders(plan)]
    return [targets.whole(folder) for folder in every] if BUCKET else []


def uncompared(look_up):
    """Look up a param that says only where things lie, not what is made.

    Snakemake does not compare a param whose function takes the output.
    """
    return lambda wildcards, output: look_up(PLANS[wildcards.run_id])


def of_taught(look_up):
    """Look up in the plan of a run that trains on a job's normalized set what the job is given."""
    plans = {str(plan.paths.normalized): plan for plan in reversed(TRAINED)}  # the first counts
    return lambda wildcards: look_up(plans[str(RUN.normalized).format(**wildcards)])


def uncompared_of_taught(look_up):
    """Look up such a param that says only where things lie or what was said already."""
    return lambda wildcards, output: of_taught(look_up)(wildcards)


def folder_of(name):
    """Return the folder of a job's output of this name."""
    return lambda wildcards, output: str(Path(getattr(output, name)).parent)


def given(**files):
    """Write the inputs of these names that a job has as options, such as `training="--set"`."""
    return lambda wildcards, input: commands.options(
        {option: str(getattr(input, name)) or None for name, option in files.items()}
    )


def shown(path: Path, caption: str, category: str, label: str, run: str = "{run_id}") -> str:
    """Mark a result for Snakemake's own report (`--report`)."""
    return report(
        str(path),
        caption=f"../report/{caption}.rst",
        category=category,
        labels={"run": run, "what": label},
    )
