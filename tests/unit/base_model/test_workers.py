"""A training in several processes: gradients are averaged, and nobody outlives who started them."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from base_model import workers

SLEEPING = """
import signal, time
from base_model import workers

signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what runs in the background
signal.signal(signal.SIGTERM, signal.default_int_handler)  # as every program of ours does

def sleep(rank):
    print("ready", flush=True)
    time.sleep(120)

if __name__ == "__main__":
    workers.run(2, sleep)
"""


def _average(rank: int, folder: Path) -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.full((2,), float(rank))
    workers.average_gradients([weight])
    torch.save(weight.grad, folder / str(rank))


def test_gradients_are_averaged_over_the_processes(tmp_path: Path) -> None:
    workers.run(2, _average, tmp_path)
    for rank in range(2):
        assert torch.load(tmp_path / str(rank)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_ended_it_takes_its_processes_along(sent: signal.Signals, tmp_path: Path) -> None:
    program = tmp_path / "sleeping.py"
    program.write_text(SLEEPING)
    command = [sys.executable, str(program)]
    path = {"PYTHONPATH": "scripts:.", "PATH": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=path) as started:
        assert [started.stdout.readline() for _ in range(2)] == [b"ready\n"] * 2
        children = psutil.Process(started.pid).children()
        started.send_signal(sent)
        started.wait(timeout=30)
        gone, alive = psutil.wait_procs(children, timeout=30)
    assert len(gone) >= 2 and not alive
