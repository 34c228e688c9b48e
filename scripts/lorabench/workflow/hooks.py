"""Check and report when a call of Snakemake starts, ends or fails."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lorabench import files, layout, parent
from lorabench.dataset import risks
from lorabench.errors import UserError
from lorabench.lora.receipt import read as read_receipt
from lorabench.run import existing, trainers
from lorabench.run.plan import RunPlan
from lorabench.text.phrases import count
from lorabench.workflow import (
    commands,
    console,
    job_logs,
    kept_plans,
    locks,
    outlook,
    slurm,
    stopping,
)
from lorabench.workflow.bucket import Bucket
from lorabench.workflow.console import Console
from lorabench.workflow.older import call
from lorabench.workflow.stopping import Stopping

_COMPARES = "compare_trainings"
_BARE_IMAGE = re.compile(r"((index\.)?docker\.io/)?snakemake/snakemake([:@].*)?")

Jobs = Mapping[str, int]
"""How many jobs of each rule."""


class Hooks:
    """The hooks of one call, over its runs."""

    def __init__(
        self,
        workflow: Any,
        plans: Mapping[str, RunPlan],
        scripts: Path,
        screen: Console | None,
        stopping: Stopping,
        bucket: Bucket | None = None,
    ) -> None:
        """Take Snakemake's `workflow`; `screen` is None for Snakemake's own output."""
        self._bucket = bucket
        self._workflow, self._plans, self._scripts = workflow, plans, scripts
        self._screen, self._stopping = screen, stopping
        self._started = time.time()
        self._judges = self._keeps_plans = False
        self._first = next(iter(plans.values()))  # what is read of it is the same in all
        self._config, self._comparison = self._first.config, self._first.comparison
        if screen:
            screen.plan = lambda counts: self.what_will_be_done()
            screen.nothing_to_do = self._rest
            screen.copies = bucket.copies if bucket else ""
            screen.holder = self._busy
            screen.pictures_a_cell = self._config.batch_size
            if len(plans) > 1:
                screen.called = {run_id: plan.varied or run_id for run_id, plan in plans.items()}

    def what_will_be_done(self) -> list[str]:
        """Return it in lines, run by run."""
        at_once = self._workflow.global_resources["comfyui"].value or 1
        here = self._workflow.local_exec
        lines = [
            line
            for run_id, jobs in self._jobs().items()
            for line in outlook.lines(self._plans[run_id], jobs, at_once, here)
        ]
        if self._comparison:
            runs = count(len(self._plans), "training")
            lines.insert(0, f"{runs} to compare in {self._comparison.page}")
        return list(dict.fromkeys(lines))  # runs of one set have notes in common

    def end_dry_run(self, quiet: Collection[Any]) -> bool:
        """End a dry run, if it is one: the console shows none of what is said of each job.

        `quiet` is what Snakemake then leaves out.
        """
        if self._workflow.dryrun:
            self._workflow.output_settings.quiet = quiet
        return bool(self._workflow.dryrun)

    def start(self, prefix: Callable[[str], None]) -> None:
        """Say what will be done; check what the jobs would find missing only when it is late.

        `prefix` sets what comes before each job's shell command.
        """
        self._stopping.heed()  # Snakemake listens for SIGTERM by now, and would wait for the jobs
        # With a limit on jobs a second, it would look at all that is ready again each second, once
        # more for each finished job; in a bucket, at the inputs of all.
        self._workflow.scheduler.job_rate_limiter = None
        if self._screen:
            self._screen.listen()
            # Until a program listens for itself, a Ctrl-C is for the workflow, which ends it.
            prefix("trap '' INT; ")
        else:
            self._say("\n".join(self.what_will_be_done()))
        if busy := locks.begin(self._plans.values()):
            self._end()
            console.refuse(f"another call is at work on this run ({busy}): wait for it")
        self._judges = any("bench_verdict" in jobs for jobs in self._jobs().values())
        for plan in self._plans.values():
            files.remove_left(plan.paths.root)
        if not self._workflow.touch:
            self._end_left_jobs()
            self._be_strict()
            self._ask_docker()
            self._ask_servers()
        if self._bucket or not self._workflow.local_exec:
            self._begin()

    def succeed(self) -> None:
        """Say how it ended, or that it goes on: then its server has more to render."""
        self._end_jobs()
        if not (self._may_go_on and self._goes_on(self._plans.values())):
            self._end_server()
            self.say_where_to_look()

    def _rest(self) -> None:
        """Say how it ended; a search that was killed between two stages goes on."""
        plans = self._plans.values()
        left = any(plan.searches and not plan.search.settled for plan in plans)
        if not (left and not self._workflow.dryrun and self._goes_on(plans)):
            self.say_where_to_look()

    def fail(self, snakemake_log: Sequence[str]) -> None:
        """Say how to go on; without the console, what went wrong, too: it stands far above."""
        self._end()
        if self._stopping.begun:
            sys.exit(stopping.STATUS)
        if self._comparison and not self._bucket:  # the pictures are not here
            self._compare_finished(self._comparison)
            # Those that failed are tried once more then.
            if self._may_go_on and self._goes_on(filter(self._came_further, self._plans.values())):
                return
        folders = [layout.NORMALIZING_LOGS, *(plan.paths.logs for plan in self._plans.values())]
        if self._screen:
            logs = f"the jobs' logs: {', '.join(map(str, folders))}"
            logs += f"; Snakemake's: {', '.join(snakemake_log) or 'none'}"
            self._say(f"\nNot finished{call.way_on(' once that is mended')} ({logs})")
        elif said := "\n".join(job_logs.summary(logs, self._started) for logs in folders).strip():
            self._say(f"\n{said}")

    @property
    def _may_go_on(self) -> bool:
        """Whether a verdict was new, and the same call would not force its jobs again."""
        settings = self._workflow.dag_settings
        return self._judges and not (
            settings.forceall or settings.forcerun or settings.forcetargets
        )

    def _goes_on(self, plans: Iterable[RunPlan]) -> bool:
        """Whether one of these runs goes on by itself; it is said then."""
        from lorabench.workflow import going_on

        plans = list(plans)
        said = going_on.go_on(plans, self._stopping)
        records = [one for plan in plans for one in (plan.paths.further, plan.paths.search)]
        self._with_bucket(lambda bucket: bucket.send(records))
        if said:
            self._say("\n".join(said))
        return bool(said)

    def _came_further(self, plan: RunPlan) -> bool:
        """Whether this call trained or judged a run."""
        made = [path for path in (plan.paths.lora, plan.paths.verdict) if path.exists()]
        return any(path.stat().st_mtime > self._started for path in made)

    def _compare_finished(self, comparison: layout.ComparisonLayout) -> None:
        """Compare those runs of a matrix that are finished: the job waits for all of them."""
        runs = [plan.paths for plan in self._plans.values()]
        verdicts = [run.verdict for run in runs if run.verdict.exists()]
        if not verdicts:
            return
        made = {"--output": comparison.page, "--table": comparison.table}
        log = comparison.logs / f"{_COMPARES}.log"
        options = shlex.split(commands.options({**made, "--log": log}))
        program = [sys.executable, self._scripts / f"{_COMPARES}.py"]
        if subprocess.run([*program, *options, *(run.root for run in runs)]).returncode == 0:
            # Older than what they are made of: once all are finished, the job makes them whole.
            before = min(path.stat().st_mtime for path in verdicts) - 1
            for path in made.values():
                os.utime(path, (before, before))
            self.say_where_to_look()

    def say_where_to_look(self) -> None:
        """Say last, where it is not overlooked, what is wrong, the verdict, and what to open."""
        from lorabench.workflow import epilogue  # reading a run takes more than a parse may

        self._say("\n".join(epilogue.lines(list(self._plans.values()))))

    def _say(self, text: str) -> None:
        """Write lines that stay."""
        self._screen.say(text) if self._screen else print(text, file=sys.stderr)

    def _end(self) -> None:
        """End what runs beside the jobs."""
        self._end_server()
        self._end_jobs()

    def _end_server(self) -> None:
        if self._first.embedded_server:
            from lorabench.comfy.client.launch import stop_server

            stop_server(self._first.server_state)

    def _end_jobs(self) -> None:
        """End what is only there while jobs run."""
        if self._keeps_plans:
            self._drop_plans()
        self._with_bucket(lambda bucket: bucket.settle(self._plans.values()))
        if self._screen:
            self._screen.end()

    def _drop_plans(self) -> None:
        try:
            kept_plans.drop(self._store)
        except UserError as error:
            self._say(f"warning: the plans of this call stay: {error}")

    def _with_bucket(self, exchange: Callable[[Bucket], object]) -> None:
        """Exchange files with the bucket, if there is one; the jobs are over, so this may fail."""
        try:
            if self._bucket:
                exchange(self._bucket)
        except UserError as error:
            self._say(f"warning: this machine and the bucket have not all in common: {error}")

    def _jobs(self) -> dict[str, Jobs]:
        """Return the jobs that will run, by run."""
        found: dict[str, Counter[str]] = {}
        for job in self._workflow.dag.needrun_jobs():
            if run_id := self._run(job.wildcards_dict):
                found.setdefault(run_id, Counter())[commands.kind(job.rule.name)] += 1
        return {run_id: found[run_id] for run_id in self._plans if run_id in found}

    def _run(self, wildcards: Mapping[str, str]) -> str | None:
        """Return the run that a job is for, the first of several that share a normalized set."""
        if "run_id" in wildcards:
            return wildcards["run_id"]
        of_set = tuple(wildcards.get(name, "") for name in ("profile", "raw_set", "normalized"))
        folder = layout.normalized(*of_set)
        having = (
            run_id
            for run_id, plan in self._plans.items()
            if any(one.folder == folder for one in plan.sets)
        )
        return next(having, None)

    def _begin(self) -> None:
        """Sign in the bucket that the call begins; keep the plans for jobs on other machines."""
        try:
            if self._bucket:
                self._bucket.begin(self._plans.values())
            if not self._workflow.local_exec:
                self._check_image()
                self._keep_plans()
        except UserError as error:
            self._end()
            console.refuse(str(error))

    def _check_image(self) -> None:
        """Raise `UserError` for pods of Snakemake's own image, in which every job would fail."""
        image = self._workflow.remote_execution_settings.container_image
        if self._workflow.executor_plugin.name == "kubernetes" and _BARE_IMAGE.fullmatch(image):
            raise UserError(
                f"--container-image: Snakemake's own ({image}), also the default, lacks the"
                " packages of the jobs; build yours from envs/Dockerfile, see docs/scaling.md"
            )

    def _keep_plans(self) -> None:
        if self._bucket:
            self._bucket.share()
        kept_plans.keep(self._store, self._plans)
        self._keeps_plans = True

    @property
    def _store(self) -> kept_plans.Store:
        """Where jobs on other machines read."""
        return self._bucket or kept_plans.Disk()

    def _busy(self) -> str:
        return locks.busy(self._plans.values())

    def _end_left_jobs(self) -> None:
        """End what killed calls left in Slurm, and at a signal what this one has there."""
        submits = getattr(self._workflow.executor_settings, "submit_cmd", None) or ""
        if "slurm_submit" not in submits:
            return
        try:
            ended = slurm.cancel(Path.cwd(), locks.is_gone)
        except UserError as error:
            self._end()
            console.refuse(str(error))
        self._stopping.elsewhere = self._end_own_jobs
        if ended:
            self._say(f"{count(ended, 'Slurm job')} of a call that was killed: cancelled")

    def _end_own_jobs(self) -> None:
        try:
            slurm.cancel(Path.cwd(), lambda workflow: workflow == parent.workflow())
        except UserError as error:
            print(f"warning: {error}", file=sys.stderr)

    def _be_strict(self) -> None:
        """Check, if asked to, that captions and settings do not spoil a training that will start.

        What the pictures say is checked in front of the trainer, once they are normalized.
        """
        for run_id, jobs in self._jobs().items():
            plan = self._plans[run_id]
            if "train_lora" in jobs and plan.config.strict and plan.risks:
                self._end()
                console.refuse(risks.refusal(plan.risks))

    def _ask_docker(self) -> None:
        """Check that Docker answers, if a training will start in it, before a picture is read."""
        if not any("train_lora" in jobs for jobs in self._jobs().values()):
            return
        try:
            trainers.check_docker(self._config)
        except UserError as error:
            self._end()
            console.refuse(str(error))

    def _ask_servers(self) -> None:
        """Check the servers, if cells will be rendered, before a job starts or a file is deleted.

        The job bench_preflight is no substitute: it runs only for a new LoRA or workflow, and
        only after the training, which may take a night.
        """
        for run_id, jobs in self._jobs().items():
            if "bench_image" in jobs and not self._can_render(self._plans[run_id], jobs):
                self._end()
                if not self._stopping.begun:
                    self._say("Stopped before the first job.")
                # Snakemake would print a WorkflowError with places in the rules.
                sys.exit(stopping.STATUS if self._stopping.begun else 1)

    def _can_render(self, plan: RunPlan, jobs: Jobs) -> bool:
        in_a_job = plan.embedded_server and not self._workflow.local_exec
        if in_a_job and self._bucket:
            return True  # the jobs' machines may have other models
        receipts = plan.receipts("")
        there = plan.several and all(map(existing.is_there, receipts))
        installed = "install_lora" not in jobs or there
        if self._bucket and installed:  # else a cell brings it here
            installed = all(read_receipt(one).path.is_file() for one in receipts)
        known = {
            "--kept": plan.paths.graph if "bench_preflight" not in jobs else None,
            "--log": plan.paths.logs / "bench_preflight.log",
        }
        # Without a LoRA, no embedded server is started: a cluster's starts in the job.
        with_lora = installed and not in_a_job
        chosen = commands.preflight(plan, receipts=receipts if with_lora else ())
        words = shlex.split(f"{chosen} {commands.options(known)}")
        program = [sys.executable, self._scripts / "bench_preflight.py"]
        return subprocess.run([*program, *words]).returncode == 0
