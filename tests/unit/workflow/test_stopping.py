"""What is ended at a signal, and which thread it may come to."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from lorabench.workflow import stopping
from tests.project import ROOT


def test_what_asks_a_cluster_is_no_jobs_program(tmp_path):
    scancel = tmp_path / "scancel"
    scancel.write_text("#!/bin/sh\nsleep 60\n")
    scancel.chmod(0o755)
    asking = "trap '' INT; sleep 62; : scripts/slurm_status.py '17'"
    calls = (["sleep", "61"], [str(scancel)], ["sh", "-c", asking])
    started = [subprocess.Popen(call) for call in calls]
    try:
        time.sleep(0.5)
        found = {process.pid for process in stopping._programs(psutil.Process())}
        assert found & {process.pid for process in started} == {started[0].pid}
    finally:
        for process in psutil.Process().children(recursive=True):
            process.kill()
        for process in started:
            process.wait()


_SLEEPS = """
import signal, threading
from lorabench.workflow.stopping import Stopping

signal.signal(signal.{name}, signal.SIG_DFL)  # the tests may run in the background
stopping = Stopping()
stopping.heed()
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{name}])  # so the other thread takes it
print("ready", flush=True)
threading.Semaphore(0).acquire()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_that_another_thread_takes_wakes_the_one_that_stops(name):
    command = [sys.executable, "-c", _SLEEPS.format(name=name)]
    shown = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": ROOT / "scripts"}
    with subprocess.Popen(command, **shown) as sleeps:
        try:
            assert sleeps.stdout.readline() == b"ready\n"
            time.sleep(0.5)  # until it sleeps
            sleeps.send_signal(signal.Signals[name])
            assert sleeps.wait(timeout=30) == stopping.STATUS
            assert b"Stopped" in sleeps.stderr.read()
        finally:
            sleeps.kill()
