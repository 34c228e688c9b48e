"""The model card: complete with everything, honest with little."""

import hashlib
import json
import re
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
import yaml

from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.lora import file as lora_file
from lorabench.pages.card import card as model_card
from lorabench.pages.card.card import Sources
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.variants import Variant
from tests import records
from tests.finished import chosen, series

METADATA = {
    "ss_tag_frequency": json.dumps({"set": {"ponnyu style": 3, "a cat": 2, "blue": 1}}),
    "ss_dataset_dirs": json.dumps({"set": {"n_repeats": 2, "img_count": 3}}),
    "ss_num_train_images": "6",
    "ss_resolution": "(128, 128)",
    "ss_sd_model_name": "some_base.safetensors",
    "modelspec.architecture": "stable-diffusion-v1/lora",
}
RECORD = records.run(
    raw_set="ponnyu_v1", train={"rank": 4, "kohya_args": {"a": "b|c"}}, trigger="ponnyu style"
)


def sweep(text='ponnyu style, a "green" dog', **given):
    listed = [
        Variant("", text, "", (0.0, 0.4, 0.8), (1, 2)),
        Variant("cat", "ponnyu style, a cat", "", (0.0, 0.4, 0.8), (1, 2)),
        Variant("", "ponnyu style", "trigger", (0.0, 0.4, 0.8), (1, 2)),
    ]
    asked = {"weights": [0.4, 0.8], "seeds": [1, 2], "batch_size": 2, "trigger": "ponnyu style"}
    return records.sweep(listed, **{**asked, **given})


SWEEP = sweep()
WORKS = Verdict(
    "works", False, 0.8, [0.6, 0.8], (0.6, 1.0), above=Finding("off_range", 1.2, 0.2, 0.1)
)


@pytest.fixture
def lora(tmp_path):
    path = tmp_path / "train" / "style_ponnyu.safetensors"
    tensors = {}
    for name in ("lora_unet_a", "lora_te_text_model_encoder_layers_0_mlp_fc1"):
        tensors[f"{name}.lora_down.weight"] = np.ones((4, 6), np.float16)
        tensors[f"{name}.lora_up.weight"] = np.ones((5, 4), np.float16)
        tensors[f"{name}.alpha"] = np.array(2, np.float16)
    lora_file.save(path, tensors, METADATA)
    return path


def card(lora, **sources):
    path = lora.with_name("README.md")
    model_card.write(Sources([lora], **sources), path)
    text = path.read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def test_a_whole_card_tells_everything(lora, tmp_path):
    grid = tmp_path / "over view.webp"
    grid.write_bytes(b"a picture")
    front, body = card(lora, record=RECORD, sweep=SWEEP, verdict=WORKS, grid=grid)
    assert lora.with_name("over view.webp").read_bytes() == b"a picture"
    assert front["base_model"] == "drawnworld" and front["instance_prompt"] == "ponnyu style"
    assert {"lora", "text-to-image", "stable-diffusion"} <= set(front["tags"])
    assert front["license"] == "other"
    sha256 = hashlib.sha256(lora.read_bytes()).hexdigest()
    for expected in (
        "| Trigger words | `ponnyu style` |",
        "| Weight | 0.80 (no worse in the benchmark: 0.60) |",
        "| Usable window | 0.60 to 1.00 |",
        "text encoder 1",
        "rank 4, alpha 2",
        "![Pictures by prompt and LoRA weight](over%20view.webp)",
        "`strength_model` and `strength_clip` to 0.80",
        "<lora:style_ponnyu:0.80> ponnyu style",
        'pipeline.set_adapters("lora", 0.80)',
        r'pipeline("ponnyu style, a \"green\" dog")',
        "The benchmark says: **Works**",
        "Above the window: at 1.20, 20%",
        "it stays out of the picture",
        "2 prompts, 4 pictures each, at the weights 0.00, 0.40, 0.80, rendered with drawnworld",
        "Data: 3 pictures at about 128 × 128 px.",
        "| `trainer` | embedded |",
        "| `flip` | false |",
        r"| `kohya_args` | {'a': 'b\|c'} |",
        f"| SHA-256 | `{sha256}` |",
        f"| AutoV2 | `{sha256[:10]}` |",
        f"| AutoV3 | `{lora_file.verify(lora).metadata['sshs_model_hash'][:12]}` |",
    ):
        assert expected in body
    assert "threads" not in body and "`epochs`" not in body


def test_a_trigger_with_brackets_is_written_as_each_program_reads_it(lora):
    of_mika = sweep(r"mika \(moon\), (a cat:1.2)", trigger="mika (moon)")
    front, body = card(lora, sweep=of_mika)
    assert front["instance_prompt"] == "mika (moon)"
    assert "| Trigger words | `mika (moon)` |" in body
    assert r"Write `mika \(moon\)` into the prompt." in body
    assert r"<lora:style_ponnyu:WEIGHT> mika \(moon\)`" in body
    assert 'pipeline("mika (moon), a cat")' in body


def test_without_a_verdict_nothing_is_claimed(lora):
    _, body = card(lora, record=RECORD, sweep=SWEEP)
    assert "| Weight | not judged |" in body and "no weight is recommended" in body
    assert "<lora:style_ponnyu:WEIGHT>" in body
    assert "window" not in body and "The benchmark says" not in body


def test_of_the_file_alone_a_card_can_be_made(lora):
    front, body = card(lora)
    assert front["base_model"] == "some_base" and front["instance_prompt"] == "ponnyu style"
    assert "A LoRA for some_base." in body
    assert "Data: 3 pictures at (128, 128) px." in body
    assert "No pictures are recorded for it." in body


def test_its_layers_say_which_family_it_is_for(lora):
    tensors = {
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": np.ones((4, 3072), np.float16),
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": np.ones((9216, 4), np.float16),
    }
    lora_file.save(lora, tensors, {})
    front, body = card(lora)
    assert "A LoRA for a FLUX.1 model that is not recorded." in body
    assert front["tags"][-1] == "flux"


@pytest.mark.parametrize("label", ["fried", "copies", "uncertain"])
def test_what_does_not_work_is_said_first(lora, label):
    told = Verdict(label, None, None, reasons=[Finding("beside", 0.8, 1.3, 0.8)])
    _, body = card(lora, sweep=SWEEP, verdict=told)
    head = body.split("## How to use")[0]
    assert "> **" in head and "change by 1.3 standard deviations beside the style" in head
    weight = "not judged" if label == "uncertain" else "none"
    assert f"| Weight | {weight} |" in head
    assert "was not probed" in body


def test_what_was_not_judged_and_what_is_to_fill_in_is_said(lora):
    told = Verdict("uncertain", unknown=[Finding("no_training_set")])
    _, body = card(lora, sweep=SWEEP, verdict=told)
    assert "> **Uncertain.** Not judged (there is no training set to compare with).\n" in body
    assert "`WEIGHT` stands for a weight" in body and "`BASE MODEL` stands for" in body
    _, body = card(lora, verdict=Verdict("works", True, 0.8))
    assert "WEIGHT" not in body and "`BASE MODEL` stands for" in body


def test_a_leak_is_told_once(lora):
    told = Verdict("works", True, 0.8, reasons=[Finding("leaks", 0.8, 0.9, 0.5)])
    _, body = card(lora, verdict=told)
    assert "still gains 90%" in body and "too." not in body
    _, body = card(lora, verdict=Verdict("works", True, 0.8))
    assert "It acts without its trigger words, too." in body


def test_trigger_words_are_those_of_the_benchmark_or_what_all_captions_share():
    assert model_card.trigger_words(sweep(trigger="x"), METADATA) == "x"
    assert model_card.trigger_words(sweep(trigger=""), METADATA) == ""
    assert model_card.trigger_words(None, METADATA) == "ponnyu style"
    assert model_card.trigger_words(None, {}) == ""
    assert model_card.trigger_words(None, {"ss_tag_frequency": "broken"}) == ""


def test_of_several_loras_it_is_on_the_one_to_use(lora, tmp_path):
    epochs = series(2, 4, 6)
    paths = [lora.with_name(one.file) for one in epochs]
    for path in paths:
        shutil.copy(lora, path)
    swept = [
        replace(one, lora=epoch.key, weights=weights)
        for epoch, weights in zip(epochs, ((0.0, 0.8), (0.0, 0.4, 0.6), (0.0, 0.8)), strict=True)
        for one in SWEEP.variants
    ]
    several = SWEEP.model_copy(update={"loras": epochs, "variants": tuple(swept)})
    model_card.write(
        Sources(paths, record=RECORD, sweep=several, verdict=chosen(epochs)), tmp_path / "README.md"
    )
    body = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"# {epochs[1].name}" in body and "| Saved after | epoch 4 |" in body
    assert "| Weight | 0.80" in body, "the verdict is on that one"
    assert "2 prompts, 4 pictures each, at the weights 0.00, 0.40, 0.60," in body
    assert epochs[0].name not in body and epochs[2].name not in body


def test_names_and_words_are_shown_and_neither_format_nor_run(lora, tmp_path):
    hostile = "<img src=x onerror=alert(1)> `a` ``b | *c* [d](javascript:e)\n# f \x1b[2J"
    shown = "`` `a` ``b \\| *c* [d](javascript:e) # f [2J"
    named = lora.with_name("x [y](z) `q`.safetensors")
    shutil.copy(lora, named)
    record = records.run(
        base=hostile, raw_set=hostile, reg_set=hostile, train={"kohya_args": {"a": hostile}}
    )
    found = sweep(text=hostile, trigger=hostile, checkpoint=hostile)
    judged = replace(WORKS, reasons=[Finding("subject_alike", value=0.9, word=hostile)])
    _, body = card(named, record=record, sweep=found, verdict=judged)
    prose = re.sub(
        r"(`+)(?!`).*?[^`]\1(?!`)", "", body.replace("```python", "```"), flags=re.DOTALL
    )
    assert "onerror=alert" in prose, "it is shown"
    assert not re.search(r"(?<!\\)[<`]|(?<!\\)\]\(|(?<!\\)\*[c]", prose), prose
    assert "\n# f" not in body and "\x1b" not in body
    assert shown.removeprefix("`` ") in body
    assert f"weight_name={json.dumps(named.name)}" in body


def test_a_lora_of_two_files_is_called_by_what_they_have_in_common_and_has_both(lora):
    low = shutil.copy(lora, lora.with_name("ink_low_noise.safetensors"))
    high = lora.rename(lora.with_name("ink_high_noise.safetensors"))
    pair = SweptLora("", high.name, "ink", low=low.name)
    path = lora.with_name("README.md")
    swept = sweep(loras=[asdict(pair)])
    for verdict in (WORKS, None):
        model_card.write(Sources([high, low], sweep=swept, verdict=verdict), path)
        body = path.read_text(encoding="utf-8")
        assert "# ink\n" in body
        for noise, file in (("high", high), ("low", low)):
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            assert f"| File for {noise} noise | `{file.name}`" in body
            assert f"| SHA-256, {noise} noise | `{sha256}` |" in body
        assert "put both files into `models/loras`, load each" in body
        assert "A1111" not in body and "diffusers**" not in body
