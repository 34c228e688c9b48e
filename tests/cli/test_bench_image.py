import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

import bench_image
from lorabench import cli, files
from lorabench.comfy.client import pictures
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.launch import stop_server
from lorabench.comfy.client.transport import Pace
from tests.fake_comfy import png, serving

ROOT = Path(__file__).parents[2]
BASE = ROOT / "models/checkpoints/drawnworld"
WORKFLOW = ROOT / "config/workflows/drawnworld_lora_bench.json"


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def command(folder, url, **changes):
    """The arguments of one good cell; `changes` replace options, None removes one."""
    receipt = folder / "installed.json"
    receipt.write_text(
        json.dumps(
            {"name": "style_x-12345678.safetensors", "path": str(folder / "x"), "sha256": "ab" * 32}
        )
    )
    options = {
        "workflow": WORKFLOW,
        "comfy_url": url,
        "lora_receipt": receipt,
        "run_id": "r1",
        "weight": "0.40",
        "seed": "1",
        "output_dir": folder / "bench/w0.40",
        "prefix": "runs/r1/bench/w0.40/seed1",
        **changes,
    }
    return [
        f"--{key.replace('_', '-')}={value}" for key, value in options.items() if value is not None
    ]


def run(*arguments):
    program = [sys.executable, str(ROOT / "scripts/bench_image.py")]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=120)


def call(monkeypatch, arguments):
    """The same in this process: the exit status."""
    monkeypatch.setattr(sys, "argv", ["bench_image.py", *arguments])
    return cli.run(bench_image.parser(), bench_image.main)


def hurry(monkeypatch):
    """Have the client wait for nothing as long as it does."""
    pace = Pace(poll=0.005, backoff=0.01, greeting=0.05, patience=0.05)
    monkeypatch.setattr(bench_image, "Client", partial(Client, pace=pace))


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_cell_is_rendered_and_published(fake, tmp_path):
    done = run(*command(tmp_path, fake.url, batch_size=2, log=tmp_path / "cell.log"))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "bench/w0.40"
    assert sorted(p.name for p in folder.iterdir()) == ["seed1_00.png", "seed1_01.png"]
    assert "weight 0.40, seed 1: 2 picture(s)" in (tmp_path / "cell.log").read_text()
    (graph,) = fake.prompts
    for index in range(2):
        image = Image.open(folder / f"seed1_{index:02d}.png")
        assert json.loads(image.info["prompt"]) == graph
        label = json.loads(image.info["lorabench"])
        assert len(label.pop("graph")) == 64
        assert label == {
            "run_id": "r1",
            "lora_sha256": "ab" * 32,
            "weight": 0.4,
            "seed": 1,
            "batch_index": index,
            "prompt_name": "",
            "probe": "",
            "prompt": graph["3"]["inputs"]["text"],
        }


def test_a_cell_whose_server_goes_away_is_drawn_by_another(fake, tmp_path, monkeypatch):
    hurry(monkeypatch)
    fake.pending = ["of somebody"]  # so that the other one is asked first
    with serving() as other:
        other.faults = [("POST", "/prompt", "drop")] * 99
        assert call(monkeypatch, command(tmp_path, f"{fake.url},{other.url}")) == 0
        assert len(other.faults) < 99
    assert len(fake.prompts) == 1
    assert call(monkeypatch, command(tmp_path, other.url)) == 1


def test_the_pixels_are_the_servers(fake, tmp_path, monkeypatch):
    assert call(monkeypatch, command(tmp_path, fake.url)) == 0
    (served,) = fake.files.values()
    published = (tmp_path / "bench/w0.40/seed1_00.png").read_bytes()
    assert Image.open(io.BytesIO(published)).tobytes() == Image.open(io.BytesIO(served)).tobytes()


def test_the_workflow_file_stays_as_it_is(fake, tmp_path, monkeypatch):
    before = WORKFLOW.read_bytes()
    assert call(monkeypatch, command(tmp_path, fake.url, positive="p", negative="")) == 0
    assert WORKFLOW.read_bytes() == before
    (graph,) = fake.prompts
    assert graph["3"]["inputs"]["text"] == "p"
    assert graph["2"]["inputs"]["lora_name"] == "style_x-12345678.safetensors"


def broken(seed, texts):
    return png(seed, texts, colour=(0, 0, 0))


def truncated(seed, texts):
    return png(seed, texts)[:-40]


def of_another_graph(seed, texts):
    graph = json.loads(json.dumps(texts["prompt"]))
    graph["6"]["inputs"]["seed"] = 99
    return png(seed, {"prompt": graph})


def of_two_sizes(seed, texts):
    return png(seed, texts, size=(16 + seed, 16))


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (truncated, "a damaged PNG"),
        (lambda *_: b"<html>", "a damaged PNG"),
        (of_another_graph, "comes from another graph"),
        (of_two_sizes, "differ in size"),
    ],
)
def test_a_bad_picture_is_told_and_nothing_is_published(
    fake, tmp_path, monkeypatch, capsys, draw, words
):
    fake.draw = draw
    hurry(monkeypatch)
    assert call(monkeypatch, command(tmp_path, fake.url, batch_size=2)) == 1
    assert words in capsys.readouterr().err
    assert files_in(tmp_path / "bench") == []
    assert len(fake.prompts) <= 2


def test_a_picture_of_one_colour_is_published_with_a_warning(fake, tmp_path, monkeypatch, capsys):
    fake.draw = broken
    assert call(monkeypatch, command(tmp_path, fake.url)) == 0
    assert "NaN" in capsys.readouterr().err
    assert (tmp_path / "bench/w0.40/seed1_00.png").exists()


def test_one_bad_picture_keeps_the_whole_batch_back(fake, tmp_path, monkeypatch):
    fake.draw = lambda seed, texts: (truncated if seed == 2 else png)(seed, texts)
    hurry(monkeypatch)
    assert call(monkeypatch, command(tmp_path, fake.url, batch_size=2)) == 1
    assert files_in(tmp_path / "bench") == []


def test_a_lora_that_does_not_fit_fails_the_cell_at_each_try(fake, tmp_path, monkeypatch, capsys):
    down, up = "lora_unet_a.lora_down.weight", "lora_unet_a.lora_up.weight"
    save_file({down: np.ones((1, 4)), up: np.ones((4, 1))}, tmp_path / "x")
    fake.unknown_keys = [down]
    for _ in range(2):
        assert call(monkeypatch, command(tmp_path, fake.url)) == 1
        assert "1 of its 2 keys do not fit" in capsys.readouterr().err
    assert files_in(tmp_path / "bench") == []
    assert call(monkeypatch, command(tmp_path, fake.url, weight="0.00")) == 0


def test_a_server_without_metadata_is_no_error(fake, tmp_path, monkeypatch):
    fake.metadata = False
    assert call(monkeypatch, command(tmp_path, fake.url)) == 0


def test_a_second_job_with_a_cached_answer_publishes_again(fake, tmp_path, monkeypatch):
    for _ in range(2):
        assert call(monkeypatch, command(tmp_path, fake.url)) == 0
        (tmp_path / "bench/w0.40/seed1_00.png").unlink()
    assert len(fake.files) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workflow": "none.json"}, "none.json: No such file"),
        ({"lora_receipt": "none.json"}, "none.json: not a LoRA receipt (No such file"),
        ({"lora_receipt": WORKFLOW}, "not a LoRA receipt"),
        ({"comfy_url": "127.0.0.1:8188"}, "did you mean http://127.0.0.1:8188?"),
        ({"comfy_url": "embedded"}, "needs --server-state"),
        ({"lora_node": "6"}, "drawnworld_lora_bench.json: bench.lora_node = '6'"),
    ],
)
def test_bad_input_is_one_message(fake, tmp_path, monkeypatch, capsys, changes, words):
    assert call(monkeypatch, command(tmp_path, fake.url, **changes)) == 1
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "changes", [{"seed": "-1"}, {"seed": str(2**64)}, {"batch_size": "0"}, {"weight": None}]
)
def test_bad_arguments_are_usage_errors(fake, tmp_path, monkeypatch, capsys, changes):
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, command(tmp_path, fake.url, **changes))
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_help():
    done = run("--help")
    assert done.returncode == 0
    assert "--lora-receipt" in done.stdout


def test_only_light_modules_are_imported():
    code = "import sys, bench_image; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "scripts"
    )
    loaded = set(done.stdout.split())
    assert "http.client" in loaded
    heavy = {"torch", "numpy", "pandas", "matplotlib", "snakemake", "pydantic"}
    assert not loaded & {*heavy, "requests", "PIL", "psutil", "asyncio"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("where", ["pending", "running"])
def test_a_signal_takes_the_prompt_out_of_the_queue(fake, tmp_path, where, number):
    fake.hold = where
    program = [sys.executable, str(ROOT / "scripts/bench_image.py")]
    process = subprocess.Popen(
        [*program, *command(tmp_path, fake.url)],
        stderr=subprocess.PIPE,
        # A shell lets what it starts in the background ignore Ctrl-C; tests may run there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not getattr(fake, where):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert not fake.pending, said
    assert not fake.running, said


def test_a_killed_program_costs_no_second_prompt(fake, tmp_path, monkeypatch):
    fake.hold = "pending"
    program = [sys.executable, str(ROOT / "scripts/bench_image.py")]
    process = subprocess.Popen([*program, *command(tmp_path, fake.url)])
    while not fake.pending:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    (body,) = fake.bodies("/prompt")
    fake.history[body["prompt_id"]] = fake.run(body)
    fake.pending.clear()
    assert call(monkeypatch, command(tmp_path, fake.url)) == 0
    assert len(fake.prompts) == 1
    assert files_in(tmp_path / "bench") == ["seed1_00.png"]


@pytest.mark.parametrize("when", ["before", "while it renders"])
def test_a_lora_that_was_replaced_draws_nothing(fake, tmp_path, monkeypatch, capsys, when):
    arguments = command(tmp_path, fake.url)
    drawn = fake.draw

    def replace():
        time.sleep(0.05)
        (tmp_path / "x").write_bytes(b"another")

    def draw(*of):
        replace()
        return drawn(*of)

    if when == "before":
        replace()
    else:
        fake.draw = draw
    assert call(monkeypatch, arguments) == 1
    assert "is damaged: it is no longer the installed file; install" in capsys.readouterr().err
    assert files_in(tmp_path / "bench") == []
    assert len(fake.prompts) == (when != "before")
    assert len(fake.bodies("/free")) == (when != "before")


def test_a_lora_that_was_only_touched_is_drawn(fake, tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"the same")
    arguments = command(tmp_path, fake.url)
    receipt = json.loads((tmp_path / "installed.json").read_text())
    receipt["sha256"] = hashlib.sha256(b"the same").hexdigest()
    (tmp_path / "installed.json").write_text(json.dumps(receipt))
    time.sleep(0.05)
    (tmp_path / "x").touch()
    assert call(monkeypatch, arguments) == 0


def test_an_earlier_picture_stays_where_a_new_one_fails(fake, tmp_path, monkeypatch):
    assert call(monkeypatch, command(tmp_path, fake.url)) == 0
    picture = tmp_path / "bench/w0.40/seed1_00.png"
    before = picture.read_bytes()
    assert not files.is_outdated(picture)
    fake.rejection = 400, {"error": {"message": "no"}}
    assert call(monkeypatch, command(tmp_path, fake.url)) == 1
    assert picture.read_bytes() == before
    assert files.is_outdated(picture)
    fake.rejection = None
    assert call(monkeypatch, command(tmp_path, fake.url)) == 0
    assert not files.is_outdated(picture)


def test_text_chunks_leave_every_other_byte_alone():
    data = png(1, {"prompt": {"1": "日本語"}})
    labelled = pictures.with_text(data, {"lorabench": {"name": "ねこ"}})
    image = Image.open(io.BytesIO(labelled))
    image.load()
    assert json.loads(image.info["lorabench"]) == {"name": "ねこ"}
    assert json.loads(image.info["prompt"]) == {"1": "日本語"}
    size = len(labelled) - len(data)
    assert labelled[:33] + labelled[33 + size :] == data
    assert hashlib.sha256(data).digest() != hashlib.sha256(labelled).digest()


# ---------------------------------------------------------------- the embedded server


def a_lora(path):
    """A LoRA for the bundled base that changes the pictures: random, rank 4, attention only."""
    rng = np.random.default_rng(0)
    tensors = {}
    for name, weight in load_file(BASE / "unet/diffusion_pytorch_model.safetensors").items():
        if name.endswith(("to_q.weight", "to_v.weight")):
            key = "lora_unet_" + name.removesuffix(".weight").replace(".", "_")
            rows, columns = weight.shape
            down, up = rng.standard_normal((4, columns)), rng.standard_normal((rows, 4))
            tensors[f"{key}.lora_down.weight"] = down.astype(np.float16)
            tensors[f"{key}.lora_up.weight"] = (up / 4).astype(np.float16)
            tensors[f"{key}.alpha"] = np.array(4, np.float16)
    path.parent.mkdir()
    save_file(tensors, path)


def pixels(path):
    return Image.open(path).convert("RGB").tobytes()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The options for one embedded server, and for a workflow of two steps."""
    folder = tmp_path_factory.mktemp("embedded")
    a_lora(folder / "loras/style_x-12345678.safetensors")
    graph = json.loads(WORKFLOW.read_text())
    graph["6"]["inputs"]["steps"] = 2
    short = folder / "short.json"
    short.write_text(json.dumps(graph))
    state = folder / "server/server.json"
    yield {
        "url": "embedded",
        "workflow": short,
        "server_state": state,
        "models_dir": ROOT / "models",
        "loras_dir": folder / "loras",
        "server_output_dir": folder / "output",
        "threads": 1,
        "device": "cpu",
    }
    stop_server(state)


def test_the_embedded_server_renders_and_weight_0_is_the_base(embedded, tmp_path, monkeypatch):
    for weight in ("0.00", "0.80"):
        cell = {
            "weight": weight,
            "output_dir": tmp_path / f"w{weight}",
            "prefix": f"runs/r1/bench/w{weight}/seed1",
        }
        assert call(monkeypatch, command(tmp_path, **embedded, **cell)) == 0
    without = tmp_path / "w0.00/seed1_00.png"
    assert pixels(without) != pixels(tmp_path / "w0.80/seed1_00.png")
    stored = Image.open(without).info
    assert json.loads(stored["prompt"])["2"]["inputs"]["strength_clip"] == 0
    assert len(json.loads(stored["workflow"])["nodes"]) == 8

    graph = json.loads(embedded["workflow"].read_text())
    del graph["2"]
    graph["6"]["inputs"] |= {"model": ["1", 0], "seed": 1}
    for text in ("3", "4"):
        graph[text]["inputs"]["clip"] = ["1", 1]
    url = json.loads(embedded["server_state"].read_text())["url"]
    (base,) = Client(url).render(graph, "8", 1)
    assert pixels(without) == pixels(io.BytesIO(base))


def test_a_lora_that_the_embedded_server_does_not_list_is_told(
    embedded, tmp_path, monkeypatch, capsys
):
    receipt = tmp_path / "other.json"
    receipt.write_text(json.dumps({"name": "style_x.safetensors", "path": "x", "sha256": ""}))
    options = embedded | {"lora_receipt": receipt}
    assert call(monkeypatch, command(tmp_path, **options)) == 1
    error = capsys.readouterr().err
    assert "nearest there: style_x-12345678.safetensors" in error
