"""What is said of a server that cannot render a sweep."""

import copy
import hashlib
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from lorabench.comfy.check import preflight
from lorabench.comfy.check.described import Unstarted
from lorabench.comfy.client.options import Address
from lorabench.comfy.client.transport import Pace
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.graph.patching import Cell
from lorabench.comfy.graph.roles import Choices
from lorabench.errors import UserError
from lorabench.lora.receipt import Receipt
from tests.fake_comfy import serving

ROOT = Path(__file__).parents[4]
WORKFLOW = ROOT / "config/workflows/drawnworld_lora_bench.json"
GRAPH = json.loads(WORKFLOW.read_text())
LORA = "style_x-12345678.safetensors"
NOTHING = hashlib.sha256(b"").hexdigest()  # what the fake's model files hold


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    monkeypatch.setattr(preflight, "PACE", Pace(backoff=0.01, greeting=0.05, patience=0.05))


@pytest.fixture(autouse=True)
def installed(tmp_path):
    """The LoRA, as it was installed."""
    path = tmp_path / "models/loras" / LORA
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.fixture
def fake(tmp_path):
    with serving() as server:
        server.has_all(tmp_path / "models", LORA)
        yield server


def sweep(tmp_path, graph=GRAPH, installed=True, **cell):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(graph))
    loras = (Receipt(LORA, tmp_path / "models/loras" / LORA, NOTHING),) if installed else ()
    wanted = Cell(tuple(one.name for one in loras), 1, 0, "preflight", **cell)
    return preflight.Sweep(path, Choices(), wanted, loras)


def changed(**changes):
    """Return the graph with other inputs: `_6_steps=3` sets `steps` of node 6."""
    graph = copy.deepcopy(GRAPH)
    for key, value in changes.items():
        _, node, name = key.split("_", 2)
        graph[node]["inputs"][name] = value
    return graph


def problems(sweep, *servers):
    with pytest.raises(UserError) as caught:
        settle(sweep, *servers)
    first, *lines = str(caught.value).splitlines()
    assert first == "the benchmark cannot start:"
    return [line.strip() for line in lines]


def settle(sweep, *servers):
    return preflight.settle(
        sweep, [Address(one if isinstance(one, str) else one.url) for one in servers]
    )


def dead_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_where_all_is_there_the_graph_is_returned_and_nothing_rendered(fake, tmp_path):
    assert settle(sweep(tmp_path), fake) == GRAPH
    assert fake.prompts == []


def test_the_trigger_in_the_workflows_prompt_is_escaped_and_no_other_bracket(
    fake, tmp_path, caplog
):
    caplog.set_level("INFO")
    graph = changed(_3_text="mika (moon), a (red) cat")
    wanted = replace(sweep(tmp_path, graph), trigger="mika (moon)")
    assert settle(wanted, fake) == changed(_3_text=r"mika \(moon\), a (red) cat")
    assert r"is sent as mika \(moon\)" in caplog.text
    given = replace(sweep(tmp_path, graph, positive="a cat"), trigger="mika (moon)")
    assert settle(given, fake) == graph  # each cell says its own


def test_a_server_that_is_away_is_named_with_the_command_that_starts_one(tmp_path):
    url = dead_url()
    (line,) = problems(sweep(tmp_path), url)
    assert line.startswith(f"{url}: no ComfyUI server answers at {url} (connection refused)")
    assert "docker compose -f comfy-docker/docker-compose.yml up -d" in line


@pytest.mark.parametrize("status", [200, 404])
def test_another_program_at_the_url_is_told(tmp_path, status):
    with serving() as other:
        other.answer = lambda *_: (status, b"<html>")
        (line,) = problems(sweep(tmp_path), other)
    assert f"/system_stats answered HTTP {status}, but not as ComfyUI does (a web page)" in line


def test_a_missing_checkpoint_is_told_with_the_nearest_and_the_key(fake, tmp_path):
    graph = changed(_1_ckpt_name="drawnwrold")
    (line,) = problems(sweep(tmp_path, graph), fake)
    assert "ckpt_name 'drawnwrold' is not on the server; nearest there: drawnworld;" in line
    assert "'bench={checkpoint: NAME}'" in line
    assert settle(sweep(tmp_path, graph, checkpoint="drawnworld"), fake) == graph


def test_a_missing_model_without_its_other_parts_has_its_own_folder(fake, tmp_path):
    there = {"unet_name": [["flux.safetensors"], {}]}
    fake.node_info["UNETLoader"] = {"input": {"required": there}, "output": ["MODEL"]}
    graph = changed(_2_model=["9", 0], _2_clip=["9", 0])
    graph["9"] = {"class_type": "UNETLoader", "inputs": {"unet_name": "flux2.safetensors"}}
    (line,) = problems(sweep(tmp_path, graph), fake)
    assert "unet_name 'flux2.safetensors' is not on the server; nearest there: flux.s" in line
    assert "put it into the server's models/diffusion_models, or name one that is there" in line
    assert "'bench={checkpoint: NAME}'" in line


def test_a_missing_vae_and_an_unknown_sampler_and_scheduler_are_told_at_once(fake, tmp_path):
    graph = changed(_6_sampler_name="eulr", _6_scheduler="karas", _7_vae=["9", 0])
    graph["9"] = {"class_type": "VAELoader", "inputs": {"vae_name": "kl.safetensors"}}
    found = problems(sweep(tmp_path, graph), fake)
    (vae,) = [line for line in found if "node 9 (VAELoader)" in line]
    sampler, scheduler = [line for line in found if "node 6 (KSampler" in line]
    assert "vae_name 'kl.safetensors'" in vae
    assert vae.endswith("put it into the server's models/vae, or choose another in the workflow")
    assert "sampler_name 'eulr' is not on the server; nearest there: euler" in sampler
    assert sampler.endswith("; choose another in the workflow")
    assert "nearest there: karras" in scheduler


def test_a_missing_custom_node_is_told_with_class_and_title(fake, tmp_path):
    graph = changed()
    graph["6"] |= {"class_type": "KSamplerFancy", "_meta": {"title": "My sampler"}}
    (line,) = problems(sweep(tmp_path, graph), fake)
    assert 'node 6 (KSamplerFancy "My sampler"): the server has no such class' in line


def test_a_required_input_that_is_not_given_is_told(fake, tmp_path):
    graph = changed()
    del graph["6"]["inputs"]["cfg"]
    (line,) = problems(sweep(tmp_path, graph), fake)
    assert "its input cfg is required and not given" in line


def test_inputs_that_reach_no_output_do_not_matter(fake, tmp_path):
    graph = changed()
    graph["9"] = {"class_type": "VAELoader", "inputs": {"vae_name": "kl.safetensors"}}
    assert settle(sweep(tmp_path, graph), fake) == graph


def test_a_lora_in_another_folder_than_the_servers_is_told_with_both(fake, tmp_path):
    fake.has_models(tmp_path / "models", loras=tmp_path / "theirs")
    fake.folders = {"loras": ["/comfy/models/loras"]}
    (tmp_path / "theirs").mkdir()
    (line,) = problems(sweep(tmp_path), fake)
    assert f"the LoRA was installed in {tmp_path / 'models/loras'}, which is not" in line
    assert "it has none at all" in line
    assert "lora_install_dir must be that folder (on the server: /comfy/models/loras)" in line


def test_a_lora_in_a_folder_within_the_servers_is_told(fake, tmp_path):
    inner = tmp_path / "models/loras/lorabench"
    inner.mkdir()
    (tmp_path / "models/loras" / LORA).rename(inner / LORA)
    wanted = sweep(tmp_path)
    (line,) = problems(replace(wanted, loras=[replace(*wanted.loras, path=inner / LORA)]), fake)
    assert f"it lists it as lorabench/{LORA}" in line


def test_a_lora_that_is_gone_or_damaged_is_told_before_a_server_is_asked(fake, tmp_path, installed):
    installed.write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"is damaged: .* with --forcerun install_lora"):
        settle(sweep(tmp_path), fake)
    installed.unlink()
    with pytest.raises(UserError, match="is gone; install it again with --forcerun install_lora"):
        settle(sweep(tmp_path), fake)
    assert fake.requests == []


def test_the_lora_of_another_loader_has_to_be_there_too(fake, tmp_path):
    graph = changed(_2_model=["9", 0], _2_clip=["9", 1])
    inputs = {**GRAPH["2"]["inputs"], "lora_name": "detail.safetensors"}
    graph["9"] = {"class_type": "LoraLoader", "inputs": inputs}
    wanted = replace(sweep(tmp_path, graph), choices=Choices(lora="2"))
    (line,) = problems(wanted, fake)
    assert "node 9 (LoraLoader): lora_name 'detail.safetensors' is not on the server" in line


def pair(tmp_path, low):
    """A sweep of a LoRA of two files, the first of which is `LORA`."""
    graph = changed(_2_model=["9", 0], _2_clip=["9", 1])
    inputs = {**GRAPH["2"]["inputs"], "lora_name": "lora_under_test_low.safetensors"}
    graph["9"] = {"class_type": "LoraLoader", "inputs": inputs}
    wanted = sweep(tmp_path, graph)
    loras = [*wanted.loras, replace(*wanted.loras, name=low)]
    cell = replace(wanted.cell, loras=(LORA, low))
    return replace(wanted, choices=Choices(lora="2,9"), loras=loras, cell=cell)


def test_both_files_of_a_lora_have_to_be_listed(fake, tmp_path):
    (tmp_path / "models/loras/low.safetensors").touch()
    assert settle(pair(tmp_path, "low.safetensors"), fake)
    (line,) = problems(pair(tmp_path, "another.safetensors"), fake)
    assert "lora_name 'another.safetensors' is not on the server" in line
    assert "lora_install_dir must be that folder" in line


def test_a_file_for_each_loader_is_needed(fake, tmp_path):
    wanted = pair(tmp_path, "low.safetensors")
    one = replace(wanted, loras=wanted.loras[:1], cell=replace(wanted.cell, loras=(LORA,)))
    (line,) = problems(one, fake)
    assert "it has a LoRA loader for each of two models" in line
    before = replace(wanted, loras=(), cell=replace(wanted.cell, loras=()))
    assert settle(before, fake), "where it is not installed yet, no name is looked for"


def test_a_picture_that_was_uploaded_into_a_folder_is_found(fake, tmp_path):
    options = {"image_upload": True}
    fake.node_info["LoadImage"] = {
        "input": {"required": {"image": [["a.png"], options]}},
        "output_node": True,
    }
    graph = changed()
    graph["9"] = {"class_type": "LoadImage", "inputs": {"image": "clips/b.png [input]"}}
    (line,) = problems(sweep(tmp_path, graph), fake)
    assert "image 'clips/b.png [input]' is not on the server" in line
    fake.files["clips", "b.png"] = b"a picture"
    assert settle(sweep(tmp_path, graph), fake) == graph
    assert fake.requests[-1][2] == {"filename": "b.png", "subfolder": "clips", "type": "input"}


def test_the_list_of_a_custom_node_is_only_warned_of(fake, tmp_path, caplog):
    node = {"input": {"required": {"style": ["COMBO", {"options": ["a"]}]}}, "output_node": True}
    fake.node_info["Styler"] = node
    graph = changed()
    graph["9"] = {"class_type": "Styler", "inputs": {"style": "b"}}
    assert "style 'b' is not on the server" in problems(sweep(tmp_path, graph), fake)[0]
    node["python_module"] = "custom_nodes.styler"
    assert settle(sweep(tmp_path, graph), fake) == graph
    assert "style 'b'" in caplog.text


def test_of_two_servers_the_one_that_lacks_a_file_is_named(fake, tmp_path):
    with serving() as second:
        second.has_all(tmp_path / "other", LORA)
        assert settle(sweep(tmp_path), fake, second) == GRAPH
        (tmp_path / "other/loras" / LORA).unlink()
        (line,) = problems(sweep(tmp_path), fake, second)
        assert line.startswith(f"{second.url}: the LoRA")


def test_all_problems_of_all_servers_are_in_one_message_and_each_once(fake, tmp_path):
    graph = changed(_6_sampler_name="eulr")
    dead = dead_url()
    with serving() as second:
        second.has_all(tmp_path / "other", LORA)
        (tmp_path / "other/loras" / LORA).unlink()
        lines = problems(sweep(tmp_path, graph), fake, dead, second)
    assert len(lines) == 3
    assert lines[0].startswith(f"{fake.url} and {second.url}: node 6 (KSampler")
    assert lines[1].startswith(f"{dead}: no ComfyUI")
    assert lines[2].startswith(f"{second.url}: the LoRA")


def test_a_prompt_that_has_no_place_is_told(fake, tmp_path):
    graph = changed(_6_negative=["3", 0])
    (line,) = problems(sweep(tmp_path, graph, negative="blurry"), fake)
    assert "negative cannot be set" in line


def test_before_the_training_the_lora_is_left_out_and_a_server_may_be_away(fake, tmp_path, caplog):
    graph = changed(_2_lora_name="a placeholder")
    url = dead_url()
    assert settle(sweep(tmp_path, graph, installed=False), fake) == graph
    assert settle(sweep(tmp_path, installed=False), url) is None
    assert f"no ComfyUI server answers at {url}" in caplog.text
    assert settle(sweep(tmp_path, installed=False), url, fake) == GRAPH
    graph = changed(_1_ckpt_name="none")
    assert "ckpt_name" in problems(sweep(tmp_path, graph, installed=False), url, fake)[0]


GUI = json.loads((ROOT / "config/workflows/gui/drawnworld_lora_bench.json").read_text())


def test_a_gui_workflow_becomes_the_graph_that_is_checked(fake, tmp_path):
    graph = settle(sweep(tmp_path, GUI), fake)
    assert {node: body["inputs"] for node, body in graph.items()} == {
        node: body["inputs"] for node, body in GRAPH.items()
    }
    (line,) = problems(sweep(tmp_path, GUI, checkpoint="none"), fake)
    assert "ckpt_name 'none' is not on the server" in line


def switched_off(number, mode, workflow=GUI):
    """Return the GUI workflow with a node that is muted (mode 2) or bypassed (4)."""
    gui = copy.deepcopy(workflow)
    next(node for node in gui["nodes"] if node["id"] == number)["mode"] = mode
    return gui


@pytest.mark.parametrize("mode", [2, 4])
@pytest.mark.parametrize(
    ("number", "lack", "node"),
    [
        (2, "no LoraLoader with the tested LoRA feeds 8", '2 (LoraLoader "LoRA under test")'),
        (6, "no sampler feeds 8", '6 (KSampler "Sampler")'),
        (7, "no sampler feeds 8", '7 (VAEDecode "Decode")'),
        (8, "the workflow has no SaveImage node", '8 (SaveImage "Save picture")'),
        (1, "checkpoint cannot be set: no node", '1 (CheckpointLoaderSimple "Base checkpoint")'),
        (3, "positive cannot be set: no text", '3 (CLIPTextEncode "Positive prompt")'),
        (5, "its input latent_image is required", '5 (EmptyLatentImage "Picture size and batch")'),
    ],
)
def test_a_node_that_is_muted_or_bypassed_is_named_where_one_is_missing(
    fake, tmp_path, number, lack, node, mode
):
    wanted = sweep(tmp_path, switched_off(number, mode), positive="a cat", checkpoint="drawnworld")
    (line,) = [one for one in problems(wanted, fake) if lack in one]
    assert f"; muted or bypassed in this workflow: {node}; if it should run, enable it" in line


def test_what_does_not_run_is_named_only_where_something_is_missing(fake, tmp_path):
    gui = copy.deepcopy(GUI)
    preview = {"id": 20, "type": "PreviewImage", "mode": 2, "inputs": [], "outputs": []}
    gui["nodes"].append(preview)
    assert settle(sweep(tmp_path, gui), fake)
    (line,) = problems(sweep(tmp_path, gui, checkpoint="none"), fake)
    assert "PreviewImage" not in line


def unstarted(tmp_path):
    (tmp_path / "models/vae").mkdir(parents=True, exist_ok=True)
    (tmp_path / "models/vae/kl.safetensors").touch()
    return Unstarted(
        replace(
            Library.nowhere(),
            models_dir=tmp_path / "models",
            loras_dir=tmp_path / "models/loras",
            input_dir=tmp_path / "input",
            checkpoints=[tmp_path / "drawnworld"],
        )
    )


def settle_unstarted(sweep, tmp_path):
    return preflight.settle(sweep, [unstarted(tmp_path)])


def test_the_embedded_server_need_not_run_to_be_checked(tmp_path):
    wanted = sweep(tmp_path, GUI, installed=False, checkpoint="drawnworld")
    assert settle_unstarted(wanted, tmp_path).keys() == GRAPH.keys()


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (switched_off(5, 2), "latent_image is required and not given; muted or bypassed"),
        (switched_off(1, 2), "checkpoint cannot be set: no node with a ckpt_name"),
        (changed(_6_sampler_name="eulr"), "sampler_name 'eulr' is not on the server; nearest"),
        (
            {
                **changed(_7_vae=["9", 0]),
                "9": {"class_type": "VAELoader", "inputs": {"vae_name": "lk.safetensors"}},
            },
            "vae_name 'lk.safetensors' is not on the server; nearest there: kl.safetensors",
        ),
    ],
)
def test_what_the_embedded_server_would_lack_is_told_before_its_start(tmp_path, graph, words):
    wanted = sweep(tmp_path, graph, installed=False, checkpoint="drawnworld")
    with pytest.raises(UserError) as caught:
        settle_unstarted(wanted, tmp_path)
    assert words in str(caught.value)
    assert "  the embedded server: " in str(caught.value)


def test_a_picture_for_the_embedded_server_is_looked_for_in_its_folders(tmp_path):
    graph = changed(_6_latent_image=["10", 0])
    graph["9"] = {"class_type": "LoadImage", "inputs": {"image": "clips/b.png"}}
    graph["10"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["9", 0], "vae": ["1", 2]}}
    wanted = sweep(tmp_path, graph, installed=False)
    with pytest.raises(UserError, match=r"image 'clips/b\.png' is not on the server"):
        settle_unstarted(wanted, tmp_path)
    (tmp_path / "input/clips").mkdir(parents=True)
    (tmp_path / "input/clips/b.png").touch()
    assert settle_unstarted(wanted, tmp_path) == graph


def test_a_gui_workflow_that_cannot_be_converted_is_named(fake, tmp_path):
    gui = copy.deepcopy(GUI)
    gui["nodes"][5]["type"] = "KSamplerFancy"
    (line,) = problems(sweep(tmp_path, gui), fake)
    assert f"workflow {tmp_path / 'mine.json'}: " in line
    assert "KSamplerFancy" in line


def test_servers_that_read_a_workflow_differently_are_named(fake, tmp_path, monkeypatch):
    def graph(content, path, server):
        return GRAPH if server.url == fake.url else changed(_6_steps=3)

    monkeypatch.setattr(preflight, "_graph", graph)
    with serving() as second:
        second.has_all(tmp_path / "other", LORA)
        with pytest.raises(UserError, match=rf"{fake.url} and {second.url} read .* differently"):
            settle(sweep(tmp_path), fake, second)


def test_the_kept_graph_may_have_other_titles_and_dates(tmp_path):
    other = changed(_8_filename_prefix="today")
    other["1"]["_meta"] = {"title": "another"}
    preflight.keep(other, tmp_path / "workflow.json")
    preflight.check_kept(GRAPH, tmp_path / "workflow.json", WORKFLOW)


def test_the_kept_graph_has_to_be_the_one_that_is_rendered(tmp_path):
    kept = tmp_path / "bench/workflow.json"
    preflight.keep(GRAPH, kept)
    preflight.check_kept(GRAPH, kept, WORKFLOW)
    with pytest.raises(UserError, match="--forcerun bench_preflight"):
        preflight.check_kept(changed(_6_steps=3), kept, WORKFLOW)
