"""A finished run as its files tell it: pictures, tables and records with invented numbers."""

import csv
import json
import random
from dataclasses import asdict
from pathlib import Path

import yaml
from PIL import Image, ImageDraw, ImageFilter

from lorabench.bench import variants
from lorabench.bench.measures import columns
from lorabench.bench.measures.faults import Fault
from lorabench.bench.measures.faults import write as write_faults
from lorabench.bench.verdicts import verdict
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.picture import Row
from lorabench.refusals import Refusal

RUN_ID = "ponnyu_v1-c59e8a82"
TRIGGER = "ponnyu style"
SUBJECTS = ("cat", "lighthouse", "mushroom", "sailing boat", "teapot", "owl", "castle", "robot")
WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
VERDICT = Verdict(
    label="works",
    leaks=True,
    weight=0.8,
    tie=[0.6, 0.8],
    window=(0.4, 0.8),
    below=Finding("style_low", 0.2, 0.21, 0.4),
    above=Finding("off_range", 1.0, 0.31, 0.2),
    reasons=[Finding("leaks", None, 0.88, 0.5)],
    unknown=[],
    labels={"0.20": "weak", "0.40": "works", "0.60": "works", "0.80": "works", "1.00": "fried"},
    thresholds={"style": 0.4, "outside": 0.2, "structure": 0.5},
)


def make_run(root, prompts=2, weights=WEIGHTS, seeds=(1, 2), size=64, training=6, probes=True):
    """Write `runs/<RUN_ID>` and a normalized set below `root`; return both folders."""
    run = root / "runs" / RUN_ID
    dataset = root / "datasets" / "normalized" / "style" / "ponnyu_v1-9e0c5eb9"
    trained = _make_dataset(dataset, training, size)
    further = [variants.Prompt(name.split()[0], f"{TRIGGER}, a {name}") for name in SUBJECTS[1:]]
    extent = variants.EXTENTS["quick" if probes else "off"]
    own = f"{TRIGGER}, a {SUBJECTS[0]}"
    planned = variants.plan(own, further[: prompts - 1], TRIGGER, extent, weights, seeds)
    rows = [
        _cell(run / "bench", variant, weight, seed, size, trained)
        for variant in planned
        for weight in variant.weights
        for seed in variant.seeds
    ]
    _write_table(run / "bench" / "metrics.csv", rows)
    _write_table(run / "bench" / "summary.csv", [_summary(weight, prompts) for weight in weights])
    verdict.write(VERDICT, run / "bench" / "verdict.json")
    write_faults([], run / "bench" / "warnings.json")
    (run / "bench" / "workflow.json").write_text(json.dumps({"3": {"class_type": "KSampler"}}))
    _write_records(run, planned, weights, seeds)
    _write_training(run / "train")
    _write_rejected(run)
    return run, dataset


def draw(subject, weight, seed, size):
    """A scene that takes on ink, muted colours and dots as the weight grows."""
    dice = random.Random(f"{subject} {seed}")
    hue = dice.randrange(360)
    image = Image.new("RGB", (size, size), f"hsv({hue}, {40 - 20 * weight:.0f}%, 92%)")
    canvas = ImageDraw.Draw(image)
    ink = "#2b2430"
    line = round(size * 0.03 * weight)
    canvas.rectangle((0, size * 0.7, size, size), f"hsv({(hue + 90) % 360}, 35%, 70%)")
    for _ in range(3 + SUBJECTS.index(subject) % 4 if subject in SUBJECTS else 3):
        x, y, half = dice.uniform(0.3, 0.7), dice.uniform(0.3, 0.6), dice.uniform(0.08, 0.24)
        box = [size * value for value in (x - half, y - half, x + half, y + half)]
        shape = dice.choice((canvas.ellipse, canvas.rectangle))
        fill = f"hsv({dice.randrange(360)}, {70 - 30 * weight:.0f}%, 80%)"
        shape(box, fill, ink if line else None, max(1, line))
    step = max(4, size // 16)
    for x in range(0, size, step):
        for y in range(0, size, step):
            radius = weight * step * 0.18
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), ink)
    return image.filter(ImageFilter.SMOOTH)


def add_fault(run, weight):
    """Say that the LoRA does nothing at a weight."""
    files = [f"w{weight:.2f}/seed{seed}_00.png" for seed in (1, 2)]
    fault = Fault("dead_lora", weight, [1, 2], files, len(files), 0.0)
    write_faults([fault], run / "bench" / "warnings.json")


def _cell(bench, variant, weight, seed, size, trained):
    file = Path(variant.name, f"w{weight:.2f}", f"seed{seed}_00.png")
    path = bench / file
    path.parent.mkdir(parents=True, exist_ok=True)
    subject = next((name for name in SUBJECTS if name in (variant.text or "")), "dots")
    draw(subject, weight, seed, size).save(path, compress_level=1)
    dice = random.Random(str(file))
    values = {metric.column: round(dice.uniform(0, 1), 4) for metric in columns.METRICS}
    if weight == 0:
        values |= dict.fromkeys(("style_gained", "style_beside", "copy_excess"), "")
    nearest = dice.choice(trained)
    return {
        "variant": variant.name,
        "probe": variant.probe,
        "weight": weight,
        "seed": seed,
        "index": 0,
        "file": file.as_posix(),
        **values,
        "nearest": Path("../../..", nearest.relative_to(bench.parents[2])).as_posix(),
        "nearest_mirrored": dice.random() < 0.3,
        "hash": f"{dice.getrandbits(64):016x}",
        "clip_effect": round(dice.uniform(0, 1), 4),
        "clip_text": round(dice.uniform(0.2, 0.3), 4),
    }


def _summary(weight, prompts):
    row = {"weight": weight, "pictures": 4, "prompts": prompts, "seeds": 2}
    names = [metric.column for metric in columns.METRICS]
    for number, name in enumerate([*names, "clip_effect", "clip_text", "diversity"]):
        mean = 1 - 0.45 * weight**1.5 if name == "structure" else 0.1 * (number % 4) + 0.6 * weight
        empty = weight == 0 and name in ("style_gained", "style_beside", "copy_excess")
        row |= {
            name: "" if empty else round(mean, 4),
            f"{name}_low": "" if empty else round(mean - 0.06, 4),
            f"{name}_high": "" if empty else round(mean + 0.05, 4),
        }
    return row


def _write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_records(run, planned, weights, seeds):
    record = {
        "run_id": RUN_ID,
        "raw_set": "ponnyu_v1",
        "identity": {
            "raw": {"files": 70, "digest": "46ae36f2"},
            "profile": "style",
            "preprocess": {"resolution": 128, "trigger": "ponnyu_v1"},
            "trainer": "embedded",
            "train": {"rank": 16, "steps": 380, "flip": True},
            "base_model": {"name": "drawnworld", "digest": "b68e442a"},
        },
        "preprocess": {"resolution": 128, "max_aspect": 3.0},
        "train": {"rank": 16, "unet_lr": 0.004, "epochs": None},
        **_circumstances(),
    }
    sweep = {
        "run_id": RUN_ID,
        "weights": [weight for weight in weights if weight],
        "seeds": list(seeds),
        "baseline": True,
        "comfy_url": ["embedded"],
        "bench_workflow": "config/workflows/drawnworld_lora_bench.json",
        "positive": None,
        "checkpoint": "drawnworld",
        "trigger": TRIGGER,
        "variants": [asdict(variant) for variant in planned],
        **_circumstances(),
    }
    for path, content in ((run / "run.yaml", record), (run / "bench" / "sweep.yaml", sweep)):
        plain = json.loads(json.dumps(content))
        path.write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), "utf-8")


def _circumstances():
    return {
        "created": "2026-11-23T05:05:26+00:00",
        "commit": "9576794a9895",
        "host": {"platform": "Linux", "processor": ""},
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
    }


def _make_dataset(folder, number, size):
    images = folder / "images"
    images.mkdir(parents=True)
    paths = [images / f"ponnyu_{at:02d}.png" for at in range(number)]
    for at, path in enumerate(paths):
        draw(SUBJECTS[at % len(SUBJECTS)], 0.9, 100 + at, size).save(path)
        path.with_suffix(".txt").write_text(f"{TRIGGER}, 猫 {at}", "utf-8")
    return paths


def _write_training(folder):
    folder.mkdir()
    dice = random.Random(0)
    lines = [
        f"{step},{step // 40},{0.12 + 0.2 / step**0.4 + dice.gauss(0, 0.02):.6f},0.004,{step:.2f}"
        for step in range(1, 381)
    ]
    text = "\n".join(["step,epoch,loss,lr,seconds", *lines]) + "\n"
    (folder / "train_log.csv").write_text(text)
    (folder / f"style_ponnyu_v1__{RUN_ID}.safetensors").write_bytes(bytes(2_400_000))


def _write_rejected(run):
    rows = [Row("ponnyu_01.png", ok=True)]
    rows += map(Row, ("小さい/小さすぎる.png", "broken.png", "twice.png"))
    rows[1].reject(Refusal("too_small", {"width": 32, "height": 40, "edge": 64}))
    rows[2].reject(Refusal("truncated", {}))
    rows[3].reject(Refusal("same", {"other": "ponnyu_01.png"}))
    _write_table(run / "preprocess_log.csv", list(map(vars, rows)))
    for row in rows[1:]:
        path = run / "rejected" / row.source
        path.parent.mkdir(parents=True, exist_ok=True)
        draw("owl", 0.5, 7, 40).save(path)
    (run / "rejected" / "broken.png").write_bytes(b"\x89PNG broken")
