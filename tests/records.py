"""The records that a run leaves, with invented contents."""

import re
from dataclasses import asdict
from pathlib import Path

import yaml

from lorabench.base.families import BUNDLED
from lorabench.run.record import RunRecord
from lorabench.settings.records import Record
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
    path.parent.mkdir(parents=True, exist_ok=True)
    how = record.model_dump(mode="json", include=set(Record.model_fields))
    content = {**record.contents(), **how}
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    return path


def variants(prompts=(), weights=(0, 0.4, 0.6, 0.8, 1.0), seeds=(1,)):
    """The own prompt and further ones by name."""
    named = [Prompt("", "a red mushroom"), *(Prompt(name, name) for name in prompts)]
    return [Variant(name, text, "", tuple(weights), tuple(seeds)) for name, text in named]


def variant(name, text="x", weights=(0, 0.4, 0.6, 0.8, 1.0), seeds=(1,)):
    """The variant that has this folder."""
    probe = next((kind for kind in ("untriggered", "trigger") if name.endswith(kind)), "")
    prompt = name.removesuffix(probe).removesuffix(".").removeprefix("prompt-")
    return Variant(prompt, text, probe, tuple(weights), tuple(seeds))


def pictures(paths):
    """The pictures of a sweep that lie at `[<variant>/]w0.40/seed1_00.png`, in order."""
    return sorted(map(_picture, paths))


def _picture(path):
    seed, index = path.stem.removeprefix("seed").split("_")
    folder = path.parent.parent.name
    of = variant(folder if re.match(r"prompt-|trigger$|untriggered$", folder) else "")
    weight = float(path.parent.name.removeprefix("w"))
    return Picture(of.name, int(seed), int(index), weight, path, of.prompt, of.probe)


def write_sweep(path, listed, **given):
    """Write the record of a sweep that renders these variants; return its path."""
    return write(sweep(listed, **given), path)
