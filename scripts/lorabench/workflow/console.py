"""Show a run of the workflow: the plan, a line and a bar per stage, and errors.

Snakemake's own output, a screenful per job, stays in its log (`.snakemake/log/`), or comes with
`--verbose`. A handler here replaces Snakemake's own for the terminal and reads its events, without
importing Snakemake.
"""

import errno
import logging
import os
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lorabench.text import relay
from lorabench.text.plain import plain
from lorabench.text.screen import Screen
from lorabench.workflow import job_logs, slurm
from lorabench.workflow.stopping import Stopping

_NOISE = (
    "Building DAG of jobs",
    "Assuming unrestricted shared filesystem",
    "host: ",
    "Exiting because a job execution failed",
    "--keep-incomplete mode is set",
    "Restored previous version of",  # it was never taken away, see replacing.py
    "Ignore corrupted or currently written metadata record",  # of a disk that was full
)
_FULL = os.strerror(errno.ENOSPC)
_NO_ROOM = (
    f"error: {_FULL}, for Snakemake's own files (.snakemake) or those of a run; make room there,"
    " and run the same command again: it goes on"
)
_NOTHING = "Nothing to be done"
_OF_FAILED_JOBS = ("RuleException", "CalledProcessError", "SpawnedJobError")
_MOMENT = 0.3
"""Seconds until the workflow knows of a signal that its jobs got, too."""
_AT_THE_END = "At least one job did not complete successfully"
_LOCKED = (
    "error: another call is at work on this run or its normalized set{holder}: wait for it. If that"
    " was ended by a power loss or on a machine that is off, type the command once with --unlock,"
    " and then again without it"
)
_SETTING = re.compile(r"[a-z_]+=")
_CELLS = "bench_image"
"""The rule whose jobs share a line and a bar."""
_MINOR = frozenset(
    {
        "record_run",
        "snapshot_dataset",
        "record_sweep",
        "copy_lora",
        "install_lora",
        "bench_preflight",
    }
)
"""Rules that take only a moment and get no line."""

Counts = Mapping[str, int]


class Event(logging.LogRecord):
    """A record of Snakemake's that has an `event`, with what such records carry."""

    stats: Counts
    rule_name: str
    rule_msg: str | None
    jobid: int
    job_id: int
    wildcards: Mapping[str, str] | None
    log: Sequence[str]
    exception: str | None
    aux: Mapping[str, Any]
    job_error_info: Sequence[Mapping[str, Any]]


class Console(logging.Handler):
    """The screen as a handler of Snakemake's log records, in place of its own."""

    def __init__(
        self,
        screen: Screen,
        default: logging.Handler | None = None,
        stopping: Stopping | None = None,
    ) -> None:
        """Pass on to `default`, Snakemake's own handler, what does not belong to a run.

        Once `stopping` has begun, failures are not reported: stopping is their cause.
        """
        super().__init__()
        self.screen = screen
        self.plan: Callable[[Counts], Iterable[str]] = lambda counts: ()
        self.nothing_to_do: Callable[[], None] = lambda: None
        self.end_dry_run: Callable[[], bool] = lambda: False
        """End with the plan, if nothing is to be made; return whether it is so."""
        self.holder: Callable[[], str] = lambda: ""
        """Return who is at work on what this call asks for."""
        self.pictures_a_cell = 1
        self.called: Mapping[str, str] = {}
        """What jobs are said to be for, by run, where there are several."""
        self.copies = ""
        """Where jobs find the files of a bucket; people know them by their paths there."""
        self._default = default
        self._stopping = stopping or Stopping()
        self._running = False
        self._counts: Counts = {}
        self._rules: dict[int, str] = {}
        self._done: Counter[str] = Counter()
        self._begun: set[str] = set()
        self._faults: set[str] = set()
        self._not_alone: set[int] = set()
        self._started = time.time()
        self._ended: deque[float] = deque(maxlen=20)
        self._receiver: relay.Receiver | None = None

    def say(self, text: str) -> None:
        """Write lines that stay."""
        self.screen.line(self._known(text))

    def emit(self, record: logging.LogRecord) -> None:
        """React to one of Snakemake's records."""
        event = getattr(record, "event", None)
        react = getattr(self, f"_{event}", None) if event else None
        if react:
            react(record)
        elif not event:
            self._message(record)

    def take(self, message: relay.Message) -> None:
        """Show what a job's program sent: a line, or the state of a bar."""
        if "bar" not in message:
            self._heard(message)
        elif message["over"]:
            self.screen.over(message["bar"], message["leave"])
        else:
            values = ("name", "done", "total", "seconds", "rate", "unit", "note")
            self.screen.bar(message["bar"], **{name: message[name] for name in values})

    def fault(self, text: str, log: str | None = None) -> None:
        """Print an error once, with the log that has more."""
        if text not in self._faults and not self._stopping.begun:
            self._faults.add(text)
            self.say(text + (f"\n  the whole log: {log}" if log else ""))

    def listen(self) -> None:
        """Receive the messages of programs that start from now on."""
        self._receiver = self._receiver or relay.Receiver(self.take, self.screen.tick)

    def end(self) -> None:
        """Remove the bars before the closing lines."""
        if self._receiver:
            self._receiver.close()
            self._receiver = None
        self.screen.clear()

    def _heard(self, message: relay.Message) -> None:
        if message["level"] >= logging.ERROR:
            self.fault(message["text"], message["log"])
        else:
            self.say(message["text"])

    # ------------------------------------------------------------ Snakemake's events

    def _workflow_started(self, record: Event) -> None:
        self._running = True

    def _run_info(self, record: Event) -> None:
        self._counts = record.stats
        for line in self.plan(self._counts):
            self.say(line)
        if self.end_dry_run():
            self.say("Dry run: nothing was made.")

    def _job_info(self, record: Event) -> None:
        rule = record.rule_name
        self._rules[record.jobid] = rule
        several = self._are_cells(rule)
        what = f"Rendering {self._pictures(rule)} pictures" if several else self._named(record)
        if not self._receiver or not record.rule_msg or what in self._begun:
            return
        self._begun.add(what)
        if rule not in _MINOR:
            self.say(what)
        if several:
            self._show_cells(rule)
        else:
            self.screen.bar(f"job {record.jobid}", what)

    def _job_finished(self, record: Event) -> None:
        rule = self._rules.get(record.job_id, "")
        self._done[rule] += 1
        self.screen.over(f"job {record.job_id}", leave=False)
        if self._are_cells(rule):
            self._show_cells(rule)
            if self._done[rule] == self._counts[rule]:
                self.screen.over(rule)

    def _job_error(self, record: Event) -> None:
        self.screen.over(f"job {record.jobid}", leave=False)
        log = next(iter(record.log), None)
        said = self._said(log) or _of_cluster(record.aux)
        if not said:
            time.sleep(_MOMENT)  # of a Ctrl-C, which may have come to the job first
        if said or record.jobid not in self._not_alone:
            self.fault(said or f"error: {record.rule_name} ended without a word of its own", log)

    def _group_error(self, record: Event) -> None:
        """Say of jobs that a cluster ran as one only what those say that failed."""
        jobs = record.job_error_info
        self._not_alone |= {job["jobid"] for job in jobs}
        if not any(self._said(next(iter(job["log"]), None)) for job in jobs):
            rules = ", ".join(sorted({job["rule_name"] for job in jobs}))
            without = f"error: {len(jobs)} jobs that ran as one ({rules}) ended without a word"
            self.fault(_of_cluster(vars(record)) or without)

    def _said(self, log: str | None) -> str:
        """Return the last error in the log of a job, if it began in this call."""
        path = Path(log or "")
        begun = path.is_file() and path.stat().st_mtime > self._started - 1
        return job_logs.error(path) if begun else ""

    def _error(self, record: Event) -> None:
        text = record.getMessage()
        if self._running and (record.exception in _OF_FAILED_JOBS or _AT_THE_END in text):
            return
        if record.exception == "LockException":
            holder = self.holder()
            self.fault(_LOCKED.format(holder=f" ({holder})" if holder else ""))
            return
        if _FULL in text:
            self.fault(_NO_ROOM)
            return
        self._leave(record)

    def _message(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith(_NOTHING) and self._running:
            self.say(_NOTHING + ".")
            self.nothing_to_do()
        elif (record.levelno >= logging.WARNING or not self._running) and (
            not text.startswith(_NOISE)
        ):
            self._leave(record)

    def _leave(self, record: logging.LogRecord) -> None:
        if self._default:
            self._default.handle(record)

    def _named(self, record: Event) -> str:
        """Return what a job does, and its run if there are several."""
        run = self.called.get(dict(record.wildcards or {}).get("run_id", ""))
        does = self._known(str(record.rule_msg))
        return f"{run}: {does}" if run else does

    def _known(self, text: str) -> str:
        """Return a text with the paths that people know."""
        return text.replace(self.copies, "") if self.copies else text

    # ------------------------------------------------------------ the cells

    def _are_cells(self, rule: str) -> bool:
        return rule == _CELLS and self._counts.get(rule, 1) > 1

    def _show_cells(self, rule: str) -> None:
        done = self._done[rule]
        if not done:
            self.screen.bar(rule, "rendering: waiting for the first picture")
            return
        self._ended.append(time.monotonic())
        between = self._ended[-1] - self._ended[0]  # the first one waits for the server's start
        rate = (len(self._ended) - 1) * self.pictures_a_cell / between if between else None
        self.screen.bar(rule, "rendering", done=done * self.pictures_a_cell, rate=rate,
                        total=self._pictures(rule), unit="picture")  # fmt: skip

    def _pictures(self, rule: str) -> int:
        return self._counts[rule] * self.pictures_a_cell


def _of_cluster(about: Mapping[str, Any]) -> str:
    """Return what a cluster says of a job that failed, by the number that it has there."""
    job = about.get("external_jobid")
    return job_logs.error(slurm.log(job)) if job else ""


def attach(manager: Any, stopping: Stopping) -> Console | None:
    """Put a console in place of Snakemake's terminal handler (`manager` is its LoggerManager).

    None where the user has asked for more or less of Snakemake's talk, or for another logger.
    """
    logging.raiseExceptions = False  # a log that a full disk cuts short is no second error
    asked = manager.settings
    if asked.verbose or asked.quiet or asked.printshellcmds or asked.debug_dag:
        return None
    for handler in manager.logger.handlers:
        if handler.name == "DefaultStreamHandler":
            console = Console(Screen(handler.stream), handler, stopping)
            manager.logger.removeHandler(handler)
            manager.logger.addHandler(console)
            return console
    return None


def refuse(message: str) -> NoReturn:
    """End with a message about what the user can mend; an exception would bring a traceback."""
    loose = [word for word in sys.argv[1:] if _SETTING.match(word)]
    if loose and not {"--config", "-C"} & set(sys.argv):
        message = f"{loose[0]} is a setting: write --config before it"
    print(f"error: {plain(message)}", file=sys.stderr)
    sys.exit(1)
