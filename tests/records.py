"""The records that a run leaves, with invented contents."""

from dataclasses import asdict
from pathlib import Path

from lorabench import layout
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.run.record import RunRecord
from lorabench.sweep.pictures import Picture
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Prompt, Variant

RUN_ID = "ponnyu_v1-c59e8a82"
DIGEST = "ab" * 32


def run(base="drawnworld", digest=DIGEST, preprocess=None, train=None, **given):
    """The record of a run; `preprocess` and `train` are settings besides the bundled ones."""
    preset = BUNDLED.preset
    contents = {
        "run_id": RUN_ID,
        "raw_set": "ponnyu_v1",
        "trigger": "ponnyu style",
        "identity": {
            "raw": {"files": 70, "digest": "46ae36f2"},
            "profile": "style",
            "preprocess": {**preset["preprocess"], **(preprocess or {})},
            "trainer": "embedded",
            "train": {**preset["train"], **(train or {})},
            "base_model": {"name": base, "digest": digest},
        },
        "preprocess": {**preset["preprocess"], **(preprocess or {})},
        "train": {**preset["train"], **(train or {})},
        **given,
    }
    return RunRecord.model_validate(contents)


def sweep(variants, **given):
    """The record of a sweep that renders these variants."""
    contents = {
        **{key: BUNDLED.preset[key] for key in ("bench_workflow", "prompts", "probe", "bench")},
        "run_id": RUN_ID,
        "checkpoint": "drawnworld",
        "workflow_digest": DIGEST,
        "comfy_url": ["embedded"],
        "variants": [asdict(variant) for variant in variants],
        **given,
    }
    return SweepRecord.model_validate(contents)


def write(record, path: Path) -> Path:
    """Write a record and return its path."""
    record.write(path)
    return path


def variants(prompts=(), weights=(0, 0.4, 0.6, 0.8, 1.0), seeds=(1,)):
    """The own prompt and further ones by name."""
    named = [Prompt("", "a red mushroom"), *(Prompt(name, name) for name in prompts)]
    return [Variant(name, text, "", tuple(weights), tuple(seeds)) for name, text in named]


def variant(prompt="", text="x", weights=(0, 0.4, 0.6, 0.8, 1.0), seeds=(1,), probe=""):
    """A prompt, or a probe of it."""
    return Variant(prompt, text, probe, tuple(weights), tuple(seeds))


OWN = variant()


def picture(folder, weight, seed=1, index=0, of=OWN):
    """The picture of a variant in the folder of a sweep; nothing is written."""
    path = layout.picture(folder, of.folder(weight), layout.weight_name(weight), seed, index)
    return Picture(of.name, seed, index, weight, path, of.prompt, of.probe)


def write_sweep(path, listed, **given):
    """Write the record of a sweep that renders these variants; return its path."""
    return write(sweep(listed, **given), path)
