"""lorabench: raw pictures in, a trained LoRA and what it does out.

    snakemake --cores 1 --config raw_set=ponnyu_v1

Rules say what, the programs in scripts/ say how to call, the package scripts/lorabench says how.
"""

import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "scripts"))

from lorabench.workflow import stopping

STOPPING = stopping.Stopping()
if workflow.is_main_process:
    STOPPING.heed()  # before all else: a Ctrl-C until then brings a traceback

from snakemake.utils import min_version

min_version("9.0")

from lorabench import parent, servers
from lorabench.errors import UserError
from lorabench.plan import make_plan
from lorabench.workflow import console

CONSOLE = console.attach(workflow.logger_manager, STOPPING) if workflow.is_main_process else None
parent.announce()
parent.lend_python()
try:
    PLAN = make_plan(config, ROOT / "config" / "config.yaml")
except UserError as error:
    console.refuse(str(error))
servers.lend(PLAN.given_urls)
sys.argv[:] = servers.without_logins(sys.argv, PLAN.given_urls)  # Snakemake prints it


report: "report/workflow.rst"


include: "rules/common.smk"


if PLAN.identity:

    include: "rules/dataset.smk"
    include: "rules/train.smk"


include: "rules/bench.smk"
include: "rules/report.smk"


rule all:
    """Everything that a run leaves."""
    default_target: True
    input:
        results=results(),


if PLAN.identity:

    rule trained:
        """A run up to its LoRA, not benched yet."""
        input:
            dataset=RUN.root / "preprocess_log.csv",
            lora=RUN.lora,


if CONSOLE:
    CONSOLE.plan = what_will_be_done
    CONSOLE.nothing_to_do = say_where_to_look
    CONSOLE.pictures_a_cell = CONFIG.batch_size


onstart:
    begin()
    ask_docker()
    look_ahead()


onsuccess:
    finish()
    say_where_to_look()


onerror:
    finish()
    say_what_failed(log)
