"""lorabench: raw pictures in, a trained LoRA and what it does out.

    snakemake --cores 1 --config raw_set=ponnyu_v1

Rules say what, the programs in scripts/ say how to call, the package scripts/lorabench says how.
"""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "scripts"))

from lorabench import parent, servers
from lorabench.errors import UserError
from lorabench.plan import make_plan

parent.announce()
parent.lend_python()
try:
    PLAN = make_plan(config, ROOT / "config" / "config.yaml")
except UserError as error:
    raise WorkflowError(str(error))
servers.lend(PLAN.given_urls)
sys.argv[:] = servers.without_logins(sys.argv, PLAN.given_urls)  # Snakemake prints it
if workflow.is_main_process:
    for note in PLAN.notes:
        print(note, file=sys.stderr)


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


onstart:
    say_what_is_drawn()
    ask_docker()
    look_ahead()


onsuccess:
    stop_server()
    say_where_to_look()


onerror:
    stop_server()
    say_what_failed()
