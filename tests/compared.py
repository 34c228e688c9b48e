"""Runs as the pipeline leaves them, with invented numbers and little pictures, to compare."""

import csv
import hashlib
from itertools import product

import yaml
from PIL import Image

from lorabench.bench.measures.columns import METRICS
from lorabench.bench.verdicts import verdict

TRAIN = {"rank": 16, "alpha": 16.0, "unet_lr": 0.003, "steps": 420, "batch_size": 8}
DIGEST = "ab" * 32
WORKS = verdict.Verdict("works", False, 0.8, [0.8], (0.4, 0.8))


def make_run(
    runs,
    name,
    *,
    prompts=("", "prompt-cat"),
    weights=(0.0, 0.4, 0.8),
    seeds=(1, 2),
    train=None,
    pictures=("a.png", "b.png"),
    base="drawnworld",
    told=WORKS,
    metrics=True,
    text="a cat",
    size=24,
):
    """Write a run called `name` into the folder `runs` and return its folder."""
    folder = runs / name
    bench = folder / "bench"
    train = {**TRAIN, **(train or {})}
    identity = {
        "raw": {
            "files": len(pictures),
            "digest": hashlib.sha256(str(pictures).encode()).hexdigest(),
        },
        "profile": "style",
        "trainer": "embedded",
        "train": train,
        "base_model": {"name": base, "digest": hashlib.sha256(base.encode()).hexdigest()},
    }
    _yaml(
        folder / "run.yaml",
        {"run_id": name, "raw_set": "ponnyu_v1", "identity": identity,
         "preprocess": {"resolution": 128}, "train": train, "created": name},
    )  # fmt: skip
    _table(
        folder / "preprocess_log.csv",
        [{"source": one, "ok": True, "width": 128, "height": 96,
          "source_sha256": hashlib.sha256(one.encode()).hexdigest()} for one in pictures],
    )  # fmt: skip
    variants = [{"name": one, "text": f"{text} {one}", "probe": "", "of": one,
                 "weights": list(weights), "seeds": list(seeds)} for one in prompts]  # fmt: skip
    _yaml(
        bench / "sweep.yaml",
        {"run_id": name, "weights": list(weights), "seeds": list(seeds), "batch_size": 1,
         "workflow_digest": DIGEST, "checkpoint": base, "variants": variants, "created": name,
         "trigger": "ponnyu style"},
    )  # fmt: skip
    for number, (prompt, weight, seed) in enumerate(product(prompts, weights, seeds)):
        path = bench / prompt / f"w{weight:.2f}" / f"seed{seed}_00.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size, size), (40 * number % 256, 90, 160)).save(path)
    if metrics:
        _table(bench / "summary.csv", [_summary(weight) for weight in weights])
    if told:
        verdict.write(told, bench / "verdict.json")
    return folder


def _summary(weight):
    row = {"weight": weight, "pictures": 4, "prompts": 2, "seeds": 2}
    for number, metric in enumerate(METRICS):
        mean = weight / (1 + number)
        row |= {metric.column: mean, f"{metric.column}_low": mean - 0.05,
                f"{metric.column}_high": mean + 0.05}  # fmt: skip
    return row


def _yaml(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
