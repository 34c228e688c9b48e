"""`docker`: what it starts is no child's child, hears no signal of it and sees other paths.

    docker.py exec [-T] SERVICE COMMAND...
    docker.py compose -f FILE run --rm -T [--volume=HERE:THERE]... SERVICE COMMAND...
    docker.py compose version
    docker.py info ...

A container of `run` sees what the compose file and the volumes mount, and nothing else of ours;
each is noted in the file that FAKE_DOCKER_RECORD names. FAKE_DOCKER says what goes wrong: `down`
(no daemon), `no-compose`, `no-card`, `no-stdin` (standard input is not passed on), or what is
special: `rootless`, `pulls` (the image is not there yet).
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

SD_SCRIPTS = Path(__file__).parent / "sd_scripts"
FAULT = os.environ.get("FAKE_DOCKER", "")
NO_CARD = 'Error response from daemon: could not select device driver "nvidia" with capabilities'
PULLING = ("Image x Pulling ", "a1 Downloading [==>  ] 1MB", "a1 Pull complete", "Image x Pulled ")


def main(words):
    if FAULT == "down" and words != ["compose", "version"]:
        sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
    if FAULT == "no-compose" and words[0] == "compose":
        sys.exit("docker: unknown command: docker compose")
    if words[0] == "info":
        print(json.dumps({"SecurityOptions": ["name=rootless"] if FAULT == "rootless" else []}))
    elif words == ["compose", "version"]:
        print("Docker Compose version v2.40.0")
    else:
        at = words.index("python")
        mounts = mounted(words[:at]) if "run" in words else {}
        sys.exit(start([real(word, mounts) for word in words[at + 1 :]], mounts))


def mounted(words):
    """Read what `compose run` mounts; {there: here}."""
    import yaml

    assert words[:2] == ["compose", "-f"] and words[3:6] == ["run", "--rm", "-T"], words
    *volumes, name = words[6:]
    file = Path(words[2])
    service = yaml.safe_load(file.read_text("utf-8"))["services"][name]
    if record := os.environ.get("FAKE_DOCKER_RECORD"):
        with Path(record).open("a") as notes:
            print(json.dumps({"user": os.environ.get("PUID"), "volumes": volumes}), file=notes)
    if FAULT == "no-card":
        sys.exit(NO_CARD)
    if FAULT == "pulls":
        print(*PULLING, sep="\n", file=sys.stderr)
    mounts = {one["target"]: str((file.parent / one["source"]).resolve())
              for one in service["volumes"]}  # fmt: skip
    for volume in volumes:
        here, there = volume.removeprefix("--volume=").split(":")
        mounts[there] = here
    return mounts


def real(word, mounts):
    """Return a program of sd-scripts where it is, for its path in the container."""
    inside = mounts and word.startswith("/app/sd-scripts/")
    return str(SD_SCRIPTS / Path(word).name) if inside else word


def inside_of(mounts):
    """Return the environment in a container of `run`: it has packages of its own."""
    path = [str(SD_SCRIPTS.parent / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"FAKE_MOUNTS": json.dumps(mounts), "PYTHONPATH": os.pathsep.join(path)}


def start(command, mounts):
    inside = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL if FAULT == "no-stdin" else subprocess.PIPE,
        env=os.environ | (inside_of(mounts) if mounts else {}),
        start_new_session=True,
    )
    if inside.stdin:
        threading.Thread(target=pass_on, args=(inside.stdin,), daemon=True).start()
    return inside.wait()


def pass_on(stdin):
    while part := os.read(0, 1024):
        stdin.write(part)
        stdin.flush()
    stdin.close()


main(sys.argv[1:])
