"""The parts of the report: words, the command, tables, pictures in order, what is chosen."""

import base64
import io
import json
import re
import shlex
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image
from snakemake.cli import parse_config

from lorabench.base.stable_diffusion import BUNDLED, SD15
from lorabench.bench.verdicts import verdict
from lorabench.bench.verdicts.verdict import Finding, Score
from lorabench.errors import UserError
from lorabench.pages import finished_run, tables, template, thumbnails
from lorabench.pages.run import build, contents
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.pages.words import TEXTS
from lorabench.run import base_choice
from lorabench.settings.layers import resolve
from lorabench.sweep.variants import Variant
from tests import records
from tests.finished import VERDICT, make_run, series
from tests.kohya import save_checkpoint
from tests.pictures import photo

PAGES = Path(template.__file__).parent
KINDS = (".py", ".js", ".j2")


@pytest.fixture
def made(tmp_path):
    """A run of one prompt, read."""
    return finished_run.read(
        *make_run(tmp_path, prompts=1, weights=(0.0, 0.5), seeds=(1,), size=32)
    )


def sources():
    found = [path for path in sorted(PAGES.rglob("*.*")) if path.name != "words.py"]
    return "\n".join(path.read_text("utf-8") for path in found if path.suffix in KINDS)


def test_every_word_of_the_page_is_there_and_none_is_left_over():
    used = set(re.findall(r"[\"'`]([a-z]+\.[\w ]+)[\"'`]", sources())) & set(TEXTS)
    asked = set(re.findall(r"\bt\(\"([^\"]+)\"[,)]", sources()))
    asked |= set(re.findall(r"data-(?:label|alt)=\"([a-z.]+)\"", sources()))
    assert asked <= set(TEXTS)
    made_up = re.findall(r"\bt\(\"(\w+\.\w*)\" ~", sources())
    made_up += ["embedding."]  # by the columns of a table
    assert set(made_up) == {"compare.", "runs.group_", "embedding."}
    sections = {key for key in TEXTS if key.endswith(".title")}
    rest = set(TEXTS) - used - asked - sections
    assert {key for key in rest if not key.startswith(tuple(made_up))} == set()


def test_both_languages_take_the_same_values():
    for key, (en, ja) in TEXTS.items():
        assert set(re.findall(r"{(\w+)}", en)) == set(re.findall(r"{(\w+)}", ja)), key
        assert en.isascii() or key.startswith(
            ("verdict", "zoom", "blind", "page", "plots", "runs")
        ), key


def command(record=None, sweep=None, base=None):
    run_id = {"run_id": "set-0123abcd"}
    record = records.run(**{**run_id, "raw_set": "set", "trigger": "", **(record or {})})
    return repeat_command(record, records.sweep([VARIANT], **{**run_id, **(sweep or {})}), base)


VARIANT = Variant("", "a cat", "", (0.0, 0.4), (1,))


PROMPTS = "config/prompts/drawnworld_{profile}.txt"
SD_PROMPTS = "config/prompts/sd_{profile}.txt"


def test_what_is_usual_is_left_out_of_the_command():
    bare = "uv run snakemake --cores 1 --config raw_set=set"
    assert command() == bare
    assert command(None, {"prompts": PROMPTS, "probe": "full"}) == bare
    theirs = {"comfy_url": ["http://me:word@a:1"], "prompts": SD_PROMPTS, "probe": "quick"}
    assert command(None, theirs) == f"{bare} comfy_url=http://a:1"


def test_the_bundled_base_model_is_named_where_the_workflow_loads_another(tmp_path):
    url = {"comfy_url": ["http://a:1"]}
    text = json.dumps({"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x"}}})
    workflow = tmp_path / "workflow.json"
    workflow.write_text(text)
    assert "base_model" not in command(None, url)
    own = command(None, {**url, "bench_workflow": str(workflow)})
    assert own.endswith("base_model=models/checkpoints/drawnworld")


def test_trigger_words_stand_in_the_command_only_where_they_were_given():
    record = {"preprocess": {"trigger": "ink style"}}
    sweep = {"trigger": "ink style", "trigger_given": False}
    assert command(record, sweep) == command()
    given = command(record, {**sweep, "trigger_given": True})
    assert given == f"{command()} 'trigger=ink style'"


def test_a_search_is_searched_again():
    searched = {"search": "auto", "pictures": 150}
    assert command(None, searched) == f"{command()} search=auto pictures=150"
    contents = [records.sweep([VARIANT], **given).contents() for given in ({}, searched)]
    assert [one.get("search") for one in contents] == [None, "auto"]


def test_without_a_sweep_the_command_is_that_which_trains():
    record = records.run(run_id="set-0123abcd", raw_set="set", train={"rank": 8})
    train = "uv run snakemake --cores 1 trained --config raw_set=set 'train={rank: 8}'"
    assert repeat_command(record, None, None) == train


def test_what_is_unusual_stands_in_the_command():
    text = command(
        {"train": {"rank": 8, "flip": True}, "run_id": "mine"},
        {"weights": [0.5, -1.0], "positive": "ぽにゅ, a cat", "baseline": False},
    )
    given = dict(word.split("=", 1) for word in shlex.split(text)[6:])
    assert given == {
        "raw_set": "set",
        "weights": "-1.0,0.5",
        "positive": "ぽにゅ, a cat",
        "baseline": "False",
        "train": "{rank: 8, flip: true}",
        "run_id": "mine",
    }
    assert (
        resolve({**given, "train": yaml.safe_load(given["train"])}, BUNDLED.preset).train.rank == 8
    )


@pytest.mark.parametrize(
    "sweep",
    [
        {"prompts": PROMPTS, "probe": "full"},
        {"prompts": [], "probe": "quick"},
        {"prompts": ["a cat", "a dog"], "probe": "full"},
        {"prompts": ["a cat", "dog: a dog"], "probe": "full"},
        {"comfy_url": ["http://a:1"], "prompts": [], "probe": "off"},
        {"comfy_url": ["http://a:1"], "prompts": PROMPTS, "probe": "full"},
        {"comfy_url": ["http://a:1", "http://b:2"], "prompts": [], "probe": "quick"},
        {"comfy_url": ["http://a:1"], "prompts": SD_PROMPTS, "probe": "quick"},
    ],
)
def test_the_command_draws_the_same_prompts_and_probes(sweep):
    sweep = {"comfy_url": ["embedded"], **sweep}
    given = typed(command(None, sweep))
    again = resolve(given, base_choice.preset(BUNDLED, given)).model_dump(mode="json")
    assert {key: again[key] for key in ("prompts", "probe", "comfy_url")} == {
        key: sweep[key] for key in ("prompts", "probe", "comfy_url")
    }


def typed(text):
    """What a job reads of a command: Snakemake gives its words on through a shell."""
    words = shlex.split(text)[6:]
    shell = subprocess.check_output(
        f"printf '%s\\0' {' '.join(map(repr, words))}", shell=True, text=True
    )
    assert shell.split("\0")[:-1] == words
    return parse_config(words)


def test_another_base_model_keeps_all_that_was_recorded():
    text = command({"base": "sd.safetensors"})
    assert "base_model=models/checkpoints/sd.safetensors" in text
    assert "resolution: 128" in text
    elsewhere = Path("/m/sd.safetensors")
    assert f"base_model={elsewhere}" in command({"base": "sd.safetensors"}, None, elsewhere)


@pytest.mark.parametrize(
    "prompt",
    [
        "style: a dog",
        "a {b}",
        "20260131_120000",
        "1e5",
        "it's",
        "'a': b",
        "a #b",
        'a "dog"',
        "",
        "no",
    ],
)
def test_texts_that_snakemake_would_read_otherwise_stand_in_the_line(prompt):
    text = command(None, {"positive": prompt, "train": {"rank": 8}})
    assert "\n" not in text
    assert typed(text) == {"raw_set": "set", "positive": prompt}


def test_lists_and_sections_with_quotes_stand_in_the_line():
    prompts = ["{trigger}, a 'dog'", "it's: a cat"]
    servers = ["http://[::1]:1", "http://b:2"]
    text = command({"run_id": "20260101"}, {"prompts": prompts, "comfy_url": servers})
    assert "\n" not in text
    given = typed(text)
    assert (given["prompts"], given["run_id"]) == (prompts, "20260101")
    assert given["comfy_url"] == ",".join(servers)


def test_presets_of_the_base_models_family_are_left_out(tmp_path):
    base = tmp_path / "models" / "sd.safetensors"
    base.parent.mkdir()
    save_checkpoint(base)
    preset = SD15.preset
    record = {"base": base.name, **{key: preset[key] for key in ("preprocess", "train")}}
    unusual = {key: preset[key] for key in ("bench_workflow", "prompts", "probe", "bench")}
    text = command(record, {**unusual, "comfy_url": ["http://a:1"]}, base)
    assert set(typed(text)) == {"raw_set", "comfy_url", "base_model"}


@pytest.mark.parametrize("prompt", ["two\nlines", 'it\'s "so": $5', "a \\(b\\)"])
def test_what_no_job_would_get_goes_through_a_file(prompt):
    text = command(None, {"positive": prompt})
    head, rest = text.split("\n", 1)
    content, last = rest.split("END\n")
    assert head == "cat > again.yaml <<'END'"
    assert last == "uv run snakemake --cores 1 --configfile again.yaml"
    assert yaml.safe_load(content) == {"raw_set": "set", "positive": prompt}


def test_prompts_stand_in_one_line_with_their_braces():
    prompts = ["{trigger}, a cat", "dog: {trigger}, a 'dog'"]
    text = command(None, {"prompts": prompts[:1]})
    assert "\n" not in text
    assert parse_config(shlex.split(text)[6:]) == {"raw_set": "set", "prompts": prompts[:1]}
    assert typed(command(None, {"prompts": prompts}))["prompts"] == prompts


def test_empty_fields_and_nan_are_no_numbers():
    assert [tables.number(text) for text in ("0.5", "", None, "nan", "inf")] == [0.5, *[None] * 4]


def test_metrics_of_an_embedding_are_named_after_its_model():
    header = ["variant", "file", "ssim", "nearest", "dino_s_effect", "odd"]
    found = tables.metrics_of(header)
    assert [metric["column"] for metric in found] == ["ssim", "dino_s_effect", "odd"]
    assert found[1]["en"] == "dino_s: effect"


def test_what_the_verdict_takes_from_an_embedding_is_shown_first_with_its_limit():
    columns = ["ssim", "clip_prompt", "clip_likeness", "clip_text", "base_likeness"]
    found = contents.deciding(columns, {"prompt_kept": 0.35, "likeness": -1})
    assert {name: found[name] for name in found if name not in contents.DECIDING} == {
        "clip_prompt": 0.35,
        "clip_likeness": None,
    }


def test_a_long_training_is_thinned_and_keeps_its_course():
    rows = [{"step": str(at), "loss": str(1000 - at)} for at in range(5000)]
    curve = tables.loss(rows)
    assert {len(values) for values in curve.values()} == {600}
    assert curve["losses"] == sorted(curve["losses"], reverse=True)
    assert curve["steps"] == sorted(curve["steps"])
    assert curve["steps"][0] < 10
    assert curve["steps"][-1] > 4985


def test_losses_on_held_out_pictures_are_those_that_were_measured():
    rows = [
        {"step": "1", "loss": "0.2", "validation_loss": ""},
        {"step": "2", "loss": "0.1", "validation_loss": "0.25"},
    ]
    assert tables.held_out(rows) == [(2, 0.25)]
    assert tables.held_out([{"step": "1", "loss": "0.2"}]) == []  # before there was the column


def test_threads_keep_the_order_and_stay_a_few_things_ahead():
    started, most = [], 0
    lock = threading.Lock()

    def work(thing):
        with lock:
            started.append(thing)
        return thing

    for done, thing in enumerate(thumbnails.in_order(work, range(100), workers=2)):
        assert done == thing
        most = max(most, len(started) - done)
    assert sorted(started) == list(range(100))
    assert most <= 6


def test_pictures_are_made_smaller_and_never_larger(tmp_path):
    photo(1, 700, 350).save(tmp_path / "large.png")
    photo(2, 60, 60).convert("RGBA").save(tmp_path / "small.png")
    wanted = [
        thumbnails.Thumbnail(name, tmp_path / f"{name}.png", 512) for name in ("large", "small")
    ]
    found = {
        name: Image.open(io.BytesIO(base64.b64decode(text)))
        for name, text in thumbnails.embedded(wanted, 1)
    }
    assert found["large"].size == (512, 256)
    assert found["small"].size == (60, 60)
    assert {image.format for image in found.values()} == {"WEBP"}


def test_pictures_of_a_large_sweep_are_smaller(made):
    assert {one.side for one in contents.thumbnails(made, [], [])} == {512}
    made.measured *= 300
    assert {one.side for one in contents.thumbnails(made, [], [])} == {384}


def test_an_unreadable_picture_is_an_empty_text(tmp_path, caplog):
    (tmp_path / "no.png").write_bytes(b"words")
    wanted = [thumbnails.Thumbnail("p0", tmp_path / "no.png", 512)]
    assert list(thumbnails.embedded(wanted, 1)) == [("p0", "")]
    assert "no.png" in caplog.text


def test_seeds_beyond_the_numbers_of_javascript_stay_whole(made):
    first = made.measured[0]
    made.measured[0] = replace(first, picture=replace(first.picture, seed=2**64 - 1))
    data = contents.for_scripts(made, contents.training(made))
    assert data["pictures"][0]["seed"] == "18446744073709551615"


def test_a_large_training_set_is_shown_in_part_and_the_nearest_are_embedded(made):
    named = [f"../../../x/images/{path.name}" for path in made.training]
    images = made.training_set
    for at in range(100):
        Image.new("RGB", (8, 8)).save(images / f"z{at:03}.png")
    made.training = sorted(images.glob("*.png"))
    made.every = made.measured = [
        replace(one, values={**one.values, "nearest": nearest})
        for one, nearest in zip(made.measured, (named[1], ""), strict=False)
    ]
    found = contents.training(made)
    assert sum(one.shown for one in found) == contents.SHOWN_TRAINING
    assert images / "ponnyu_01.png" in {one.path for one in found}
    assert len({one.name for one in found}) == len(found)
    data = contents.for_scripts(made, found)
    nearest = data["training"][data["pictures"][0]["nearest"]]
    assert nearest == {"file": "ponnyu_01.png", "caption": "ponnyu style, 猫 1"}
    assert data["pictures"][1]["nearest"] is None


def test_the_page_leads_to_that_on_the_set_where_there_is_one(tmp_path):
    run, images = make_run(tmp_path, prompts=1, weights=(0.0, 0.5), seeds=(1,), size=32)
    page = run / "report.html"
    build.build(run, images, page)
    assert "dataset.html" not in page.read_text("utf-8")
    there = images.parent / "dataset.html"
    there.write_text("the set")
    build.build(run, images, page)
    link = re.search(r'href="([^"]+dataset.html)"', page.read_text("utf-8"))
    assert link and (page.parent / link[1]).resolve() == there.resolve()


def test_prompts_keep_the_order_of_the_sweep(tmp_path):
    found = finished_run.read(
        *make_run(tmp_path, prompts=3, weights=(0.0, 0.8), seeds=(1,), size=16)
    )
    found.measured.reverse()
    names = [one["name"] for one in contents.for_scripts(found, [])["variants"]]
    assert names[:3] == ["", "prompt-lighthouse", "prompt-mushroom"]
    assert names[3] == "trigger"
    pictures = contents.for_scripts(found, [])["pictures"]
    assert [one["variant"] for one in pictures] == sorted(one["variant"] for one in pictures)
    found.sweep = None
    unknown = {one["name"]: one["probe"] for one in contents.for_scripts(found, [])["variants"]}
    assert set(unknown) == set(names)
    assert unknown["trigger"] == "trigger"
    assert unknown["prompt-lighthouse.untriggered"] == "untriggered"


def test_the_ruler_has_the_window_and_the_weight(tmp_path):
    found = finished_run.read(*make_run(tmp_path, prompts=1, seeds=(1,), size=16))
    ruler = contents.ruler(found)
    assert [one["weight"] for one in ruler if one["usable"]] == [0.4, 0.6, 0.8]
    assert [one["weight"] for one in ruler if one["chosen"]] == [0.8]
    assert [one["weight"] for one in ruler if one["tied"]] == [0.6, 0.8]
    found.every = found.measured = [
        one for one in found.measured if one.picture.probe or one.picture.weight < 1
    ]
    assert max(one["weight"] for one in contents.ruler(found)) == 0.8, "of prompts, not of probes"
    found.verdict = None
    assert not any(one["usable"] or one["chosen"] for one in contents.ruler(found))


def test_sentences_of_the_verdict_say_on_how_much_they_stand(tmp_path):
    folder, images = make_run(tmp_path, prompts=1, weights=(0.0, 0.8), seeds=(1,), size=16)
    style = Finding("style_low", 0.2, 0.21, 0.4, spread=0.123, prompts=8, measured=8)
    copied = Finding("copies", 0.8, 0.25, 0.25, measured=4, similarity=0.92)
    scores = {"0.60": Score(0.512, 0.01, -0.1, 0.1), "0.80": Score(0.523, 0, 0, 0)}
    told = replace(VERDICT, reasons=[copied], below=style, scores=scores, leak=0.9,
                   leak_weight=0.8, leak_prompts=3)  # fmt: skip
    pages = []
    for one in (told, VERDICT):
        verdict.write(one, folder / "bench" / "verdict.json")
        build.build(folder, images, tmp_path / "page.html")
        pages.append((tmp_path / "page.html").read_text("utf-8"))
    for words in (
        "mean of 8 prompts", "standard deviation 0.12", "画像 4 枚中", "limit: 25%",
        "composition lost: 0.60 (0.51) · 0.80 (0.52)", "mean of 3 prompts",
    ):  # fmt: skip
        assert words in pages[0] and words not in pages[1], words
    assert "composition lost: 0.60 · 0.80" in pages[1]


def test_nothing_in_the_data_ends_its_element():
    text = template.embed({"prompt": "</script><script>"})
    assert "<" not in text
    assert "\\u003c/script>" in text


def test_a_run_that_was_only_benched_misses_no_record_of_a_training(tmp_path):
    folder, _ = make_run(tmp_path, prompts=1, seeds=(1,), size=16)
    for name in ("run.yaml", "preprocess_log.csv", "train/train_log.csv"):
        (folder / name).unlink(missing_ok=True)
    assert "run.yaml" in finished_run.read(folder, None).missing
    sweep = folder / "bench" / "sweep.yaml"
    sweep.write_text(sweep.read_text().replace("skip_train: false", "skip_train: true"))
    build.build(folder, None, tmp_path / "page.html")
    assert not {"run.yaml", "preprocess_log.csv"} & set(finished_run.read(folder, None).missing)
    page = (tmp_path / "page.html").read_text()
    assert "preprocess_log.csv" not in page and 'id="rejected"' not in page
    (folder / "preprocess_log.csv").write_text("source,ok,reason,source_sha256\na.png,True,,ab\n")
    build.build(folder, None, tmp_path / "page.html")  # its pictures were named
    assert 'id="rejected"' in (tmp_path / "page.html").read_text()


def test_a_run_of_several_loras_is_that_of_the_chosen_one_with_the_pictures_of_all(tmp_path):
    loras = series(4, 8, 12)
    found = finished_run.read(
        *make_run(tmp_path, prompts=1, weights=(0.0, 0.8), seeds=(1,), size=16, loras=loras)
    )
    assert found.lora_shown == 1 and {one.picture.lora for one in found.measured} == {
        "",
        "epoch-000008",
    }
    assert len(found.every_summary) == 3 * len(found.summary) == 6
    data = contents.for_scripts(found, [])
    assert [one["label"]["en"] for one in data["loras"]] == ["epoch 4", "epoch 8", "epoch 12"]
    shared = [one["loras"] for one in data["pictures"] if not one["weight"]]
    assert shared and all(places == [0, 1, 2] for places in shared)
    assert "lora" not in [metric["column"] for metric in data["metrics"]]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("bench/workflow.json", lambda text: "[" * 100_000, "nested too deeply"),
        ("bench/metrics.csv", lambda text: text + text.splitlines()[-1] + "\n", "has 2 rows of"),
        ("bench/summary.csv", lambda text: text + text.splitlines()[-1] + "\n", "has 2 rows of"),
        ("bench/metrics.csv", lambda text: text[:-40], r"line \d+ has|its last line has no end"),
        ("run.yaml", lambda text: "[" * 2000, "nested too deeply"),
    ],
)
def test_a_file_that_somebody_changed_is_named_with_what_to_do(tmp_path, name, change, said):
    run, _ = make_run(tmp_path, prompts=1, seeds=(1,), size=16)
    path = run / name
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=rf"{path.name}.*({said}).*(delete it|put it back)"):
        build.build(run, None, tmp_path / "report.html")


def test_a_key_of_another_version_and_half_an_interval_are_passed_over(tmp_path):
    run, _ = make_run(tmp_path, prompts=1, seeds=(1,), size=16)
    record = yaml.safe_load((run / "run.yaml").read_text())
    record["identity"]["train"]["invented"] = 5
    (run / "run.yaml").write_text(yaml.safe_dump(record))
    summary = run / "bench" / "summary.csv"
    summary.write_text(summary.read_text().replace("diversity_high", "invented_high"))
    assert finished_run.read(run).curves["diversity"][0.4].low is None
    build.build(run, None, tmp_path / "report.html")
