"""lorabench: raw pictures in, a trained LoRA and what it does out.

    snakemake --cores 1 --config raw_set=ponnyu_v1

Rules say what, the programs in scripts/ say how to call, the package scripts/lorabench says how.
"""

import functools
import gc
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "scripts"))

from lorabench.workflow import stopping

STOPPING = stopping.Stopping()
if workflow.is_main_process:
    STOPPING.heed()  # before all else: a Ctrl-C until then brings a traceback

from snakemake import common, dag, rules as snakemake_rules
from snakemake.persistence import PersistenceBase
from snakemake.settings.enums import Quietness
from snakemake.utils import min_version

min_version("9.0")

from lorabench import parent
from lorabench.errors import UserError, of_system
from lorabench.run.planning import make_plans
from lorabench.settings import call_options, servers
from lorabench.workflow import bucket, console, kept_plans, locks, producers, replacing
from lorabench.workflow.hooks import Hooks

CONSOLE = console.attach(workflow.logger_manager, STOPPING) if workflow.is_main_process else None
gc.set_threshold(50_000, 20, 100)  # a graph's million objects stay: no need to look so often
dag.OutputIndex = producers.Producers
# Snakemake asks a dozen times a job what arguments the same few functions take.
common.get_function_params = functools.cache(common.get_function_params)
snakemake_rules.get_function_params = common.get_function_params
# It imports pandas to tell its tables among params, and there are none.
PersistenceBase._serialize_param = PersistenceBase._serialize_param_builtin
replacing.attach(PersistenceBase)
parent.announce()
parent.lend_python()
try:
    if workflow.is_main_process:
        call_options.check(sys.argv)
        call_options.lend(sys.argv)
    BUCKET = bucket.find(workflow)
    if workflow.remote_exec:
        PLANS = kept_plans.kept(BUCKET or kept_plans.Disk())
    else:
        PLANS = (BUCKET.plans if BUCKET else make_plans)(config, ROOT / "config" / "config.yaml")
        kept_plans.announce(PLANS)
    if workflow.is_main_process and locks.enter(PLANS.values()) and CONSOLE:
        CONSOLE.say(locks.REMOVED)
except UserError as error:
    console.refuse(str(error))
except OSError as error:
    console.refuse(of_system(error))
FIRST = next(iter(PLANS.values()))  # for what is the same in all runs
servers.lend(FIRST.given_urls)
sys.argv[:] = servers.without_logins(sys.argv, FIRST.given_urls)  # Snakemake prints it
HOOKS = Hooks(workflow, PLANS, ROOT / "scripts", CONSOLE, STOPPING, BUCKET)


if CONSOLE:
    QUIET = {Quietness.RULES, Quietness.PROGRESS}
    CONSOLE.end_dry_run = functools.partial(HOOKS.end_dry_run, QUIET)


envvars:
    kept_plans.VARIABLE,


report: "report/workflow.rst"


include: "rules/common.smk"


if any(plan.sets for plan in PLANS.values()):

    include: "rules/dataset.smk"


if TRAINED:

    include: "rules/train.smk"


if COPIED:

    include: "rules/lora.smk"


include: "rules/bench.smk"
include: "rules/report.smk"


rule all:
    """Everything that the runs leave."""
    default_target: True
    input:
        results=[str(path) for plan in PLANS.values() for path in targets.results(plan)],
        comparison=[str(COMPARISON.page), str(COMPARISON.table)] if COMPARISON else [],
        whole=wholes(targets.folders),


rule dataset:
    """The normalized sets, and a page on each."""
    input:
        images=[one.images for plan in PLANS.values() for one in plan.sets],
        pages=[plan.paths.set_page for plan in TRAINED],
        whole=wholes(targets.set_folders),


rule trained:
    """The runs up to their LoRAs, not benched yet."""
    input:
        datasets=[str(plan.paths.preprocess_log) for plan in TRAINED],
        pages=[page for plan in TRAINED for page in targets.set_page(plan)],
        loras=[str(plan.paths.lora) for plan in TRAINED],
        whole=wholes(targets.set_folders),


onstart:
    HOOKS.start(shell.prefix)


onsuccess:
    HOOKS.succeed()


onerror:
    HOOKS.fail(log)
