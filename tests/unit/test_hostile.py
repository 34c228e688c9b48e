"""Names and texts of attackers: they leave no folder, reach no shell, and format no page."""

import argparse
import json
import logging
import shlex
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lorabench import cli
from lorabench.bench.verdicts import verdict
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.transport import Pace
from lorabench.comfy.graph.roles import Choices, find_roles
from lorabench.dataset import checks, facts
from lorabench.errors import UserError
from lorabench.lora import trained_on
from lorabench.pages import finished_run
from lorabench.pages.comparison import page
from lorabench.pages.dataset.build import build as build_set_page
from lorabench.pages.dataset.contents import Contents
from lorabench.pages.run import build
from lorabench.settings.types import as_name
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.variants import Variant
from lorabench.workflow import commands
from tests import records
from tests.embedded import serving as embedded_server
from tests.fake_comfy import serving as fake_server
from tests.finished import TRIGGER, make_run
from tests.normalized import USE, normalized
from tests.project import ROOT, make_plan

TAG = "xss"
HTML = f"</script><{TAG} onx=1>\"'><{TAG}> ${{x}} {{{{ 7 * 7 }}}} &amp;"
"""Would end a script, an attribute or a text, and be filled in by a template."""
SHELL = "$(touch pwned) `touch pwned`; touch pwned & 'a' \"b\" *"
PATHS = (
    *("../outside", "/outside", "a/../../outside", "..", "."),
    *("~root/x", "a\\..\\b", "-rf", "a\0b"),
)


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [tag, *(name for name, _ in attrs)]


def assert_is_text(html):
    """The hostile text is shown, and is no element."""
    assert TAG in html, "it is shown"
    assert not {TAG, "onx"} & set(Tags(html).found)
    assert "49" not in html.partition("${x}")[2][:12], "no template has filled it in"


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("key", ["run_id", "raw_set", "reg_set"])
def test_a_name_leads_out_of_no_folder(shared, monkeypatch, key, name):
    monkeypatch.chdir(shared.root)
    with pytest.raises(UserError, match=key):
        make_plan({"raw_set": "some_set", key: name}, ROOT / "config/config.yaml")


@pytest.mark.parametrize("name", [*PATHS, HTML, SHELL, "\x1b[2J", "x" * 300])
def test_the_name_of_a_file_from_elsewhere_becomes_one_of_a_file(name):
    made = as_name(name)
    assert "/" not in made and not made.startswith((".", "-")) and len(made.encode()) < 100
    assert not any(letter < " " for letter in made)


def test_names_and_texts_reach_the_shell_as_they_are(project, monkeypatch, tmp_path):
    project.add_set(SHELL)
    monkeypatch.chdir(project.root)
    workflow = project.root / f"{SHELL}.json"
    workflow.write_bytes((ROOT / "config/workflows/drawnworld_lora_bench.json").read_bytes())
    plan = make_plan(
        {
            **{"raw_set": SHELL, "positive": SHELL, "negative": SHELL, "trigger": SHELL},
            **{"bench_workflow": str(workflow), "prompts": [SHELL]},
        },
        Path("config/config.yaml"),
    )
    said = [commands.cell(plan, folder) for folder in plan.by_folder]
    said += [commands.servers(plan), commands.preflight(plan), commands.fit(plan)]
    said += [commands.rendering(plan, folder) for folder in plan.by_folder]
    for command in said:
        words = command.replace("{{", "{").replace("}}", "}").partition("<<<")[0]
        words = words.partition("&&")[0]
        script = f"for word in {words}; do printf '%s\\0' \"$word\"; done"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\0")[:-1] == shlex.split(words)
    assert not list(tmp_path.glob("pwned*")), "nothing was run"


# ---------------------------------------------------------------- servers


PACE = Pace(poll=0.005, slowest_poll=0.01, queue_look=0.02, backoff=0.005, patience=1, tries=2)
GRAPH = {
    "1": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1}},
    "2": {"class_type": "KSampler", "inputs": {"seed": 5, "latent_image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a"}},
}


@pytest.mark.parametrize("name", [*PATHS, HTML, "\x1b[2J", "a\r\nHost: b"])
def test_what_a_server_calls_its_picture_is_only_asked_for(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with fake_server() as fake:
        client = Client(fake.url, pace=PACE)
        client.render(GRAPH, "3", 1)
        before = len(fake.requests)
        for entry in fake.history.values():
            for image in entry["outputs"]["3"]["images"]:
                image |= {"filename": name, "subfolder": name}
        (image,) = next(iter(fake.history.values()))["outputs"]["3"]["images"]
        with pytest.raises(Exception, match="no picture"):
            client._fetch(image, GRAPH, "3")
        asked = [query for _, path, query in fake.requests[before:] if path == "/view"]
        assert asked and all(query["filename"] == name for query in asked)
    assert not list(tmp_path.iterdir()), "nothing is written"


@pytest.fixture
def server(tmp_path):
    with embedded_server(tmp_path / "server") as server:
        output = server.api.library.output_dir
        output.mkdir(parents=True)
        (tmp_path / "secret.png").write_bytes(b"\x89PNG secret")
        (output / "link.png").symlink_to(tmp_path / "secret.png")
        (output / "folder").symlink_to(tmp_path)
        yield server


@pytest.mark.parametrize(
    "query",
    [
        "filename=../../secret.png",
        "filename=secret.png&subfolder=../..",
        "filename=secret.png&subfolder=folder",
        "filename=link.png",
        "filename=link.png&preview=webp",
        "filename=/etc/passwd",
        "filename=secret.png&type=/",
        "filename=%2e%2e%2fsecret.png",
    ],
)
def test_the_embedded_server_gives_no_file_outside_its_folders(server, query):
    status, answer = server.ask("GET", f"/view?{query}")
    assert status in (400, 403, 404) and b"secret" not in answer


def test_the_embedded_server_bounds_bodies_and_its_queue(server, monkeypatch):
    from lorabench.comfy.embedded import routes

    json_type = {"Content-Type": "application/json"}
    large = b'{"prompt": "' + b"x" * routes.MAX_BODY_BYTES + b'"}'
    assert server.ask("POST", "/prompt", large, json_type)[0] == 413
    monkeypatch.setattr(routes, "MAX_WAITING", 2)
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}},
        "2": {"class_type": "EmptyLatentImage",
              "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "3": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["1", 2]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "a"}},
    }  # fmt: skip
    assert [server.post("/prompt", {"prompt": graph})[0] for _ in range(3)] == [200, 200, 503]


def test_a_saved_picture_follows_no_link_out_of_its_folder(tmp_path):
    from lorabench.comfy.embedded.library import next_picture

    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "out").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="leads out of the output folder"):
        next_picture(tmp_path / "output", "out/new/a", 64, 64)
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------- pages


@pytest.fixture
def hostile_run(tmp_path):
    """Two runs whose every text is hostile, and one of several LoRAs."""
    variants = [
        Variant("", f"{TRIGGER}, {HTML}", "", (0.0, 0.8), (1,)),
        Variant(as_name(HTML), HTML, "", (0.0, 0.8), (1,)),
    ]
    options = {"weights": (0.0, 0.8), "seeds": (1,), "size": 16, "trained_on": (HTML,)}
    loras = tuple(
        SweptLora(as_name(f"{HTML}{at}"), f"{at}.safetensors", HTML, HTML, at, at, HTML)
        for at in (1, 2)
    )
    found = []
    for name, of in (("a", ()), ("b", ()), ("c", loras)):
        run, images = make_run(tmp_path, name, variants=variants, loras=of, **options)
        record = records.run(run_id=name, raw_set=HTML, trigger=HTML, base=HTML.replace("/", ""))
        record.write(run / "run.yaml")
        for caption in images.glob("*.txt"):
            caption.write_text(HTML)
        told = verdict.Finding("subject_alike", value=0.9, word=HTML)
        path = run / "bench" / "verdict.json"
        content = json.loads(path.read_text())
        content["reasons"] = [vars(told)]
        path.write_text(json.dumps(content))
        found.append((run, images))
    return found


def test_the_report_shows_texts_as_they_are(hostile_run, tmp_path):
    for run, images in hostile_run:
        build.build(run, images, tmp_path / "report.html")
        assert_is_text((tmp_path / "report.html").read_text())


def test_the_comparison_shows_texts_as_they_are(hostile_run, tmp_path):
    runs = [finished_run.read(run) for run, _ in hostile_run[:2]]
    page.write(runs, tmp_path / "comparison.html")
    assert_is_text((tmp_path / "comparison.html").read_text())


def test_the_page_on_a_set_shows_texts_as_they_are(tmp_path):
    made = normalized(tmp_path, pictures=3)
    for caption in (made.folder / "images").glob("*.txt"):
        caption.write_text(f"zw, {HTML}")
    raw = made.raw / f"<{TAG}>.png"
    raw.write_bytes((made.raw / "0.png").read_bytes())
    log = made.folder / "preprocess_log.csv"
    log.write_text(log.read_text().replace("0.png", raw.name))
    found = facts.of_normalized(made.folder, facts.Use(**{**USE, "trigger": "zw"}))
    contents = Contents(made.folder, found, checks.find(found))
    build_set_page(contents, made.raw, {}, tmp_path / "page.html", 1)
    assert_is_text((tmp_path / "page.html").read_text())


# ---------------------------------------------------------------- terminals and logs


@pytest.mark.parametrize("escape", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\x08"])
def test_titles_and_metadata_act_on_no_terminal(tmp_path, capsys, escape):
    graph = {
        str(at): {"class_type": "KSampler", "inputs": {"seed": 1}, "_meta": {"title": escape}}
        for at in (1, 2)
    }
    words = trained_on.trigger({"modelspec.trigger_phrase": f"ink{escape}"})

    def program(arguments):
        logging.getLogger("lorabench").warning("the LoRA is called by %s", words)
        find_roles(graph, Choices(sampler=escape))

    log = tmp_path / "a.log"
    assert cli.run(argparse.ArgumentParser(), program, ["--log", str(log)]) == 1
    for said in (capsys.readouterr().err, log.read_text()):
        assert "the LoRA is called by ink" in said and "error: " in said
        assert not set(escape) & set("\x1b\x07\x9b\r\x08") & set(said)


def test_a_login_stands_in_no_record_message_or_page(shared, monkeypatch, capsys):
    monkeypatch.chdir(shared.root)
    url = "http://name:passw0rd@127.0.0.1:8188/?token=t0ken"
    given = {"raw_set": "some_set", "comfy_url": url, "base_model": "models/checkpoints/drawnworld"}
    plan = make_plan(given, ROOT / "config/config.yaml")
    said = [repr(plan), commands.servers(plan), str(plan.sweep.contents()), str(plan.record)]
    with pytest.raises(UserError) as raised:
        make_plan({**given, "comfy_url": f"{url} x"}, ROOT / "config/config.yaml")
    assert not any(
        one in text for one in ("passw0rd", "t0ken") for text in (*said, str(raised.value))
    )
