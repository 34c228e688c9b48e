"""A Kubernetes API server on loopback: it keeps the jobs that it gets, and runs them as programs.

It answers what Snakemake's executor asks for, and no more.
"""

import base64
import json
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import yaml
from kubernetes.client import ApiClient


class Cluster:
    """The jobs as they were sent, by name, and their pods."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.jobs = {}
        self.pods = {}
        self.runs = True
        """Whether pods do their work; else they fail at once."""
        self._secrets = {}

    def create(self, kind, body):
        """Keep a secret, or keep and start a job."""
        name = body["metadata"]["name"]
        if kind == "secrets":
            self._secrets[name] = body["data"]
            return body
        self.jobs[name] = body
        self.pods[name] = self._start(name, body["spec"]["template"]["spec"]["containers"][0])
        return body

    def status(self, name):
        code = self.pods[name].poll()
        return {"active": 1} if code is None else {"failed" if code else "succeeded": 1}

    def _start(self, name, container):
        """Run a pod in an empty folder; its image has the plugin, so `pip` has nothing to do."""
        workdir, programs = self.folder / name, self.folder / "bin"
        workdir.mkdir(parents=True)
        programs.mkdir(exist_ok=True)
        (programs / "pip").write_text("#!/bin/sh\n")
        (programs / "pip").chmod(0o755)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(workdir)}
        for one in container.get("env", ()):
            reference = one["valueFrom"]["secretKeyRef"]
            data = self._secrets[reference["name"]][reference["key"]]
            environment[one["name"]] = base64.b64decode(data).decode()
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*container["command"], *container["args"]] if self.runs else ["false"],
                cwd=workdir,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def logs(self):
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextmanager
def served(folder: Path):
    """Serve a cluster; `.config` is the file by which clients find it."""
    folder.mkdir()
    cluster = Cluster(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            kind = self.path.split("?")[0].rpartition("/")[2]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(cluster.create(kind, body), 201)

        def do_GET(self):
            *_, name, last = self.path.split("?")[0].split("/")
            if last == "pods":
                self._answer({"items": []})
            else:
                self._answer({**cluster.jobs[name], "status": cluster.status(name)})

        def do_DELETE(self):
            self._answer({})

        def _answer(self, content, code=200):
            data = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster.config = folder / "config.yaml"
    url = f"http://127.0.0.1:{server.server_port}"
    there = {"cluster": "test", "user": "test"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": there}],
        "current-context": "test",
    }
    cluster.config.write_text(yaml.safe_dump(content))
    yield cluster
    server.shutdown()
    for pod in cluster.pods.values():
        pod.kill()


def by_schema(job):
    """Return a job as Kubernetes' published schema reads it: what it does not know is left out.

    Raises `ValueError` for what the schema requires and the job lacks.
    """
    client = ApiClient()
    read = client.deserialize(SimpleNamespace(data=json.dumps(job)), "V1Job")
    return client.sanitize_for_serialization(read)
