"""A Slurm of two nodes on this machine."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

NODES = ("node1", "node2")
PROGRAMS = ("slurmctld", "slurmd", "munged")

_CONFIG = """
ClusterName={name}
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
SlurmdParameters=config_overrides
GresTypes=gpu
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
SlurmdTimeout=300
MinJobAge=300
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_NODE = (
    "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port}"
    " CPUs=8 RealMemory=64000 Gres=gpu:4\n"
)


class Cluster:
    """Two nodes of eight processors and four GPUs each, as Slurm believes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._port, *self._ports = _free_ports(1 + len(NODES))
        self._name = f"lorabench{self._port}"
        self._daemons: dict[str, subprocess.Popen] = {}
        path = f"{os.environ['PATH']}:/usr/sbin"
        self.env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}

    def start(self):
        nodes = [
            _NODE.format(name=name, port=port)
            for name, port in zip(NODES, self._ports, strict=True)
        ]
        config = _CONFIG.format(
            name=self._name, port=self._port, user=getpass.getuser(), folder=self.folder
        )
        (self.folder / "slurm.conf").write_text(config + "".join(nodes))
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-3]\n")
        for number in range(4):
            (self.folder / f"gpu{number}").touch()
        for name in ("state", *NODES):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        kinds = ("socket", "key-file", "pid-file", "log-file", "seed-file")
        files = [f"--{kind}={self.folder}/munge.{kind.removesuffix('-file')}" for kind in kinds]
        self._start("munged", "munged", "--foreground", "--force", *files)
        wait_for((self.folder / "munge.socket").exists)
        self._start("slurmctld", "slurmctld", "-D", "-c")
        for node in NODES:
            self._start(node, *_named(node), "slurmd", "-D", "-N", node)
        wait_for(lambda: self.ask("sinfo", "--noheader", "--format=%T %D") == "idle 2")

    def stop(self):
        for process in [*self._of_jobs(NODES), *self._daemons.values()]:
            _kill(process)
        for daemon in self._daemons.values():
            daemon.wait()

    def ask(self, *command):
        done = subprocess.run(command, env=self.env, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def busy(self, *rule):
        """Return the node of each job that runs, of one rule or of any."""
        listed = self.ask("squeue", "--noheader", "--states=R", "--format=%N %j").splitlines()
        jobs = [line.split(" ", 1) for line in listed]
        of_rule = tuple(f"lorabench.{one}@" for one in rule) or ""
        return [node for node, name in jobs if name.startswith(of_rule)]

    def lose(self, node):
        """End all that runs on a node at once, as a loss of power does; Slurm notices it."""
        for process in [self._daemons[node], *self._of_jobs([node])]:
            _kill(process)
        self.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def _start(self, called, *command):
        self._daemons[called] = subprocess.Popen(
            command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / f"{called}.out").open("wb"),
            stderr=subprocess.STDOUT,
        )

    def _of_jobs(self, nodes):
        """Return the processes of the jobs on some nodes; first those that report their end."""
        watching = [process for process in psutil.process_iter() if self._watches(process, nodes)]
        return watching + [one for one in psutil.process_iter() if self._works(one, nodes)]

    def _watches(self, process, nodes):
        logs = {str(self.folder / f"{node}.log") for node in nodes}
        with suppress(psutil.Error):
            of_slurm = process.name() == "slurmstepd"
            return of_slurm and any(file.path in logs for file in process.open_files())
        return False

    def _works(self, process, nodes):
        with suppress(psutil.Error):
            env = process.environ()
            ours = env.get("SLURM_CLUSTER_NAME") == self._name
            return ours and env.get("SLURMD_NODENAME") in nodes
        return False


@contextmanager
def cluster():
    """Start a Slurm, and end it with all that it runs."""
    # The paths of sockets must be short.
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        slurm = Cluster(Path(folder))
        try:
            slurm.start()
            yield slurm
        finally:
            slurm.stop()


def _named(host):
    """Return how to start a program that finds this host's name, which takes the rights of root.

    Without, the programs of jobs would take those of the call for programs of their machine.
    """
    if os.geteuid():
        return []
    return ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host]


def is_installed():
    return all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in PROGRAMS)


def _kill(process):
    with suppress(psutil.NoSuchProcess):
        process.kill()


def wait_for(happened, seconds=120):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.1)
    return True


def _free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
