"""Series of epochs whose best epoch and weight are known.

uv run snakemake -s benchmarks/known_answers/series.smk --cores 2

Draws the sets, trains, keeping epochs, renders each with the eight prompts over the weights, judges
and measures the pictures, and picks. What is there is kept: after a kill, once with --unlock, it goes on, and a
killed training continues. `work` is the folder for all of it.
"""

import sys
from pathlib import Path

sys.path[:0] = ["scripts", "."]

from benchmarks.known_answers.series_recipes import NAMED
from lorabench import parent

parent.announce()

WORK = config.get("work", "benchmarks/known_answers/work")
MODEL = "models/checkpoints/drawnworld"


rule score:
    """What is true of each series, and how often a pick is right, as tables."""
    default_target: True
    input:
        scores=[f"{WORK}/series/{name}/scores.json" for name in NAMED],
        picks=[f"{WORK}/series/{name}/verdict.json" for name in NAMED],
        searches=[f"{WORK}/series/{name}/search.json" for name in NAMED],
    output:
        scores="benchmarks/known_answers/series_scores.json",
        tables="benchmarks/known_answers/series.md",
        sheets=directory("benchmarks/known_answers/series_misses"),
    log:
        f"{WORK}/logs/score_series.log",
    params:
        work=WORK,
    message:
        "comparing the picks with the truth"
    shell:
        "python benchmarks/known_answers/score_series.py {params.work:q} {output.scores}"
        " {output.tables} {output.sheets} --log {log:q}"


rule judge:
    """Train the judge of the series on drawings."""
    output:
        weights=f"{WORK}/judge/judge.safetensors",
    log:
        f"{WORK}/logs/judge.log",
    priority: 2
    params:
        model=MODEL,
        drawings=f"{WORK}/judge/drawings",
        folder=subpath(output.weights, parent=True),
    message:
        "training the judge"
    shell:
        "python benchmarks/known_answers/train_series_judge.py {params.model} base_model/judge"
        " {params.drawings:q} {params.folder:q} --log {log:q}"


rule draw_set:
    """Draw the pictures of one set."""
    output:
        images=directory(f"{WORK}/sets/{{set}}/images"),
    log:
        f"{WORK}/logs/draw_set/{{set}}.log",
    params:
        folder=f"{WORK}/sets/{{set}}",
    message:
        "drawing {wildcards.set}"
    shell:
        "python benchmarks/known_answers/draw_set.py {wildcards.set:q} {params.folder:q}"
        " --log {log:q}"


rule train_series:
    """Train, keeping epochs; the last one is the finished LoRA."""
    input:
        images=lambda wildcards: f"{WORK}/sets/{NAMED[wildcards.name].pictures.name}/images",
    output:
        lora=f"{WORK}/trained/{{name}}/lora.safetensors",
    log:
        f"{WORK}/logs/train/{{name}}.log",
    params:
        model=MODEL,
        folder=subpath(input.images, parent=True),
        settings=lambda wildcards: [
            f"--set={key}={value}" for key, value in NAMED[wildcards.name].settings.items()
        ],
    message:
        "training {wildcards.name}"
    shell:
        "python benchmarks/known_answers/train.py --data {params.folder:q}"
        " --base-model {params.model} --output {output.lora:q} {params.settings:q} --log {log:q}"


rule render_series:
    """Render the prompts with each epoch, over the weights."""
    input:
        lora=f"{WORK}/trained/{{name}}/lora.safetensors",
    output:
        done=f"{WORK}/series/{{name}}/rendered",
    log:
        f"{WORK}/logs/render/{{name}}.log",
    priority: 1  # what is trained can be judged while the rest is trained
    params:
        model=MODEL,
        trained=subpath(input.lora, parent=True),
        folder=subpath(output.done, parent=True),
        kept=f"{WORK}/without",
    message:
        "rendering {wildcards.name}"
    shell:
        "python benchmarks/known_answers/render_series.py {wildcards.name:q} {params.model}"
        " {params.trained:q} {params.folder:q} {params.kept:q} --log {log:q}"


rule judge_series:
    """Judge the pictures of one series."""
    input:
        judge=f"{WORK}/judge/judge.safetensors",
        done=f"{WORK}/series/{{name}}/rendered",
    output:
        scores=f"{WORK}/series/{{name}}/scores.json",
    log:
        f"{WORK}/logs/judge/{{name}}.log",
    priority: 2
    params:
        judge=subpath(input.judge, parent=True),
        folder=subpath(input.done, parent=True),
    message:
        "judging {wildcards.name}"
    shell:
        "python benchmarks/known_answers/judge_series.py {wildcards.name:q} {params.judge:q}"
        " {params.folder:q} --log {log:q}"


rule reference:
    """Pass the training pictures of one series through the base model's autoencoder."""
    input:
        images=lambda wildcards: f"{WORK}/sets/{NAMED[wildcards.name].pictures.name}/images",
    output:
        pictures=directory(f"{WORK}/reference/{{name}}"),
    log:
        f"{WORK}/logs/reference/{{name}}.log",
    params:
        model=MODEL,
        trigger=lambda wildcards: NAMED[wildcards.name].pictures.trigger,
    message:
        "passing {wildcards.name} through the autoencoder"
    shell:
        "python scripts/reference_set.py {input.images:q} --base-model {params.model}"
        " --output {output.pictures:q} --trigger {params.trigger:q} --log {log:q}"


rule measure_series:
    """Measure the pictures of one series, as the pipeline does."""
    input:
        images=lambda wildcards: f"{WORK}/sets/{NAMED[wildcards.name].pictures.name}/images",
        reference=f"{WORK}/reference/{{name}}",
        done=f"{WORK}/series/{{name}}/rendered",
    output:
        done=f"{WORK}/series/{{name}}/measured",
    log:
        f"{WORK}/logs/measure/{{name}}.log",
    priority: 2
    params:
        folder=subpath(input.done, parent=True),
    message:
        "measuring {wildcards.name}"
    shell:
        "python benchmarks/known_answers/measure_series.py {wildcards.name:q} {input.images:q}"
        " {input.reference:q} {params.folder:q} --log {log:q}"


rule pick_series:
    """Pick an epoch and a weight of one series, from the whole grid and by a search."""
    input:
        done=f"{WORK}/series/{{name}}/measured",
    output:
        verdict=f"{WORK}/series/{{name}}/verdict.json",
        search=f"{WORK}/series/{{name}}/search.json",
    log:
        f"{WORK}/logs/pick/{{name}}.log",
    priority: 2
    params:
        folder=subpath(input.done, parent=True),
    message:
        "picking of {wildcards.name}"
    shell:
        "python benchmarks/known_answers/pick_series.py {wildcards.name:q} {params.folder:q}"
        " --log {log:q}"
