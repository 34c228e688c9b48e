"""`accelerate launch`: starts a program as a child, and leaves it behind when it is ended."""

import argparse
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--cpu", action="store_true")
for name in (
    "num_processes",
    "num_machines",
    "mixed_precision",
    "dynamo_backend",
    "num_cpu_threads_per_process",
    "gpu_ids",
):
    parser.add_argument(f"--{name}")
parser.add_argument("program", nargs=argparse.REMAINDER)
arguments = parser.parse_args()
done = subprocess.run([sys.executable, *arguments.program])
if done.returncode:
    # As accelerate does: an exception of its own, behind that of the program.
    raise subprocess.CalledProcessError(done.returncode, arguments.program)
