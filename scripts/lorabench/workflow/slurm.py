"""Slurm under Snakemake: what a job asks for, how it goes, and what a killed call left."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lorabench import parent
from lorabench.errors import UserError

LOGS = Path(".snakemake/slurm")
_PROPERTIES = "# properties = "
_PREFIX = "lorabench."
_OF = "@"
_START_MINUTES = 15
"""Until a job's work begins: packages and models may come from a slow disk that all share."""
_ON_ITS_WAY = frozenset(
    {
        *("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "STOPPED"),
        *("SUSPENDED", "RESIZING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"),
    }
)
_NEVER = {
    "PartitionTimeLimit": "its partition ends jobs earlier",
    "AssocMaxWallDurationPerJobLimit": "your account may not run a job for so long",
    "QOSMaxWallDurationPerJobLimit": "its quality of service ends jobs earlier",
    "BadConstraints": "no node has all that it asks for",
}
"""Reasons of waiting that waiting does not end, and what they mean. Others may pass."""
_PREEMPTED = "PREEMPTED"
"""Slurm's pages: terminated; it may become another state, that is, where such jobs are requeued."""
_UNKNOWN = "Invalid job id"
_NOT_HERE = 127
_PATIENCE = 60
_AGAIN = 10
"""Seconds after which a preempted job is queued, if it is."""


def submit(script: Path, given: Sequence[str]) -> str:
    """Submit a job's script with further options of sbatch; return the job's number."""
    LOGS.mkdir(parents=True, exist_ok=True)
    command = ["sbatch", "--parsable", *asked(_properties(script)), *given, str(script)]
    done = _run(*command)
    if done.returncode == _NOT_HERE:
        raise UserError("sbatch is not here: type the command where Slurm's programs are")
    if done.returncode:
        raise UserError(f"Slurm refuses a job: {done.stderr.strip()} ({' '.join(command)})")
    return done.stdout.strip().partition(";")[0]  # behind it may stand the cluster


def asked(properties: Mapping[str, Any]) -> list[str]:
    """Return what a job, or a group of jobs, asks for, as options of sbatch."""
    needs = properties["resources"]
    gpus = needs.get("gpu") and f"gpu:{needs['gpu']}"
    options = {
        "job-name": _named(properties.get("rule") or properties["groupid"]),
        "output": log("%j"),
        "open-mode": "append",  # a job that begins again leaves what it said before
        "nodes": 1,
        "ntasks": 1,
        # A cell counts no threads, because it waits for a server; in its job this is at work, too.
        "cpus-per-task": max(1, properties["threads"], needs.get("cpus_per_task", 0)),
        "mem": needs.get("mem_mb") and f"{needs['mem_mb']}M",
        "time": needs.get("runtime") and needs["runtime"] + _START_MINUTES,
        "gres": needs.get("gres") or gpus,
        "partition": needs.get("slurm_partition"),
    }
    return [f"--{name}={value}" for name, value in options.items() if value]


def log(job: str) -> Path:
    """Return where a Slurm job writes."""
    return LOGS / f"{job}.log"


def status(job: str) -> str:
    """Return `running`, `success` or `failed`, as Snakemake's executor wants it."""
    state = _state(job)
    if state == _PREEMPTED:
        time.sleep(_AGAIN)
        state = _state(job)
    if state == "PENDING" and (why := _never_starts(job)):
        _run("scancel", job)
        _say(job, why)
        return "failed"
    if state in _ON_ITS_WAY:
        return "running"
    if state == "COMPLETED":
        return "success"
    if state != "FAILED":  # else it has said itself why
        _say(job, f"Slurm ended the job {job}: {state}")
    return "failed"


def cancel(folder: Path, of: Callable[[str], bool]) -> int:
    """End the jobs in `folder` of the workflows that `of` chooses by name; return how many.

    Those of a killed one would write into the files of its successor. Raises `UserError` if Slurm
    does not answer.
    """
    left = jobs = _jobs(folder, of)
    if jobs:
        _run("scancel", *jobs)
    begun = time.monotonic()
    while left and time.monotonic() - begun < _PATIENCE:
        time.sleep(1)
        left = _jobs(folder, of)
    return len(jobs)


def _named(work: str) -> str:
    """Return the name of a job: what it does, and the workflow that it is of."""
    return f"{_PREFIX}{work}{_OF}{parent.workflow()}"


def _properties(script: Path) -> dict[str, Any]:
    """Return what Snakemake wrote of a job into its script."""
    with script.open(encoding="utf-8") as lines:
        found = next(line for line in lines if line.startswith(_PROPERTIES))
    return json.loads(found.removeprefix(_PROPERTIES))


def _state(job: str) -> str:
    """Return Slurm's word for how a job goes; one that cannot be asked for now runs."""
    asked = _run("squeue", f"--jobs={job}", "--states=all", "--noheader", "--format=%T")
    if not asked.returncode and asked.stdout.strip():
        return asked.stdout.split()[0]
    if asked.returncode and _UNKNOWN not in asked.stderr:
        return "RUNNING"
    # squeue forgets a job after some minutes; a cluster with accounts does not.
    kept = _run("sacct", f"--jobs={job}", "-X", "--noheader", "--parsable2", "--format=State")
    return kept.stdout.split()[0] if not kept.returncode and kept.stdout.strip() else "forgotten"


def _never_starts(job: str) -> str:
    """Return why a job that waits can never start, and what to do; empty if it may."""
    told = _run("squeue", f"--jobs={job}", "--noheader", "--format=%r|%P|%l|%j").stdout.strip()
    reason, *of_job = told.split("|")
    if reason not in _NEVER or len(of_job) != 3 or "," in of_job[0]:  # another partition may
        return ""
    partition, limit, name = of_job
    rule, *_ = name.removeprefix(_PREFIX).partition(_OF)
    return (
        f"Slurm can never start the job {job} ({rule}), which is cancelled: {_NEVER[reason]} "
        f"({reason}; partition {partition}, {limit} asked for). In the profile, ask for less "
        f"(set-resources: [<rule>:runtime=<minutes>], smaller group-components for cells) or for "
        "another partition (slurm_partition)"
    )


def _say(job: str, error: str) -> None:
    with log(job).open("a", encoding="utf-8") as file:
        file.write(f"\nerror: {error}\n")


def _jobs(folder: Path, of: Callable[[str], bool]) -> list[str]:
    """Return the numbers of the jobs in a folder that are of some workflows."""
    # A name may hold blanks, but no slash, and with one begins the folder.
    listed = _run("squeue", "--me", "--noheader", "--format=%i %j%Z")
    if listed.returncode == _NOT_HERE:
        raise UserError("squeue is not here: type the command where Slurm's programs are")
    if listed.returncode:
        raise UserError(
            f"Slurm does not answer ({listed.stderr.strip()}), so jobs of this folder may run on; "
            "once it does, the next call here cancels them, or you by `squeue --me` and `scancel`"
        )
    found = []
    for line in listed.stdout.splitlines():
        number, _, rest = line.partition(" ")
        name, slash, place = rest.partition("/")
        ours = name.startswith(_PREFIX) and Path(slash + place) == folder
        if ours and of(name.rpartition(_OF)[2]):
            found.append(number)
    return found


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, _NOT_HERE, "", str(error))
