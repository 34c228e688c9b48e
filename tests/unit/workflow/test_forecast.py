"""The line that says what a benchmark draws, and how long it takes."""

import os
from dataclasses import replace

import pytest

from lorabench.base.stable_diffusion import BUNDLED
from lorabench.sweep.variants import EXTENTS, Prompt, plan
from lorabench.workflow.forecast import seconds_a_picture_trained, seconds_to_draw, sentence
from tests import records


def variants(probe="full", prompts=1, seeds=(1,)):
    more = [Prompt(str(n), f"zw, {n}") for n in range(prompts - 1)]
    return plan("zw, a cat", more, "zw", EXTENTS[probe], (0.0, 0.4, 0.8), seeds)


def test_it_counts_prompts_weights_seeds_and_probes():
    assert sentence(variants(prompts=8), 1, 64, 51.2) == (
        "The benchmark: 8 prompts × (2 weights + no LoRA) × 1 seed, 32 of the trigger words alone, "
        "16 of prompts without them; 72 pictures, 64 to render, about 51 s"
    )
    assert sentence(variants("off", seeds=(1, 2)), 4, 1, 90.0) == (
        "The benchmark: 1 prompt × (2 weights + no LoRA) × 2 seeds × 4 each; "
        "24 pictures, 4 to render, about 2 minutes"
    )


def test_nothing_to_render_takes_no_time_and_what_is_unknown_is_not_guessed():
    assert sentence(variants("off"), 1, 0, 5.0).endswith("3 pictures, 0 to render")
    assert "known after the first" in sentence(variants("off"), 1, 3, None)
    usual = sentence(variants("off"), 1, 3, None, 40)
    assert usual.endswith("3 to render, about 2 minutes if a picture takes 40 s, as on a usual GPU")


def run(folder, name, *seconds, checkpoint="a", size=None):
    for number, time in enumerate(seconds):
        table = folder / name / f"benchmarks/bench_image/prompt-x/w0.40_seed{number}.tsv"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(f"s\th:m:s\n{time}\t0:00:01\n")
        os.utime(table, (number, number))
    bench = {**BUNDLED.preset["bench"], "size": size}
    record = records.sweep([records.variant("")], checkpoint=checkpoint, bench=bench)
    records.write(record, folder / name / "bench/sweep.yaml")
    return folder / name


def test_time_is_told_by_this_runs_cells_or_those_of_a_run_like_it(tmp_path):
    new, other = run(tmp_path, "new"), run(tmp_path, "other", *[100] * 3, checkpoint="b")
    assert seconds_to_draw(new, 10, 2) is None
    run(tmp_path, "old", 6, 6, 4, 8, 6)
    assert seconds_to_draw(new, 10, 2) == pytest.approx(3 + 10 * 3)
    assert seconds_to_draw(other, 10, 1) == pytest.approx(10 * 100)
    assert seconds_to_draw(tmp_path / "none", 10, 2) is None


def test_a_run_of_another_size_tells_nothing(tmp_path):
    new = run(tmp_path, "new")
    run(tmp_path, "small", 1, 1, 1, 1, size="64x64")
    assert seconds_to_draw(new, 10, 1) is None
    assert seconds_to_draw(run(tmp_path, "also_small", size="64x64"), 10, 1) == pytest.approx(10)


def test_the_servers_start_counts_once(tmp_path):
    started = run(tmp_path, "started", 15, 16, 2, 2, 2)
    assert seconds_to_draw(started, 1, 2) == pytest.approx(14 + 1)
    assert seconds_to_draw(started, 8, 2) == pytest.approx(14 + 8)


def test_cells_that_all_waited_for_the_start_tell_nothing(tmp_path):
    assert seconds_to_draw(run(tmp_path, "short", 15, 16), 8, 2) is None


def trained(folder, name, log, asked="auto"):
    """Write what a training of 10 steps of 2 pictures leaves, after 20 s."""
    (folder / name / "train").mkdir(parents=True)
    (folder / name / "train/train_log.csv").write_text(log)
    record = records.run(train={"batch_size": 2, "device": asked})
    records.write(record, folder / name / "run.yaml")
    return record


@pytest.mark.parametrize(
    ("log", "asked", "device"),
    [
        ("step,seconds,device\n10,20,cpu\n", "auto", "cpu"),
        ("step,seconds,device\n10,20,cuda\n", "auto", "cuda"),
        ("step,seconds\n10,20\n", "cpu", "cpu"),
        ("step,seconds\n10,20\n", "auto", None),  # of an older version, which did not say it
    ],
)
def test_a_training_tells_the_time_of_others_on_its_device_alone(tmp_path, log, asked, device):
    record = trained(tmp_path, "old", log, asked)
    for one in ("cpu", "cuda"):
        known = 1.0 if one == device else None
        assert seconds_a_picture_trained(tmp_path, record, one) == known, one


def test_loras_are_counted_and_what_they_share_once():
    several = [
        replace(variant, lora=key, baseline="no-lora")
        for key in "abc"
        for variant in variants("quick", prompts=2, seeds=(1, 2))
    ]
    said = sentence(several, 1, 5, None)
    assert said.startswith("The benchmark: 3 LoRAs × 2 prompts × (2 weights + no LoRA) × 2 seeds, ")
    drawn = 3 * 2 * 2 * 2 + 2 * 2  # with a LoRA, and without any
    alone, without = 3 * 4 * 3 + 4, 3 * 2 + 2  # at 0.4, 0.8 and 1; at 0.8
    assert f"{alone} of the trigger words alone, {without} of prompts without them" in said
    assert f"; {drawn + alone + without} pictures, 5 to render" in said
