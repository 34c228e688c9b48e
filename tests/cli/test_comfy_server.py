"""The real program on the bundled checkpoint, driven over HTTP as any ComfyUI client would."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import requests
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "scripts" / "comfy_server.py"
BUNDLED = ROOT / "models" / "checkpoints" / "drawnworld"
PATIENCE = 120


class Server:
    """The program under test, and what a client does with it."""

    def __init__(self, root, *arguments):
        self.root = root
        self.output = root / "output"
        self.state = root / "state.json"
        command = [
            *(sys.executable, str(PROGRAM), "--port", "0"),
            *("--models-dir", str(BUNDLED.parents[1])),
            *("--loras-dir", str(root / "loras"), "--output-dir", str(self.output)),
            *("--input-dir", str(root / "input")),
            *("--threads", "1", "--device", "cpu", "--state-file", str(self.state)),
            *arguments,
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        until(lambda: self.state.exists() or self.process.poll() is not None)
        self.url = json.loads(self.state.read_text())["url"] if self.state.exists() else None

    def get(self, path, **params):
        return requests.get(self.url + path, params=params, timeout=PATIENCE)

    def post(self, path, body, **options):
        return requests.post(self.url + path, json=body, timeout=PATIENCE, **options)

    def submit(self, graph, **more):
        return self.post("/prompt", {"prompt": graph, **more})

    def draw(self, graph, **more):
        """Return the history entry of a prompt that is submitted and run to its end."""
        reply = self.submit(graph, **more)
        assert reply.status_code == 200, reply.text
        return self.wait(reply.json()["prompt_id"])

    def wait(self, prompt_id):
        return until(lambda: self.get(f"/history/{prompt_id}").json().get(prompt_id))

    def pixels(self, entry, node="7", number=0):
        with Image.open(io.BytesIO(self.picture(entry, node, number))) as image:
            return image.size, image.tobytes()

    def picture(self, entry, node="7", number=0):
        assert entry["status"]["status_str"] == "success", entry["status"]
        reply = self.get("/view", **entry["outputs"][node]["images"][number])
        assert reply.status_code == 200
        return reply.content

    def log(self):
        return "".join(e["m"] for e in self.get("/internal/logs/raw").json()["entries"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def until(found, patience=PATIENCE):
    """Return what `found` gives as soon as that is something."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise TimeoutError


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    (root / "loras").mkdir()
    write_lora(root / "loras/good.safetensors")
    save_file({"lora_unet_nowhere.alpha": torch.ones(())}, root / "loras/dead.safetensors")
    server = Server(root)
    yield server
    assert server.stop() == 0
    assert not server.state.exists()


def write_lora(path, seed=0):
    """Write a LoRA on a few layers of the bundled UNet and text encoder."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for part, prefix in (("unet", "lora_unet_"), ("text_encoder", "lora_te_text_model_")):
        (weights,) = (BUNDLED / part).glob("*.safetensors")
        with safe_open(weights, "pt") as file:
            wanted = ("to_q.weight", "fc1.weight")
            for name in filter(lambda name: name.endswith(wanted), file.keys()):
                out, inner = file.get_slice(name).get_shape()
                layer = name.removesuffix(".weight").removeprefix("text_model.").replace(".", "_")
                up = torch.randn(out, 2, generator=generator)
                down = torch.randn(2, inner, generator=generator)
                tensors[f"{prefix}{layer}.lora_up.weight"] = up
                tensors[f"{prefix}{layer}.lora_down.weight"] = down
                tensors[f"{prefix}{layer}.alpha"] = torch.tensor(1.0)
    save_file(tensors, path, metadata={"ss_network_dim": "2"})


def link(node, slot=0):
    return [node, slot]


@pytest.fixture
def graph():
    """A text-to-image workflow with a LoRA, small and short."""
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="drawnworld"),
        "2": node(
            "LoraLoader",
            model=link("1"),
            clip=link("1", 1),
            lora_name="good.safetensors",
            strength_model=0.0,
            strength_clip=0.0,
        ),
        "3": node("CLIPTextEncode", text="a red (house:1.2)", clip=link("2", 1)),
        "4": node("CLIPTextEncode", text="", clip=link("2", 1)),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node(
            "KSampler",
            model=link("2"),
            seed=1,
            steps=2,
            cfg=4.0,
            sampler_name="euler",
            scheduler="normal",
            positive=link("3"),
            negative=link("4"),
            latent_image=link("5"),
            denoise=1.0,
        ),
        "8": node("VAEDecode", samples=link("6"), vae=link("1", 2)),
        "7": node("SaveImage", images=link("8"), filename_prefix=f"t/{uuid.uuid4().hex}/seed1"),
    }


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def test_it_draws_and_keeps_the_workflow_in_the_picture(server, graph):
    workflow = {"nodes": [], "version": 0.4}
    entry = server.draw(graph, extra_data={"extra_pnginfo": {"workflow": workflow}})
    assert entry["status"]["completed"] is True
    image = entry["outputs"]["7"]["images"][0]
    prefix = graph["7"]["inputs"]["filename_prefix"]
    assert image == {
        "filename": "seed1_00001_.png",
        "subfolder": str(Path(prefix).parent),
        "type": "output",
    }
    saved = server.output / image["subfolder"] / image["filename"]
    assert server.picture(entry) == saved.read_bytes()
    assert [path.name for path in saved.parent.iterdir()] == ["seed1_00001_.png"]
    with Image.open(saved) as picture:
        assert (picture.size, picture.mode) == ((64, 64), "RGB")
        assert json.loads(picture.text["prompt"]) == graph
        assert json.loads(picture.text["workflow"]) == workflow


def test_an_identical_graph_draws_nothing_and_a_nonce_saves_anew(server, graph):
    first, second = server.draw(graph), server.draw(graph)
    assert second["outputs"] == first["outputs"]
    graph["7"]["inputs"]["nonce"] = "1"
    third = server.draw(graph)
    assert third["outputs"]["7"]["images"][0]["filename"] == "seed1_00002_.png"
    assert server.pixels(third) == server.pixels(first)
    cached = dict(third["status"]["messages"])["execution_cached"]["nodes"]
    assert sorted(cached) == ["1", "2", "3", "4", "5", "6", "8"]


def test_the_seed_decides_the_pixels_after_a_reload_too(server, graph):
    first = server.pixels(server.draw(graph))
    graph["6"]["inputs"]["seed"] = 2
    assert server.pixels(server.draw(graph)) != first
    assert server.post("/free", {"unload_models": True, "free_memory": True}).status_code == 200
    graph["6"]["inputs"]["seed"] = 1
    assert server.pixels(server.draw(graph)) == first


def test_a_lora_changes_the_picture_and_leaves_no_trace(server, graph):
    def draw(model, clip, name="good.safetensors"):
        inputs = {"lora_name": name, "strength_model": model, "strength_clip": clip}
        graph["2"]["inputs"].update(inputs)
        return server.pixels(server.draw(graph))

    base = draw(0.0, 0.0)
    weak, strong = draw(0.5, 0.5), draw(1.0, 1.0)
    assert len({base, weak, strong, draw(1.0, 0.0), draw(0.0, 1.0)}) == 5
    assert draw(0.5, 0.5) == weak
    assert draw(0.0, 0.0) == base
    assert draw(1.0, 1.0, "dead.safetensors") == base
    assert "lora key not loaded: lora_unet_nowhere.alpha" in server.log()


def test_loras_in_a_row(server, graph):
    graph["2"]["inputs"] |= {"strength_model": 0.5, "strength_clip": 0.0}
    once = server.pixels(server.draw(graph))
    graph["9"] = node(
        "LoraLoaderModelOnly", model=link("2"), lora_name="good.safetensors", strength_model=-0.5
    )
    graph["6"]["inputs"]["model"] = link("9")
    assert server.pixels(server.draw(graph)) != once


def test_a_replaced_lora_is_used(server, graph):
    write_lora(server.root / "loras/changing.safetensors", seed=1)
    inputs = {"lora_name": "changing.safetensors", "strength_model": 1.0, "strength_clip": 1.0}
    graph["2"]["inputs"].update(inputs)
    before = server.pixels(server.draw(graph))
    write_lora(server.root / "loras/changing.safetensors", seed=2)
    assert server.pixels(server.draw(graph)) != before


@pytest.mark.parametrize("scheduler", ["karras", "ddim_uniform"])
@pytest.mark.parametrize("sampler", ["dpmpp_2m_sde", "uni_pc", "euler_cfg_pp", "dpm_adaptive"])
def test_other_samplers_draw(server, graph, sampler, scheduler):
    plain = server.pixels(server.draw(graph))
    graph["6"]["inputs"] |= {"sampler_name": sampler, "scheduler": scheduler}
    assert server.pixels(server.draw(graph)) != plain


def test_a_graph_of_parts_draws_the_same(server, graph):
    plain = server.pixels(server.draw(graph))
    sampler = graph["6"]["inputs"]
    prompts = {key: sampler[key] for key in ("positive", "negative")}
    graph |= {
        "10": node("RandomNoise", noise_seed=sampler["seed"]),
        "11": node("CFGGuider", model=link("2"), cfg=sampler["cfg"], **prompts),
        "12": node("KSamplerSelect", sampler_name=sampler["sampler_name"]),
        "13": node(
            "BasicScheduler", model=link("2"), scheduler=sampler["scheduler"], steps=link("14"),
            denoise=1.0,
        ),
        "14": node("PrimitiveInt", value=sampler["steps"]),
        "6": node(
            "SamplerCustomAdvanced", noise=link("10"), guider=link("11"), sampler=link("12"),
            sigmas=link("13"), latent_image=link("5"),
        ),
    }  # fmt: skip
    assert server.pixels(server.draw(graph)) == plain


def test_a_masked_picture_is_redrawn_where_the_mask_is(server, graph):
    picture = Image.new("RGBA", (64, 64), (200, 80, 40, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 32, 64))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    files = {"image": ("half.png", buffer.getvalue())}
    reply = requests.post(server.url + "/upload/image", files=files, timeout=PATIENCE)
    assert reply.json() == {"name": "half.png", "subfolder": "", "type": "input"}
    graph |= {
        "20": node("LoadImage", image="half.png"),
        "21": node("VAEEncode", pixels=link("20"), vae=link("1", 2)),
        "22": node("SetLatentNoiseMask", samples=link("21"), mask=link("20", 1)),
    }
    graph["6"]["inputs"]["latent_image"] = link("22")
    drawn = np.array(Image.open(io.BytesIO(server.picture(server.draw(graph))))).astype(int)
    graph["8"]["inputs"]["samples"] = link("21")
    kept = np.array(Image.open(io.BytesIO(server.picture(server.draw(graph))))).astype(int)
    change = np.abs(drawn - kept).mean(axis=(0, 2))
    assert change[:24].min() > 5 > change[48:].max()


def test_a_replaced_picture_is_seen(server, graph):
    graph["20"] = node("LoadImage", image="seen.png")
    graph["7"]["inputs"]["images"] = link("20")
    found = []
    (server.root / "input").mkdir(exist_ok=True)
    for grey in (10, 200):
        Image.new("L", (8, 8), grey).save(server.root / "input" / "seen.png")
        found.append(server.pixels(server.draw(graph))[1][0])
    assert found == [10, 200]


def test_a_linked_value_outside_its_limits_ends_the_prompt_with_a_reason(server, graph):
    graph["9"] = node("PrimitiveInt", value=0)
    graph["6"]["inputs"]["steps"] = link("9")
    entry = server.draw(graph)
    (error,) = [m for kind, m in entry["status"]["messages"] if kind == "execution_error"]
    assert error["node_id"] == "6"
    assert error["exception_message"].startswith("Value 0 smaller than min of 1: steps")


def test_the_advanced_sampler_does_the_same_in_two_parts(server, graph):
    graph["6"]["inputs"]["steps"] = 4
    whole = server.pixels(server.draw(graph))
    simple = graph["6"]["inputs"]
    shared = {key: simple[key] for key in simple if key not in ("seed", "denoise")}
    shared |= {"noise_seed": 1}
    graph["10"] = node(
        "KSamplerAdvanced",
        **shared,
        add_noise="enable",
        start_at_step=0,
        end_at_step=2,
        return_with_leftover_noise="enable",
    )
    graph["6"] = node(
        "KSamplerAdvanced",
        **shared | {"latent_image": link("10")},
        add_noise="disable",
        start_at_step=2,
        end_at_step=10000,
        return_with_leftover_noise="disable",
    )
    _, parts = server.pixels(server.draw(graph))
    assert max(abs(a - b) for a, b in zip(whole[1], parts, strict=True)) <= 1


def test_clip_skip_and_long_prompts_draw(server, graph):
    seen = {server.pixels(server.draw(graph))}
    graph["9"] = node("CLIPSetLastLayer", clip=link("2", 1), stop_at_clip_layer=-2)
    graph["3"]["inputs"]["clip"] = link("9")
    seen.add(server.pixels(server.draw(graph)))
    graph["3"]["inputs"]["text"] = "a house beside a (red:1.4) bridge, " * 12
    seen.add(server.pixels(server.draw(graph)))
    assert len(seen) == 3


def test_a_batch_is_saved_picture_by_picture(server, graph):
    graph["5"]["inputs"]["batch_size"] = 2
    graph["9"] = node("PreviewImage", images=link("8"))
    entry = server.draw(graph)
    names = [image["filename"] for image in entry["outputs"]["7"]["images"]]
    assert names == ["seed1_00001_.png", "seed1_00002_.png"]
    assert server.pixels(entry, number=0) != server.pixels(entry, number=1)
    assert entry["outputs"]["9"]["images"][0]["type"] == "temp"
    assert server.pixels(entry, "9", 1) == server.pixels(entry, "7", 1)


def test_refusals_have_comfyuis_shape(server, graph):
    graph["2"]["inputs"]["lora_name"] = "nope.safetensors"
    reply = server.submit(graph)
    assert reply.status_code == 400
    body = reply.json()
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    (error,) = body["node_errors"]["2"]["errors"]
    assert error["type"] == "value_not_in_list"
    assert error["details"].startswith("lora_name: 'nope.safetensors' not in [")
    assert body["node_errors"]["2"]["dependent_outputs"] == ["7"]

    graph["6"]["class_type"] = "UpscaleModelLoader"
    body = server.submit(graph).json()
    assert body["error"]["type"] == "invalid_prompt"
    assert "KSampler" in body["error"]["extra_info"]["supported"]
    assert body["node_errors"] == {}


def test_a_half_valid_graph_is_accepted_with_its_errors(server, graph):
    graph["9"] = node("SaveImage", images=link("5"), filename_prefix="x")
    reply = server.submit(graph)
    assert reply.status_code == 200
    assert reply.json()["node_errors"]["9"]["errors"][0]["type"] == "return_type_mismatch"
    assert server.wait(reply.json()["prompt_id"])["outputs"].keys() == {"7"}


@pytest.mark.parametrize("body", ["", "{not json", '{"prompt": null}'])
def test_what_is_no_prompt_is_refused(server, body):
    reply = requests.post(f"{server.url}/prompt", data=body, timeout=PATIENCE)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] in ("invalid_json", "invalid_prompt")


def test_a_picture_that_takes_all_memory_is_refused(server, graph):
    graph["5"]["inputs"] |= {"width": 16384, "height": 16384}
    reply = server.submit(graph)
    assert reply.status_code == 400
    (error,) = reply.json()["node_errors"]["5"]["errors"]
    assert error["type"] == "value_bigger_than_max"
    graph["5"]["inputs"] |= {"width": 64, "height": 64}
    server.draw(graph)


def test_a_body_without_prompt_is_refused(server):
    reply = server.post("/prompt", {})
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "no_prompt")


def test_a_foreign_page_is_kept_out(server):
    for origin, status in (("http://evil.example", 403), ("null", 403), (server.url, 200)):
        reply = requests.get(f"{server.url}/prompt", headers={"Origin": origin}, timeout=PATIENCE)
        assert reply.status_code == status


def test_a_failing_node_is_told_in_the_history(server, graph):
    graph["7"]["inputs"]["filename_prefix"] = "../../outside"
    entry = server.draw(graph)
    assert entry["status"]["status_str"] == "error"
    event, error = entry["status"]["messages"][-1]
    assert (event, error["node_id"], error["node_type"]) == ("execution_error", "7", "SaveImage")
    assert "outside the output folder" in error["exception_message"]
    assert error["exception_type"] == "ValueError"


def test_view_guards_the_output_folder(server, graph):
    image = server.draw(graph)["outputs"]["7"]["images"][0]
    assert server.get("/view", filename="../x.png").status_code == 400
    assert server.get("/view", filename="/etc/passwd").status_code == 400
    assert server.get("/view", filename="").status_code == 400
    assert server.get("/view", filename="x.png", type="nowhere").status_code == 400
    assert server.get("/view", filename="x.png", subfolder="../..").status_code == 403
    assert server.get("/view", filename="missing.png").status_code == 404
    assert server.get("/view").status_code == 404
    for extra, kind in (({"preview": "jpeg;80"}, "JPEG"), ({"channel": "rgb"}, "PNG")):
        reply = server.get("/view", **image, **extra)
        with Image.open(io.BytesIO(reply.content)) as picture:
            assert picture.format == kind
            assert "prompt" not in picture.info


def test_queue_and_interrupt(server, graph):
    graph["6"]["inputs"] |= {"steps": 2000, "seed": 77}
    running, waiting = uuid.uuid4().hex, uuid.uuid4().hex
    server.submit(graph, prompt_id=running)
    graph["6"]["inputs"]["seed"] = 78
    server.submit(graph, prompt_id=waiting)

    def running_now():
        listed = server.get("/queue").json()
        return listed if listed["queue_running"] else None

    listed = until(running_now)
    assert [entry[1] for entry in listed["queue_running"]] == [running]
    assert [entry[1] for entry in listed["queue_pending"]] == [waiting]
    assert server.get("/prompt").json() == {"exec_info": {"queue_remaining": 2}}
    assert server.get(f"/history/{running}").json() == {}

    server.post("/queue", {"delete": [waiting]})
    assert server.get("/queue").json()["queue_pending"] == []
    server.post("/interrupt", {"prompt_id": "another"})
    assert server.get("/queue").json()["queue_running"]
    server.post("/interrupt", {"prompt_id": running})
    status = server.wait(running)["status"]
    assert (status["status_str"], status["completed"]) == ("error", False)
    assert status["messages"][-1][0] == "execution_interrupted"
    assert server.get(f"/history/{waiting}").json() == {}


def test_an_answer_is_held_until_the_prompt_has_ended(server, graph):
    graph["6"]["inputs"]["seed"] = 79
    prompt_id = server.submit(graph).json()["prompt_id"]
    assert server.get(f"/history/{prompt_id}").json() == {}
    assert server.get(f"/history/{prompt_id}", wait=10).json()[prompt_id]["status"]["completed"]
    began = time.monotonic()
    assert server.get("/history/unknown", wait=10).json() == {}
    assert time.monotonic() - began < 5


def test_the_websocket_follows_a_prompt_to_its_end(server, graph):
    async def follow():
        said = []
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{server.url}/ws?clientId=me") as socket,
        ):
            body = {"prompt": graph, "client_id": "me", "prompt_id": "mine"}
            await session.post(f"{server.url}/api/prompt", json=body)
            async for message in socket:
                said.append((message.json()["type"], message.json()["data"]))
                if said[-1] == ("executing", {"node": None, "prompt_id": "mine"}):
                    break
            reply = await session.get(f"{server.url}/history/mine")
            return said, await reply.json()

    said, history = asyncio.run(asyncio.wait_for(follow(), PATIENCE))
    assert history["mine"]["status"]["completed"]  # it is there once the end was told
    assert said[0][0] == "status"
    assert said[0][1]["sid"] == "me"
    steps = [(data["value"], data["max"]) for kind, data in said if kind == "progress"]
    assert steps == [(1, 2), (2, 2)]
    kinds = [kind for kind, _ in said]
    for kind in ("execution_start", "execution_cached", "executing", "progress_state"):
        assert kind in kinds
    executed = next(data for kind, data in said if kind == "executed")
    assert executed["output"] == history["mine"]["outputs"]["7"]
    assert kinds.index("executed") < kinds.index("execution_success")


def test_it_says_what_it_is_and_has(server):
    stats = until(lambda: (s := server.get("/api/system_stats").json())["devices"] and s)
    assert stats["system"]["lorabench_embedded"]
    assert stats["system"]["comfyui_version"] == "0.33.0"
    assert (stats["system"]["threads"], stats["system"]["dtype"]) == (1, "float32")
    assert stats["devices"][0]["type"] == "cpu"
    assert "drawnworld" in server.get("/models/checkpoints").json()
    assert {"good.safetensors", "dead.safetensors"} <= set(server.get("/models/loras").json())
    assert server.get("/models/nowhere").status_code == 404
    assert server.get("/view_metadata/loras", filename="good.safetensors").json() == {
        "ss_network_dim": "2"
    }
    assert server.get("/view_metadata/loras", filename="no.safetensors").status_code == 404


def test_object_info_declares_the_widgets_in_their_order(server):
    info = server.get("/object_info/KSampler").json()["KSampler"]
    assert list(info["input"]["required"])[:5] == ["model", "seed", "steps", "cfg", "sampler_name"]
    assert info["input"]["required"]["seed"][1]["control_after_generate"] is True
    assert info["output"] == ["LATENT"]
    assert server.get("/object_info/Nothing").json() == {}
    every = server.get("/object_info").json()
    assert len(every) == 83
    assert every["SaveImage"]["output_node"] is True
    assert "drawnworld" in every["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0]


def test_the_history_can_be_listed_and_forgotten(server, graph):
    entry = server.draw(graph, prompt_id="forget-me")
    assert entry["prompt"][1] == "forget-me"
    assert list(server.get("/history", max_items=1).json()) == ["forget-me"]
    server.post("/history", {"delete": ["forget-me"]})
    assert server.get("/history/forget-me").json() == {}


def run(*arguments):
    command = [sys.executable, str(PROGRAM), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def test_help_names_every_option():
    done = run("--help")
    assert done.returncode == 0
    for option in ("--port", "--loras-dir", "--checkpoint", "--idle-timeout", "--parent-pid"):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threads", "-1"), "--threads -1: allowed are 0 (all cores) and more"),
        (("--checkpoint", "/nowhere/x.safetensors"), "--checkpoint /nowhere/x.safetensors"),
        (("--parent-pid", "999999999"), "--parent-pid 999999999: there is no such process"),
        pytest.param(
            ("--port", "0", "--device", "cuda"),
            "--device cuda: torch finds no CUDA device",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here"),
        ),
    ],
)
def test_wrong_options_end_at_once_with_a_reason(arguments, message):
    done = run(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_explained(server):
    port = server.url.rsplit(":", 1)[1]
    done = run("--port", port)
    assert done.returncode == 1
    assert f"--port {port}: cannot listen there" in done.stderr


def test_it_ends_when_idle(tmp_path):
    server = Server(tmp_path, "--idle-timeout", "1")
    assert server.process.wait(30) == 0
    assert "idle for 1 seconds" in server.process.stderr.read()
    assert not server.state.exists()


def test_it_ends_with_its_parent(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        server = Server(tmp_path, "--parent-pid", str(parent.pid))
        assert requests.get(f"{server.url}/prompt", timeout=PATIENCE).ok
    assert server.process.wait(30) == 0
    assert f"the parent {parent.pid} is gone" in server.process.stderr.read()


def test_a_checkpoint_elsewhere_is_listed_by_its_name(tmp_path):
    elsewhere = tmp_path / "mine"
    elsewhere.symlink_to(BUNDLED)
    server = Server(tmp_path, "--checkpoint", str(elsewhere), "--parent-pid", str(os.getpid()))
    assert "mine" in server.get("/models/checkpoints").json()
    assert server.stop() == 0
