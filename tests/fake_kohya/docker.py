"""`docker exec`: what it starts is no child's child, hears no signal of it and sees other paths.

    python docker.py exec [-T] SERVICE COMMAND...

What FAKE_DOCKER says goes wrong: `down` (no daemon), `no-stdin` (standard input is not passed on).
"""

import os
import subprocess
import sys
import threading

fault = os.environ.get("FAKE_DOCKER", "")
if fault == "down":
    sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
command = sys.argv[sys.argv.index("python") :]
inside = subprocess.Popen(
    [sys.executable, *command[1:]],
    stdin=subprocess.DEVNULL if fault == "no-stdin" else subprocess.PIPE,
    start_new_session=True,
)


def pass_on():
    while part := os.read(0, 1024):
        inside.stdin.write(part)
        inside.stdin.flush()
    inside.stdin.close()


if inside.stdin:
    threading.Thread(target=pass_on, daemon=True).start()
sys.exit(inside.wait())
