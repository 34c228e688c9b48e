"""Render cells through a proxy that misbehaves: each ends right, or with an error that has a name.

The time limits of a request are 0.3 s here, in place of a minute, and a stall is a second. With
--stall, the program of a cell runs with its real limits, and one kind of request stalls so long.
"""

import argparse
import contextlib
import io
import json
import logging
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

import bench_image
from lorabench import cli
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.http import Session
from lorabench.comfy.client.transport import Pace
from tests.faults.server import Work, working

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "config/workflows/drawnworld_lora_bench.json"
PACE = Pace(poll=0.005, slowest_poll=0.01, queue_look=0.02, backoff=0.002, greeting=5, patience=5,
            listen=99)  # fmt: skip
LIMIT = 0.3
SHARE = 0.25
"""How many of the exchanges are faulty."""
STALLS = 0.1
"""How many of those that stall do so: they take a second."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Gone(Exception):
    """The connection is to be reset, after so many bytes of the body."""


@dataclass
class Proxy:
    """What goes wrong, by number; `on` from when the cells begin."""

    random: random.Random
    server: str
    work: Work
    counts: Counter[str] = field(default_factory=Counter)

    def exchange(self, ask: Callable[[], Answer], path: str) -> tuple[Answer, int | None]:
        """Return an answer, and after how many bytes the connection breaks, if it does."""
        if self.random.random() > SHARE or path == "/ws":
            return ask(), None
        name = self.random.choice(list(FAULTS))
        if name == "stalled" and self.random.random() > STALLS:
            name = "slow"
        self.counts[name] += 1
        return FAULTS[name](self, ask, path)


Found = tuple[Answer, int | None]


def _refused(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    return Answer(200, {}, b""), 0


def _cut(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    answer = ask()
    return answer, proxy.random.randint(0, max(0, len(answer.body) - 1))


def _status(*numbers: int) -> Callable[..., Found]:
    def fault(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
        if proxy.random.random() < 0.5:
            ask()  # the server has heard it
        return Answer(proxy.random.choice(numbers), {}, b"<html>no</html>"), None

    return fault


def _slow(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    time.sleep(proxy.random.uniform(0, LIMIT / 3))
    return ask(), None


def _stalled(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    answer = ask()
    time.sleep(1)
    return answer, None


def _truncated(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    answer = ask()
    answer.body = answer.body[: proxy.random.randint(0, max(0, len(answer.body) - 1))]
    return answer, None


def _page(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    return Answer(200, {"Content-Type": "text/html"}, b"<html>one moment</html>"), None


def _type(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    answer = ask()
    answer.headers["Content-Type"] = proxy.random.choice(["text/plain", "", "image/jpeg"])
    return answer, None


def _double(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    """Give every prompt's history, as a proxy that ignores the path's end does."""
    answer = ask()
    if path.startswith("/history/"):
        every = {**proxy.work.fake.history, **json.loads(answer.body or b"{}")}
        answer.body = json.dumps(every).encode()
    return answer, None


def _restart(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    proxy.work.forget()
    return Answer(503, {}, b""), None


def _clock(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    """Set the server's clock, and ours, by up to a day."""
    proxy.work.fake.log[:] = [(f"{proxy.random.randint(1990, 2050)}", text)
                              for _, text in proxy.work.fake.log]  # fmt: skip
    CLOCK.offset = proxy.random.uniform(-86_400, 86_400)
    return ask(), None


def _odd(proxy: Proxy, ask: Callable[[], Answer], path: str) -> Found:
    """Change one value of a JSON answer."""
    answer = ask()
    with contextlib.suppress(ValueError):
        answer.body = json.dumps(changed(json.loads(answer.body), proxy.random)).encode()
    return answer, None


FAULTS: dict[str, Callable[[Proxy, Callable[[], Answer], str], Found]] = {
    "refused": _refused,
    "reset in the body": _cut,
    "500": _status(500),
    "502, 503, 504": _status(502, 503, 504),
    "404": _status(404),
    "slow": _slow,
    "stalled": _stalled,
    "cut short": _truncated,
    "a web page": _page,
    "another content type": _type,
    "all histories": _double,
    "restart": _restart,
    "clock jump": _clock,
    "odd JSON": _odd,
}


def changed(content: Any, chance: random.Random) -> Any:
    """Return JSON-like content with one value replaced, at any depth."""
    inner = isinstance(content, dict | list) and len(content) > 0
    if not inner or chance.random() < 0.2:
        return chance.choice([None, 5, -1.5, "x", [], {}, True, [None], {"x": None}])
    copied = dict(content) if isinstance(content, dict) else list(content)
    where = chance.choice(list(copied) if isinstance(copied, dict) else range(len(copied)))
    copied[where] = changed(copied[where], chance)
    return copied


class Clock:
    """The time of day with an offset."""

    offset = 0.0

    def __call__(self) -> float:
        return REAL_TIME() + self.offset


REAL_TIME = time.time
CLOCK = Clock()


@contextlib.contextmanager
def serving(proxy: Proxy) -> Generator[str]:
    """Yield the URL of the proxy."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.pass_on()

        def do_POST(self) -> None:
            self.pass_on()

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {"Content-Type": self.headers.get("Content-Type") or "text/plain"}

            def ask() -> Answer:
                where = urlsplit(proxy.server)
                connection = HTTPConnection(where.hostname or "", where.port, timeout=20)
                with contextlib.closing(connection):
                    connection.request(self.command, self.path, body or None, headers)
                    found = connection.getresponse()
                    return Answer(found.status, {"Content-Type": "application/json"}, found.read())

            answer, broken = proxy.exchange(ask, urlsplit(self.path).path)
            data = answer.body if broken is None else answer.body[:broken]
            with contextlib.suppress(OSError):
                if broken != 0:
                    self.send_response(answer.status)
                    self.send_header("Content-Length", str(len(answer.body)))
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)
                    self.wfile.flush()
                if broken is not None:
                    reset = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    self.connection.close()
            self.close_connection = self.close_connection or broken is not None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Outcome:
    """What became of the cells."""

    right: int = 0
    named: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    exchanges: Counter[str] = field(default_factory=Counter)


def run(exchanges: int, seed: int) -> Outcome:
    """Render cells until that many exchanges were faulty."""
    request = Session.request
    found = Outcome()

    def hurried(self: Session, *where: Any, timeout: object, **more: Any) -> Any:
        return request(self, *where, timeout=(LIMIT, LIMIT), **more)

    with (
        contextlib.ExitStack() as patches,
        tempfile.TemporaryDirectory(prefix="proxy_") as folder,
        working(0.01) as (fake, work),
    ):
        for of, name, value in (
            (Session, "request", hurried),
            (time, "time", CLOCK),
            (bench_image, "Client", partial(Client, pace=PACE, timeout=20)),
        ):
            patches.callback(setattr, of, name, getattr(of, name))
            setattr(of, name, value)
        patches.callback(setattr, CLOCK, "offset", 0.0)
        bench_image.Client = lambda url, timeout, revive: Client(url, timeout=20, pace=PACE)
        proxy = Proxy(random.Random(seed), fake.url, work, found.exchanges)
        with serving(proxy) as url:
            number = 0
            while found.exchanges.total() < exchanges:
                _cell(Path(folder), url, number, found)
                number += 1
    logging.getLogger().handlers.clear()
    return found


def _cell(folder: Path, url: str, seed: int, found: Outcome) -> None:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = cli.run(bench_image.parser(), bench_image.main, _words(folder, url, seed))
    _judge(folder, seed, status, said.getvalue(), found)


def _words(folder: Path, url: str, seed: int) -> list[str]:
    receipt = folder / "installed.json"
    receipt.write_text(json.dumps({"name": "a.safetensors", "path": "/none", "sha256": "ab" * 32}))
    return [f"--workflow={WORKFLOW}", f"--comfy-url={url}", f"--lora-receipt={receipt}",
            "--run-id=r", "--weight=0.4", f"--seed={seed}", f"--output-dir={folder / 'w0.40'}",
            f"--prefix=r/w0.40/seed{seed}"]  # fmt: skip


def _judge(folder: Path, seed: int, status: int, text: str, found: Outcome) -> None:
    picture = folder / "w0.40" / f"seed{seed}_00.png"
    last = text.rstrip().rpartition("\n")[2]
    named = last.startswith("error: ") and not picture.exists() and "Traceback" not in text
    if status == 0 and _is_right(picture, seed):
        found.right += 1
    elif status == 1 and named:
        found.named[last] += 1
    else:
        found.wrong.append(f"cell {seed}: status {status}\n{text[-2000:]}")


def _is_right(picture: Path, seed: int) -> bool:
    with contextlib.suppress(OSError, SyntaxError), Image.open(picture) as image:
        image.load()
        label = json.loads(image.info["lorabench"])
        return image.getpixel((0, 0)) == (seed % 256, 10, 20) and label["seed"] == seed
    return False


# ---------------------------------------------------------------- stalls of minutes


@dataclass
class Stalling(Proxy):
    """One kind of request stalls, once or each time, before or after the server hears it."""

    where: str = ""
    seconds: float = 0
    each: bool = False
    heard: bool = False

    def exchange(self, ask: Callable[[], Answer], path: str) -> Found:
        if not path.startswith(self.where) or (self.counts and not self.each):
            return ask(), None
        self.counts[self.where] += 1
        answer = ask() if self.heard else None
        time.sleep(self.seconds)
        return answer or ask(), None


STALLS_AT = list(product(("/history", "/prompt", "/view"), (False, True), (True, False)))
"""Where, whether each time, and whether the server has heard the request."""


def run_stalls(seconds: float, cases: int) -> dict[str, Outcome]:
    """Render a cell for each of `STALLS_AT`, all at the same time; return what became of each."""
    with ThreadPoolExecutor(len(STALLS_AT)) as pool:
        found = pool.map(partial(_stalls, seconds), range(min(cases, len(STALLS_AT))))
        return dict(found)


def _stalls(seconds: float, number: int) -> tuple[str, Outcome]:
    where, each, heard = STALLS_AT[number]
    found = Outcome()
    with (
        tempfile.TemporaryDirectory(prefix="proxy_") as folder,
        working(0.5) as (fake, work),
        serving(Stalling(random.Random(0), fake.url, work, found.exchanges,
                         where, seconds, each, heard)) as url,
    ):  # fmt: skip
        program = [sys.executable, ROOT / "scripts/bench_image.py"]
        began = time.monotonic()
        done = subprocess.run([*program, *_words(Path(folder), url, number)],
                              text=True, capture_output=True)  # fmt: skip
        took = time.monotonic() - began
        _judge(Path(folder), number, done.returncode, done.stderr, found)
        renders = work.renders.total()
    often, when = "each" if each else "once", "after" if heard else "before"
    return f"{where}, {often}, {when} it is heard | {took:.0f} s | {renders}", found


def _say_stalls(seconds: float, cases: int) -> int:
    print(f"| stalled for {seconds:g} s | ended after | renders | obtained |")
    print("| --- | --- | --- | --- |")
    wrong = 0
    for name, found in run_stalls(seconds, cases).items():
        obtained = ["right"] * found.right + list(found.named) + list(found.wrong)
        print(f"| {name} | {'; '.join(obtained)} |")
        wrong += len(found.wrong)
    return int(wrong > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="faulty exchanges (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stall", type=float, metavar="SECONDS", help="stall so long, no other")
    given = parser.parse_args()
    if given.stall:
        return _say_stalls(given.stall, given.cases)
    found = run(given.cases, given.seed)
    print("| faulty exchanges | cells | right | a named error | found wrong |")
    print("| --- | --- | --- | --- | --- |")
    cells = found.right + found.named.total() + len(found.wrong)
    print(f"| {found.exchanges.total()} | {cells} | {found.right} | {found.named.total()} |"
          f" {len(found.wrong)} |")  # fmt: skip
    print("\n| fault | exchanges |\n| --- | --- |")
    for name, count in found.exchanges.most_common():
        print(f"| {name} | {count} |")
    for text in [*found.named, *found.wrong]:
        print(text, file=sys.stderr)
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
