"""The program that trains a LoRA."""

import csv
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import train_lora
from lorabench import cli
from lorabench.base import model
from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file
from lorabench.train import diffusion
from tests import checkpoints
from tests.training import TINY, make_set

SCRIPTS = Path(__file__).parents[2] / "scripts"
# Everything that draws random numbers, so that a resumed training must draw them alike.
VARIED = {
    "text_encoder_lr": 1e-3,
    "shuffle_caption": True,
    "caption_dropout": 0.2,
    "flip": True,
    "gradient_accumulation": 2,
    "noise_offset": 0.1,
    "warmup_steps": 3,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return checkpoints.save_micro_folder(tmp_path_factory.mktemp("base") / "micro")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("set") / "tiny")


@pytest.fixture
def command(base, folder, tmp_path):
    """Return the arguments of a training into `tmp_path/<name>/a.safetensors`."""

    def make(name="out", data=folder, base_model=base, **settings):
        record = tmp_path / f"{name}.yaml"
        record.write_text(yaml.safe_dump({"run_id": "x", "train": {**TINY, **settings}}))
        output = tmp_path / name / "a.safetensors"
        paths = {"data": data, "base-model": base_model, "settings": record, "output": output}
        return output, [f"--{key}={path}" for key, path in paths.items()]

    return make


@pytest.fixture
def train(command):
    """Train in this process; returns the output and the exit status."""

    def run(*options, **settings):
        output, arguments = command(**settings)
        threads = torch.get_num_threads()
        status = cli.run(train_lora.parser(), train_lora.main, [*arguments, *options])
        torch.set_num_threads(threads)
        return output, status

    return run


def tensors(path):
    return {key: array.tobytes() for key, array in tensor_file.tensors(path)}


def log_rows(output):
    with output.with_name("train_log.csv").open() as file:
        return list(csv.DictReader(file))


def test_it_leaves_a_lora_a_log_and_a_curve(train, capsys):
    output, status = train(epochs=3, steps=None, save_every_epochs=1, text_encoder_lr=1e-3)
    assert status == 0, capsys.readouterr().err
    assert sorted(path.name for path in output.parent.iterdir()) == [
        "a-000001.safetensors",
        "a-000002.safetensors",
        "a.safetensors",
        "loss.png",
        "train_log.csv",
    ]
    lora = lora_file.verify(output)
    assert (lora.rank, lora.alpha) == (2, 1)
    metadata = lora.metadata
    assert metadata["ss_network_module"] == "networks.lora"
    assert metadata["ss_steps"] == "9" and metadata["ss_epoch"] == "3"
    assert metadata["modelspec.title"] == "a"
    assert json.loads(metadata["ss_tag_frequency"])["tiny"]["立っている"] == 4
    assert json.loads(metadata["ss_bucket_info"])["buckets"]["0"] == {
        "resolution": [32, 32],
        "count": 3,
    }
    first = lora_file.verify(output.with_name("a-000001.safetensors"))
    assert first.metadata["ss_epoch"] == "1" and first.content != lora.content
    rows = log_rows(output)
    assert [(row["step"], row["epoch"]) for row in rows] == [
        (str(n + 1), str(n // 3 + 1)) for n in range(9)
    ]
    assert all(0 < float(row["loss"]) < 5 for row in rows)
    assert {row["device"] for row in rows} == {model.usable_device("auto")}
    with Image.open(output.with_name("loss.png")) as image:
        image.verify()


def test_two_trainings_of_one_seed_are_equal_and_of_two_are_not(train):
    one, other = train(name="one", **VARIED)[0], train(name="other", **VARIED)[0]
    assert tensors(one) == tensors(other)
    assert tensors(train("--set=seed=7", name="seven", **VARIED)[0]) != tensors(one)


def test_a_killed_training_ends_with_the_tensors_of_a_whole_one(train, command, capsys):
    settings = {**VARIED, "steps": 12, "save_every_epochs": 1}
    whole, _ = train(name="whole", **settings)
    output, arguments = command(name="killed", **settings)
    state = output.parent / ".a.state" / "state.safetensors"
    program = subprocess.Popen(
        [sys.executable, SCRIPTS / "train_lora.py", *arguments], stderr=subprocess.DEVNULL
    )
    while not state.exists() and program.poll() is None:
        time.sleep(0.005)
    program.kill()
    assert program.wait() == -signal.SIGKILL
    assert not output.exists()
    output.with_name("train_log.csv").unlink()  # as Snakemake does before it runs a job again

    capsys.readouterr()
    assert train(name="killed", **settings)[1] == 0
    assert "continuing after step" in capsys.readouterr().err
    assert tensors(output) == tensors(whole)
    without_seconds = [
        [{**row, "seconds": ""} for row in log_rows(path)] for path in (output, whole)
    ]
    assert without_seconds[0] == without_seconds[1]
    assert not state.parent.exists()


def test_what_keeps_the_base_model_and_what_is_held_out_survives_a_kill(
    train, command, tmp_path, capsys
):
    reg = make_set(tmp_path / "reg", [(32, 32)] * 2)
    settings = {**VARIED, "steps": 10, "validation": 0.3, "prior_loss_weight": 0.5}
    whole, status = train(f"--reg={reg}", name="whole", **settings)
    assert status == 0
    said = capsys.readouterr().err
    assert "3 pictures and 2 for regularization, 1 held out, in" in said
    output, arguments = command(name="killed", **settings)
    state = output.parent / ".a.state" / "state.safetensors"
    program = subprocess.Popen(
        [sys.executable, SCRIPTS / "train_lora.py", *arguments, f"--reg={reg}"],
        stderr=subprocess.DEVNULL,
    )
    while not state.exists() and program.poll() is None:
        time.sleep(0.005)
    program.kill()
    assert program.wait() == -signal.SIGKILL
    assert train(f"--reg={reg}", name="killed", **settings)[1] == 0
    assert "continuing after step" in capsys.readouterr().err
    assert tensors(output) == tensors(whole)
    measured = [[row["validation_loss"] for row in log_rows(path)] for path in (output, whole)]
    assert measured[0] == measured[1]
    # Three pictures of two sizes and three beside them, by two: four batches, two in a step.
    assert [bool(loss) for loss in measured[0]] == [False, True] * 5


def test_held_out_pictures_change_nothing_of_what_is_learnt(train, folder, tmp_path):
    """The same pictures without the one that is held out, and not measured."""
    output, _ = train(name="measured", validation=0.3, **VARIED)
    from lorabench.train import data
    from tests.training import settings

    held_out = data.read_set(folder, settings(validation=0.3)).held_out
    left = tmp_path / "left"
    shutil.copytree(folder, left)
    for picture in held_out:
        (left / "images" / picture.path.name).unlink()
        (left / "images" / picture.path.name).with_suffix(".txt").unlink()
    assert tensors(output) == tensors(train(name="left", data=left, **VARIED)[0])


def test_regularization_pictures_count_by_their_weight(train, tmp_path):
    reg = make_set(tmp_path / "reg", [(32, 32)] * 2)
    one, half, none = (
        train(f"--reg={reg}", name=f"w{weight}", prior_loss_weight=weight)[0]
        for weight in (1, 0.5, 0)
    )
    assert len({str(tensors(path)) for path in (one, half, none)}) == 3
    assert lora_file.verify(one).metadata["ss_num_reg_images"] == "4"


def test_an_option_for_epochs_replaces_the_steps_of_the_file(train):
    output, status = train("--set=epochs=2", "--set=rank=3")
    assert status == 0
    assert len(log_rows(output)) == 6
    assert lora_file.verify(output).rank == 3


def test_latents_that_are_not_cached_train_too(train):
    output, status = train(cache_latents=False, gradient_checkpointing=True)
    assert status == 0 and lora_file.verify(output)


def test_gradient_checkpointing_changes_the_cost_only(train):
    plain, _ = train(name="plain", text_encoder_lr=1e-3)
    saved, _ = train(name="saved", text_encoder_lr=1e-3, gradient_checkpointing=True)
    for (key, one), (_, other) in zip(
        tensor_file.tensors(plain), tensor_file.tensors(saved), strict=True
    ):
        assert np.allclose(one, other, atol=1e-3), key


def test_a_loss_that_explodes_stops_with_the_settings_to_change(train, capsys):
    output, status = train(unet_lr=1e5, scheduler="constant", max_grad_norm=0, steps=20)
    assert status == 1
    message = capsys.readouterr().err
    assert "diverged: at step" in message and "unet_lr (now 100000)" in message
    assert re.search(r"the loss is \S+, after (\d\S*, )*\d\S*\. Lower", message)
    assert "Traceback" not in message
    assert not output.exists()


def test_a_loss_that_rises_and_stays_stops_it_and_keeps_the_epochs(train, capsys, monkeypatch):
    losses, calls = diffusion.losses, itertools.count()

    def rising(*arguments):
        return losses(*arguments) * (1 if next(calls) < 20 else 5)

    monkeypatch.setattr(diffusion, "losses", rising)
    output, status = train(steps=100, save_every_epochs=5, unet_lr=1e-3)
    assert status == 1
    said = capsys.readouterr().err
    assert re.search(r"diverged: at step (5\d|6\d|7\d) the loss is", said)
    assert "Lower unet_lr (now 0.001) to 0.00033" in said
    assert f"The LoRAs of earlier epochs stay in {output.parent}." in said
    assert not output.exists()
    assert lora_file.verify(output.with_name("a-000005.safetensors"))
    rows = log_rows(output)
    assert len(rows) >= 49  # what was learnt until then can be looked at


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_model": Path("no/such/base")}, "no/such/base"),
        ({"data": Path("no/such/set")}, "no picture"),
        ({"clip_skip": 3}, "2 layers"),
        ({"validation": 0.6}, "validation: 0.6: should be less than or equal to 0.5"),
        ({"precision": "fp16"}, "fp16 does not train on a CPU"),
        ({"rnak": 4}, "rank"),
        ({"rank": 0}, "rank"),
        ({"kohya_args": {"xformers": True}}, "take trainer=kohya, or none of them"),
    ],
)
def test_bad_input_is_one_message(train, capsys, settings, message):
    output, status = train(**settings)
    assert status == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not output.exists()


def test_an_output_that_exists_is_not_overwritten(train, capsys):
    output, _ = train(steps=1)
    before = output.read_bytes()
    assert train(steps=1)[1] == 1
    assert "not overwritten" in capsys.readouterr().err
    assert output.read_bytes() == before


def test_help_says_what_it_takes():
    help_text = subprocess.run(
        [sys.executable, SCRIPTS / "train_lora.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in ("--data", "--reg", "--base-model", "--output", "--settings", "--set"):
        assert option in help_text
