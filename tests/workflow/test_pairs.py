"""A LoRA of two files, for the two models of Wan 2.2, in a whole run against a fake server."""

import json
from functools import partial

import pytest
import yaml
from PIL import Image

from lorabench.files import sha256
from tests.fake_comfy import png, serving
from tests.loras import save_lora
from tests.project import ROOT, make_project, run_folder

WORKFLOW = "config/workflows/wan22_lora_bench.json"
GRAPH = json.loads((ROOT / WORKFLOW).read_text(encoding="utf-8"))


def knows_wan(fake, models):
    """Have a server list the nodes and files of the workflow."""
    fake.has_models(models)
    recorded = (ROOT / "tests/workflows/node_info_bundled.json").read_text(encoding="utf-8")
    fake.node_info = json.loads(recorded)
    for kind, name, nodes in (("UNETLoader", "unet_name", "12"), ("CLIPLoader", "clip_name", "3")):
        listed = [GRAPH[node]["inputs"][name] for node in nodes]
        fake.node_info[kind]["input"]["required"][name][0] = listed
    (models / "vae" / GRAPH["4"]["inputs"]["vae_name"]).touch()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with a finished run of a pair, and what the server was sent."""
    project = make_project(tmp_path_factory.mktemp("pairs") / "project")
    for number, side in enumerate(("high", "low"), 1):
        save_lora(project.root / f"ink_{side}_noise.safetensors", number)
    with serving() as fake:
        fake.draw = partial(png, size=(64, 64))
        knows_wan(fake, project.root / "models")
        sweep = {"lora": "ink_low_noise.safetensors", "weights": "0.5", "seeds": "1,2"}
        config = {**sweep, "comfy_url": fake.url, "bench_workflow": WORKFLOW}
        project.said = project.snakemake(**config).stdout
        project.prompts = fake.prompts
        project.again = project.planned(**config)
        save_lora(project.root / "ink_low_noise.safetensors", 9)
        project.with_another = project.planned(**config)
    return project


def test_both_loaders_get_the_weight_each_with_its_own_file(finished):
    train = run_folder(finished) / "train"
    names = [
        json.loads((train / f"{low}installed.json").read_text())["name"] for low in ("", "low.")
    ]
    assert [name.rpartition("-")[0] for name in names] == ["ink_high_noise", "ink_low_noise"]
    for name in names:
        assert (finished.root / "models/loras" / name).is_file()
    seen = set()
    for graph in finished.prompts:
        loaders = [graph[node]["inputs"] for node in "56"]
        assert [one["lora_name"] for one in loaders] == names
        (weight,) = {one["strength_model"] for one in loaders}
        seen.add((weight, graph["12"]["inputs"]["noise_seed"], graph["13"]["inputs"]["noise_seed"]))
    assert seen == {(weight, seed, 0) for weight in (0, 0.5) for seed in (1, 2)}


def test_it_is_one_lora_of_the_sweep(finished):
    run = run_folder(finished)
    assert "one LoRA, for high and low noise" in finished.said
    assert sorted(path.name for path in (run / "bench").glob("w0.*")) == ["w0.00", "w0.50"]
    (one,) = yaml.safe_load((run / "bench/sweep.yaml").read_text())["loras"]
    files = [f"ink_{side}_noise.safetensors" for side in ("high", "low")]
    assert [one["key"], one["name"], one["file"], one["low"]] == ["", "ink", *files]
    with Image.open(run / "bench/w0.50/seed1_00.png") as picture:
        label = json.loads(picture.text["lorabench"])
    installed = [
        json.loads((run / "train" / f"{low}installed.json").read_text())["sha256"]
        for low in ("", "low.")
    ]
    assert label["lora_sha256"] == "+".join(installed)


def test_page_and_card_name_both_files(finished):
    run = run_folder(finished)
    for page in ("report.html", "train/README.md"):
        text = (run / page).read_text(encoding="utf-8")
        assert "ink_high_noise.safetensors" in text and "ink_low_noise.safetensors" in text


def test_again_there_is_nothing_to_do_and_another_file_is_another_lora(finished):
    assert finished.again == {}
    assert finished.with_another["copy_lora"] == 2
    assert finished.with_another["bench_image"] == 4
    high = run_folder(finished) / "train" / "ink_high_noise.safetensors"
    assert sha256(high) == sha256(finished.root / high.name)
