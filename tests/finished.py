"""Finished runs as the pipeline leaves them: records, pictures and tables, invented numbers."""

import csv
import hashlib
import io
import json
import random
from dataclasses import replace

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFilter

from lorabench.bench.measures import columns
from lorabench.bench.measures.faults import Fault
from lorabench.bench.measures.faults import write as write_faults
from lorabench.bench.verdicts import verdict
from lorabench.bench.verdicts.verdict import Choice, Finding, Verdict
from lorabench.comfy.client.pictures import with_text
from lorabench.dataset.picture import Row
from lorabench.dataset.refusals import Refusal
from lorabench.sweep.label import CHUNK
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.pictures import open_rgb, relative, text_chunks
from lorabench.sweep.variants import EXTENTS, Prompt, plan
from tests import records
from tests.records import RUN_ID

HOW = {
    "created": "2026-11-23T05:05:26+00:00",
    "commit": "9576794a9895",
    "host": {"platform": "Linux", "processor": ""},
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
}
"""How the records came about."""

TRIGGER = "ponnyu style"
SUBJECTS = ("cat", "lighthouse", "mushroom", "sailing boat", "teapot", "owl", "castle", "robot")
WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
METRICS = [metric.column for metric in columns.METRICS]
FEW = (0, 0.4, 0.6, 0.8, 1.0)
"""The weights of tables without pictures."""
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


def series(*epochs):
    """LoRAs that a training saved after these epochs of ten steps; the last is the run's own."""
    last = epochs[-1]
    return tuple(
        SweptLora(
            key="" if epoch == last else f"epoch-{epoch:06d}",
            file=f"ponnyu-{epoch:06d}.safetensors",
            name=f"ponnyu-{epoch:06d}",
            series="ponnyu",
            epoch=epoch,
            step=10 * epoch,
            trigger=TRIGGER,
        )
        for epoch in epochs
    )


def chosen(loras, at=1):
    """The verdict on several LoRAs: one works, the next is as good, later ones are fried."""
    keys = [one.key for one in loras]
    fried = Verdict("fried", labels={"0.40": "works", "0.80": "fried"})
    weak = Verdict("weak", labels={"0.40": "dead", "0.80": "weak"})
    each = {
        key: VERDICT if 0 <= place - at <= 1 else weak if place < at else fried
        for place, key in enumerate(keys)
    }
    tie = keys[at : at + 2]
    choice = Choice(
        lora=keys[at],
        tie=tie,
        ranking=tie,
        scores={key: 0.31 - 0.02 * place for place, key in enumerate(tie)},
        over_trained=Finding("fried", 0.8) if keys[at + 2 :] else None,
        over_trained_from=next(iter(keys[at + 2 :]), None),
        each=each,
    )
    return replace(VERDICT, choice=choice)


def make_run(
    root,
    name=RUN_ID,
    *,
    prompts=2,
    weights=WEIGHTS,
    seeds=(1, 2),
    probe="quick",
    variants=None,
    size=64,
    training=6,
    trained_on=("ponnyu_01.png",),
    told=VERDICT,
    measured=True,
    base="drawnworld",
    train=None,
    loras=(),
):
    """Write `runs/<name>` and the set it was trained on below `root`; return run and pictures.

    `variants` are rendered in place of the first `prompts` of `SUBJECTS` and their probes. With
    `loras`, it is a run of several.
    """
    run = root / "runs" / name
    trained = _make_set(root / "datasets" / "normalized" / "style" / "ponnyu_v1-9e0c5eb9", training)
    variants = variants or planned(prompts, weights, seeds, probe)
    swept = [replace(one, lora=lora.key) for lora in loras for one in variants] or variants
    record = records.run(
        base, hashlib.sha256(base.encode()).hexdigest(), train=train, run_id=name, **HOW
    )
    sweep = records.sweep(
        swept,
        run_id=name,
        checkpoint=base,
        trigger=TRIGGER,
        weights=[weight for weight in weights if weight],
        baseline=0.0 in weights,
        seeds=list(seeds),
        loras=loras,
        **HOW,
    )
    bench = run / "bench"
    for path, one in ((run / "run.yaml", record), (bench / "sweep.yaml", sweep)):
        records.write(one, path)
    texts = {variant.name: variant.text for variant in variants}
    pictures = sweep.pictures_in(bench)
    strengths = {lora.key: 0.5 + at / len(loras) for at, lora in enumerate(loras)}
    for picture in pictures:
        _render(picture, texts[picture.variant], size, strengths.get(picture.lora, 1))
    if measured:
        rows = [
            ({columns.LORA: one.lora} if loras else {}) | _row(one, bench, trained)
            for one in pictures
        ]
        summaries = [_summary(weight, len(variants)) for weight in weights]
        if loras:
            summaries = [{columns.LORA: one.key} | row for one in loras for row in summaries]
        write_table(bench / "metrics.csv", rows)
        write_table(bench / "summary.csv", summaries)
        write_faults([], bench / "warnings.json")
    if told and loras:
        told = chosen(loras)
    if told:
        verdict.write(told, bench / "verdict.json")
    (bench / "workflow.json").write_text(json.dumps({"3": {"class_type": "KSampler"}}))
    _write_training(run / "train", name)
    _write_rejected(run, trained_on)
    return run, trained[0].parent


def planned(prompts, weights, seeds, probe="quick"):
    """What a sweep of so many prompts renders."""
    own, *further = (f"{TRIGGER}, a {subject}" for subject in SUBJECTS[:prompts])
    further = [Prompt(text.split()[3], text) for text in further]
    return plan(own, further, TRIGGER, EXTENTS[probe], weights, seeds)


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


def _render(picture, text, size, strength=1):
    """Write a picture with its label, as bench_image.py does."""
    subject = next((name for name in SUBJECTS if name in (text or "")), "dots")
    buffer = io.BytesIO()
    draw(subject, picture.weight * strength, picture.seed, size).save(
        buffer, "PNG", compress_level=1
    )
    label = {
        "run_id": "r",
        "lora_sha256": "a",
        "graph": f"of {picture.variant}",
        "prompt": text,
        "prompt_name": picture.prompt,
        "probe": picture.probe,
        "weight": picture.weight,
        "seed": picture.seed,
        "batch_index": picture.index,
    }
    picture.path.parent.mkdir(parents=True, exist_ok=True)
    picture.path.write_bytes(with_text(buffer.getvalue(), {CHUNK: label}))


def relabel(path, **changed):
    """Change what a picture says of itself; what becomes None, it does not say."""
    label = {**json.loads(text_chunks(path)[CHUNK]), **changed}
    label = {key: value for key, value in label.items() if value is not None}
    buffer = io.BytesIO()
    open_rgb(path).save(buffer, "PNG")
    path.write_bytes(with_text(buffer.getvalue(), {CHUNK: label}))


def _row(picture, bench, trained):
    file = relative(picture.path, bench)
    dice = random.Random(file)
    values = {metric.column: round(dice.uniform(0, 1), 4) for metric in columns.METRICS}
    if picture.weight == 0:
        values |= dict.fromkeys(("style_gained", "style_beside", "copy_excess"), "")
    return {
        **{key: getattr(picture, key) for key in columns.PLACE if key != "file"},
        "file": file,
        **values,
        "nearest": relative(dice.choice(trained), bench),
        "nearest_mirrored": dice.random() < 0.3,
        "hash": f"{dice.getrandbits(64):016x}",
        "clip_effect": round(dice.uniform(0, 1), 4),
        "clip_text": round(dice.uniform(0.2, 0.3), 4),
        "clip_prompt": round(dice.uniform(0.4, 1), 4),
    }


def _summary(weight, prompts):
    row = {"weight": weight, "pictures": 4, "prompts": prompts, "seeds": 2}
    names = [metric.column for metric in columns.METRICS]
    for number, name in enumerate([*names, "clip_effect", "clip_text", "clip_prompt", "diversity"]):
        mean = 1 - 0.45 * weight**1.5 if name == "structure" else 0.1 * (number % 4) + 0.6 * weight
        empty = weight == 0 and name in ("style_gained", "style_beside", "copy_excess")
        row |= {
            name: "" if empty else round(mean, 4),
            f"{name}_low": "" if empty else round(mean - 0.06, 4),
            f"{name}_high": "" if empty else round(mean + 0.05, 4),
        }
    return row


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _make_set(folder, number, size=64):
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    paths = [images / f"ponnyu_{at:02d}.png" for at in range(number)]
    for at, path in enumerate(paths):
        draw(SUBJECTS[at % len(SUBJECTS)], 0.9, 100 + at, size).save(path)
        path.with_suffix(".txt").write_text(f"{TRIGGER}, 猫 {at}", "utf-8")
    return paths


def _write_training(folder, name):
    folder.mkdir(exist_ok=True)
    dice = random.Random(0)
    lines = [
        f"{step},{step // 40},{0.12 + 0.2 / step**0.4 + dice.gauss(0, 0.02):.6f},0.004,{step:.2f},"
        + (f"{0.2 + abs(step - 160) / 4000:.6f}" if step % 40 == 0 else "")
        for step in range(1, 381)
    ]
    text = "\n".join(["step,epoch,loss,lr,seconds,validation_loss", *lines]) + "\n"
    (folder / "train_log.csv").write_text(text)
    (folder / f"style_ponnyu_v1__{name}.safetensors").write_bytes(bytes(2_400_000))


def _write_rejected(run, trained_on):
    rows = [Row(name, ok=True) for name in trained_on]
    reasons = {
        "小さい/小さすぎる.png": Refusal("too_small", {"width": 32, "height": 40, "edge": 64}),
        "broken.png": Refusal("truncated", {}),
        "twice.png": Refusal("same", {"other": "ponnyu_01.png"}),
    }
    for name, reason in reasons.items():
        rows.append(Row(name))
        rows[-1].reject(reason)
    for row in rows:
        row.source_sha256 = hashlib.sha256(row.source.encode()).hexdigest()
    write_table(run / "preprocess_log.csv", list(map(vars, rows)))
    for name in reasons:
        path = run / "rejected" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw("owl", 0.5, 7, 40).save(path)
    (run / "rejected" / "broken.png").write_bytes(b"\x89PNG broken")


# ---------------------------------------------------------------- tables without pictures


def metrics(prompts=(), weights=FEW, seeds=(1,), batch=1):
    """A row per picture; every prompt has its own numbers."""
    rows = []
    for number, variant in enumerate(records.variants(prompts, weights, seeds)):
        for seed in seeds:
            for index in range(batch):
                for weight in weights:
                    file = f"w{weight:.2f}/seed{seed}.png"
                    place = [variant.name, variant.prompt, "", weight, seed, index, file]
                    rows.append([*place, *_numbers(weight, number, seed)])
    return pd.DataFrame(rows, columns=[*columns.PLACE, *METRICS])


def _numbers(weight, prompt, seed):
    random = np.random.default_rng([prompt, seed])
    jitter = 1 + 0.15 * random.standard_normal(len(METRICS))
    base = {"style_gained": 0.75 * np.tanh(1.8 * weight), "structure": 1 - 0.28 * weight**2}
    rising = [
        base.get(column, (place + 1) * (0.2 + weight)) for place, column in enumerate(METRICS)
    ]
    return np.array(rising) * jitter


def summarised(table):
    """A row per weight: mean and an interval of one standard deviation."""
    rows = []
    for weight, pictures in table.groupby("weight"):
        row = {"weight": weight, "pictures": len(pictures), "prompts": 1, "seeds": 1}
        for column in METRICS:
            mean, spread = pictures[column].mean(), pictures[column].std()
            spread = 0 if np.isnan(spread) else spread
            row |= {column: mean, f"{column}_low": mean - spread, f"{column}_high": mean + spread}
        row |= {"diversity": 0.9, "diversity_low": 0.8, "diversity_high": 1.0}
        rows.append(row)
    return pd.DataFrame(rows)


def works(weight=0.6, window=(0.4, 0.8)):
    """A LoRA that works."""
    return Verdict("works", False, weight, [weight], window)


def write_tables(folder, prompts=(), weights=FEW, seeds=(1,), batch=1):
    """Write metrics.csv, summary.csv, verdict.json and sweep.yaml into `folder`."""
    table = metrics(prompts, weights, seeds, batch)
    table.to_csv(folder / "metrics.csv", index=False)
    summarised(table).to_csv(folder / "summary.csv", index=False)
    verdict.write(works(), folder / "verdict.json")
    records.write_sweep(folder / "sweep.yaml", records.variants(prompts, weights, seeds))
