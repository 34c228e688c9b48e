"""What is ended at a signal."""

import subprocess
import time

import psutil

from lorabench.workflow import stopping


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
