"""Fuzz readers by their coverage, with atheris: an input that reaches new code is mutated further.

    uv run --with atheris==3.0.0 python -m tests.faults.coverage --kinds header --seconds 120

Each kind begins with sound inputs. A `UserError`, or what the reader's callers catch, is a refusal;
any other exception, 5 s or 2 GB for one input are faults.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reader:
    """A reader of bytes, the package that it lies in, and sound inputs of it."""

    package: str
    prepare: Callable[[Path], Callable[[bytes], Any]]
    seeds: Callable[[], Iterator[bytes]]


def _header(folder: Path) -> Callable[[bytes], Any]:
    from lorabench.base import header
    from lorabench.lora import file as lora_file

    path = folder / "given.safetensors"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        header.read(path)
        lora_file.load(path)

    return read


def _loras() -> Iterator[bytes]:
    from tests.faults.lora_files import KINDS as kinds
    from tests.faults.lora_files import _original

    return map(_original, kinds)


def _workflow(folder: Path) -> Callable[[bytes], Any]:
    from tests.faults import workflows

    path = folder / "workflow.json"
    workflows._info.update(json.loads((ROOT / "tests/workflows/node_info.json").read_bytes()))

    def read(data: bytes) -> None:
        path.write_bytes(data)
        workflows._plan(path)

    return read


def _workflows() -> Iterator[bytes]:
    from tests.faults.workflows import PLACES

    for place in PLACES:
        for path in (ROOT / place).glob("*.json"):
            yield path.read_bytes()


def _picture(folder: Path) -> Callable[[bytes], Any]:
    # Opened and checked: a decoder is C, whose coverage nobody sees here.
    from lorabench.dataset import decoding
    from lorabench.dataset.refusals import RejectedError
    from tests.pictures import settings

    used = settings()

    def read(data: bytes) -> None:
        try:
            image = decoding.open_picture(io.BytesIO(data), used.max_pixels)
            decoding.check_pixels(image.size, 2**20)  # more would only take longer
        except RejectedError:
            pass

    return read


def _pictures() -> Iterator[bytes]:
    import pillow_heif

    from tests.faults.pictures import SEEDS

    pillow_heif.register_heif_opener()
    return (write() for write in SEEDS.values())


def _config(folder: Path) -> Callable[[bytes], Any]:
    import yaml

    from lorabench.base.stable_diffusion import BUNDLED
    from lorabench.errors import UserError
    from lorabench.settings import layers

    path = folder / "config.yaml"
    defaults = layers.read_yaml(ROOT / "config/config.yaml")

    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            given = yaml.safe_load(data)
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # Snakemake's own messages
            raise UserError(str(error)) from None
        if isinstance(given, dict):
            layers.check_given(given)
            layers.resolve(layers.merge(defaults, given), BUNDLED.preset)
        layers.read_section(path, "train")

    return read


def _configs() -> Iterator[bytes]:
    yield (ROOT / "config/config.yaml").read_bytes()
    yield b"raw_set: a\nweights: '0.4,0.8'\ntrain: {steps: 20, rank: 4}\nverdict: {style: 0.1}\n"


def _reply(folder: Path) -> Callable[[bytes], Any]:
    from http.client import HTTPMessage

    from lorabench.comfy.client import replies, shapes
    from lorabench.comfy.client.http import Answer
    from lorabench.comfy.client.refusals import Outage

    kinds = (shapes.HISTORY, shapes.QUEUE, shapes.CLASSES, shapes.SYSTEM, shapes.LOG, None)
    graph = json.loads((ROOT / "config/workflows/drawnworld_lora_bench.json").read_bytes())
    (save,) = (name for name, node in graph.items() if node["class_type"] == "SaveImage")

    def read(data: bytes) -> None:
        kind = kinds[data[0] % len(kinds)] if data else None
        answer = Answer("http://a/", 200 if kind else 400, HTTPMessage(), data[1:])
        try:
            if kind is None:
                replies.rejection(graph, replies.read_reply(answer))
                return
            content = shapes.read(answer, kind)
        except (shapes.Odd, Outage):
            return
        if kind is shapes.HISTORY:
            for entry in content.values():
                replies.saved_images(graph, save, entry)
        elif kind is shapes.QUEUE:
            replies.queued(content)

    return read


def _replies() -> Iterator[bytes]:
    image = {"filename": "a.png", "subfolder": "", "type": "output"}
    status = {"status_str": "success", "completed": True, "messages": [["execution_start", {}]]}
    failed = {"status_str": "error", "messages": [["execution_error", {"node_id": "6"}]]}
    yield (
        b"\0"
        + json.dumps({"p": {"status": status, "outputs": {"9": {"images": [image]}}}}).encode()
    )
    yield b"\0" + json.dumps({"p": {"status": failed, "outputs": {}}}).encode()
    yield b"\1" + json.dumps({"queue_running": [[0, "p", {}]], "queue_pending": []}).encode()
    error = {"type": "value_not_in_list", "message": "m", "details": "d", "extra_info": {}}
    nodes = {"6": {"class_type": "KSampler", "errors": [error]}}
    yield b"\5" + json.dumps({"error": error, "node_errors": nodes}).encode()


READERS = {
    "header": Reader("lorabench.base lorabench.lora", _header, _loras),
    "workflow": Reader("lorabench.comfy.graph lorabench.comfy.gui", _workflow, _workflows),
    "picture": Reader("lorabench.dataset PIL", _picture, _pictures),
    "config": Reader("lorabench.settings yaml", _config, _configs),
    "reply": Reader("lorabench.comfy.client", _reply, _replies),
}


def fuzz(name: str, folder: Path, seconds: int) -> None:
    """Fuzz a reader; libFuzzer ends this process, with a fault's traceback if there is one."""
    import atheris

    from lorabench.errors import UserError

    reader = READERS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    with atheris.instrument_imports(include=reader.package.split()):
        read = reader.prepare(folder)
        for number, data in enumerate(reader.seeds()):
            (corpus / str(number)).write_bytes(data)

    def attempt(data: bytes) -> None:
        with suppress(UserError):
            read(data)

    largest = max(path.stat().st_size for path in corpus.iterdir())
    options = [f"-max_total_time={seconds}", f"-max_len={2 * largest}", "-timeout=5",
               "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={folder}/"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], attempt)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--seconds", type=int, default=120, help="for each (default: 120)")
    parser.add_argument("--alone", choices=READERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        with tempfile.TemporaryDirectory(prefix="coverage_") as folder:
            fuzz(given.alone, Path(folder), given.seconds)
    print("| reader | inputs | places reached | inputs that reached new ones | found wrong |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    wrong = 0
    for name in given.kinds:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.coverage", "--alone", name,
             f"--seconds={given.seconds}"], text=True, capture_output=True, errors="replace",
        )  # fmt: skip
        inputs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        reached = re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)", done.stderr)
        wrong += done.returncode != 0
        shown = (inputs[1] if inputs else "?", *(reached[-1] if reached else ("?", "?")))
        print("|", name, "|", " | ".join(shown), "|", int(done.returncode != 0), "|", flush=True)
        if done.returncode:
            print(done.stdout[-3000:], done.stderr[-600:], file=sys.stderr)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
