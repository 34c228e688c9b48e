"""The program that trains a LoRA with sd-scripts, against one that behaves like it."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file
from lorabench.train.external import options
from tests.kohya import FAKE, Author, save_checkpoint, with_docker
from tests.training import make_set

SCRIPTS = Path(__file__).parents[2] / "scripts"
DOCKER = [sys.executable, str(FAKE / "docker.py"), "exec", "-T", "kohya"]


@pytest.fixture
def author(tmp_path, monkeypatch):
    return Author(tmp_path / "project", monkeypatch)


def understood(author):
    """Return the options as the fake sd-scripts understood them."""
    return json.loads((author.root / "options.json").read_text())


def tensors(path):
    return {key: array.tobytes() for key, array in tensor_file.tensors(path)}


def log_rows(output):
    with output.with_name("train_log.csv").open() as file:
        return list(csv.DictReader(file))


def in_docker(author):
    """Return the options for a container that sees the project under other names."""
    mounts = {"/dataset": "datasets", "/models": "models", "/output": "output"}
    folders = [f"--path={author.root / here}={there}" for there, here in mounts.items()]
    seen = {there: str(author.root / here) for there, here in mounts.items()}
    launcher = f"--launcher={shlex.join(DOCKER)}"
    return [launcher, *folders], json.dumps(seen)


def test_it_leaves_a_lora_a_log_and_a_curve(author, capsys):
    rate = {"unet_lr": 1e-4, "scheduler": "cosine_with_restarts", "device": "cpu"}
    output, status = author.train(epochs=3, steps=None, save_every_epochs=1, **rate)
    assert status == 0, capsys.readouterr().err
    assert sorted(path.name for path in output.parent.iterdir()) == [
        "loss.png",
        "style_x__run-000001.safetensors",
        "style_x__run-000002.safetensors",
        "style_x__run.safetensors",
        "train_log.csv",
    ]
    assert sorted(path.name for path in author.kohya.iterdir()) == [
        "style_x-000001.safetensors",
        "style_x-000002.safetensors",
        "style_x.safetensors",
    ]
    assert output.read_bytes() == (author.kohya / "style_x.safetensors").read_bytes()
    assert (lora_file.verify(output).rank, lora_file.verify(output).alpha) == (2, 1)
    # two of 64x64 and one more, one of 128x64: three batches, three epochs
    rows = log_rows(output)
    assert [(row["step"], row["epoch"]) for row in rows] == [
        (str(n + 1), str(n // 3 + 1)) for n in range(9)
    ]
    assert {row["device"] for row in rows} == {"cpu"}
    assert [float(row["loss"]) for row in rows[:3]] == [0.5, 0.333, 0.25]
    assert [float(row["lr"]) for row in rows[:2]] == pytest.approx([1e-4, 7.5e-5])
    with Image.open(output.with_name("loss.png")) as image:
        image.verify()
    assert "steps:" not in (author.root / "run.log").read_text()
    assert "prepare images." in (author.root / "run.log").read_text()


def test_repeats_of_pictures_are_those_of_sd_scripts(author, capsys):
    log = "result,repeats\np0.png,4\np1.png,1\np2.png,1\np3.png,3\n"
    (author.data / "preprocess_log.csv").write_text(log)
    output, status = author.train(epochs=2, steps=None)
    assert status == 0, capsys.readouterr().err
    # 4 + 1 + 1 of 64x64 and 3 of 128x64, two at a time: five batches, two epochs
    assert [(row["step"], row["epoch"]) for row in log_rows(output)] == [
        (str(n + 1), str(n // 5 + 1)) for n in range(10)
    ]
    assert "4 pictures (9 with repeats)" in (author.root / "run.log").read_text()


def test_the_bash_program_takes_the_same_options(author):
    output, arguments = author.arguments(steps=1)
    done = subprocess.run(
        ["bash", SCRIPTS / "run_lora.bash", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert lora_file.verify(output)


def test_sdxl_has_its_own_program(author, capsys):
    save_checkpoint(author.base, "sdxl")
    assert author.train(steps=1)[1] == 0, capsys.readouterr().err
    assert understood(author)["program"] == "sdxl_train_network"


def test_options_of_the_user_win_and_keep_their_types(author):
    given = {
        "learning_rate": "1e-5",
        "optimizer_type": "AdamW8bit",
        "optimizer_args": ["weight_decay=0.1", "eps=1e-6"],
        "--xformers": True,
        "sdpa": False,
    }
    output, status = author.train(steps=1, kohya_args=given)
    assert status == 0
    options = understood(author)
    assert options["learning_rate"] == 1e-5
    assert options["optimizer_type"] == "AdamW8bit"
    assert options["optimizer_args"] == ["weight_decay=0.1", "eps=1e-6"]
    assert (options["xformers"], options["sdpa"]) == (True, False)
    assert log_rows(output)[0]["lr"] == "nan"


def test_the_precision_is_what_the_machine_of_sd_scripts_has(author, monkeypatch):
    assert author.train(steps=1)[1] == 0
    assert understood(author)["mixed_precision"] == "no"
    monkeypatch.setenv("FAKE_GPU", "bf16")
    assert author.train(run="gpu", steps=1, device="auto")[1] == 0
    assert understood(author)["mixed_precision"] == "bf16"


@pytest.mark.parametrize("steps", [12, 11])
def test_a_killed_training_goes_on_and_ends_as_a_whole_one(author, capsys, steps):
    settings = {"steps": steps, "save_every_epochs": 1}
    whole, _ = author.train(run="whole", **settings)
    killed, status = author.train(run="killed", fault="kill=8", **settings)
    assert status == 1 and not killed.exists()
    assert "killed, most likely for lack of memory" in capsys.readouterr().err
    assert author.train(run="killed", fault="kill=10", **settings)[1] == 1
    assert f"continuing after step 6 of {steps}" in capsys.readouterr().err

    assert author.train(run="killed", **settings)[1] == 0
    assert f"continuing after step 9 of {steps}" in capsys.readouterr().err
    assert tensors(killed) == tensors(whole)
    metadata = lora_file.verify(killed).metadata
    assert (metadata["ss_steps"], metadata["ss_epoch"]) == (str(steps), "4")
    for epoch in (1, 2, 3):
        name = f"-{epoch:06d}.safetensors"
        one, other = (path.with_name(path.stem + name) for path in (killed, whole))
        assert tensors(one) == tensors(other)
    assert [row["step"] for row in log_rows(killed)] == [str(n + 1) for n in range(steps)]
    assert not list(author.kohya.glob("*.training"))


def test_other_settings_do_not_go_on_with_that_state(author, capsys):
    author.train(fault="kill=8", steps=12)
    assert author.train(run="other", steps=12, unet_lr=1e-3)[1] == 0
    assert "continuing" not in capsys.readouterr().err


def test_a_container_gets_its_own_paths(author, capsys, monkeypatch):
    options, mounts = in_docker(author)
    monkeypatch.setenv("FAKE_MOUNTS", mounts)
    output, status = author.train(*options, steps=1)
    assert status == 0, capsys.readouterr().err
    given = understood(author)
    assert given["pretrained_model_name_or_path"] == "/models/base.safetensors"
    assert given["output_dir"].startswith("/output/kohya/style_x-")
    assert lora_file.verify(output)


def test_a_path_that_the_container_does_not_see_is_refused(author, capsys):
    options, _ = in_docker(author)
    _, status = author.train(*[o for o in options if "/models" not in o], steps=1)
    assert status == 1
    said = capsys.readouterr().err
    assert "base.safetensors: the container does not see this path" in said
    assert "/dataset" in said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("down", "Docker does not run here"),
        ("no-stdin", "the launcher does not pass standard input on"),
    ],
)
def test_a_container_that_cannot_be_used_is_one_message(author, capsys, monkeypatch, fault, said):
    options, mounts = in_docker(author)
    monkeypatch.setenv("FAKE_MOUNTS", mounts)
    monkeypatch.setenv("FAKE_DOCKER", fault)
    assert author.train(*options, steps=1)[1] == 1
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error


@pytest.mark.parametrize("where", ["here", "in a container", "in docker's own"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_is_ended(author, monkeypatch, where, number):
    options, mounts = in_docker(author) if where == "in a container" else ([], "{}")
    if where == "in docker's own":
        monkeypatch.delenv("SD_SCRIPTS_DIR")
        monkeypatch.setenv("PATH", with_docker(author.root / "bin"))
    monkeypatch.setenv("FAKE_MOUNTS", mounts)
    monkeypatch.setenv("FAKE_KOHYA", "hang")
    _, arguments = author.arguments(steps=4)
    program = subprocess.Popen(
        [sys.executable, SCRIPTS / "train_kohya.py", *arguments, *options],
        stderr=subprocess.DEVNULL,
    )
    pids = hanging(author.root / "run.log")
    program.send_signal(number)
    program.wait(30)
    psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=30)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def hanging(log):
    """Wait until the fake trainer says that it hangs, and return its pid and its child's."""
    for _ in range(600):
        if log.exists():
            for line in log.read_text().splitlines():
                if line.startswith("hanging"):
                    return [int(pid) for pid in line.split()[1:]]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "sd-scripts failed (exit status 1): ValueError: the optimizer does not exist"),
        ("oom", "There was not enough memory: train: {batch_size: 1"),
    ],
)
def test_a_crash_is_one_line_and_its_traceback_is_in_the_log(author, capsys, fault, said):
    output, status = author.train(fault=fault)
    assert status == 1 and not output.exists()
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert "Traceback" in (author.root / "run.log").read_text()


def test_an_output_that_exists_is_not_overwritten(author, capsys):
    output, _ = author.train(steps=1)
    before = output.read_bytes()
    assert author.train(steps=1)[1] == 1
    assert "not overwritten" in capsys.readouterr().err
    assert output.read_bytes() == before


def test_sd_scripts_that_is_not_there_says_what_to_set(author, capsys, monkeypatch):
    monkeypatch.setenv("SD_SCRIPTS_DIR", "/no/such/folder")
    assert author.train()[1] == 1
    assert "has no train_network.py" in capsys.readouterr().err


def test_help_says_what_it_takes():
    done = subprocess.run(
        ["bash", SCRIPTS / "run_lora.bash", "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--data", "--base-model", "--output", "--settings", "--launcher", "--path"):
        assert option in done.stdout


def test_without_the_packages_one_sentence_says_what_to_type(tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -E -S "$@"\n')
    bare.chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", Path(__file__).parents[2] / "scripts" / "run_lora.bash", "--help"]
    done = subprocess.run(command, env=path, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.endswith("put `uv run` before the command")


def test_a_lost_training_stops_and_keeps_its_epochs(author, capsys):
    output, status = author.train(fault="lost", steps=300, save_every_epochs=2, unet_lr=1e-2)
    assert status == 1 and not output.exists()
    said = capsys.readouterr().err
    assert "diverged: at step " in said and "Lower unet_lr (now 0.01) to 0.0033" in said
    (folder,) = author.kohya.glob("*.training")
    assert f"The LoRAs of earlier epochs stay in {folder.relative_to(author.root)}." in said
    assert (folder / "style_x-000002.safetensors").exists()


def test_regularization_and_held_out_pictures_are_sd_scripts_own(author, capsys):
    reg = make_set(author.root / "datasets" / "reg", [(64, 64)] * 2)
    settings = {"steps": 8, "validation": 0.3, "prior_loss_weight": 0.5}
    whole, status = author.train(f"--reg={reg}", run="whole", **settings)
    assert status == 0, capsys.readouterr().err
    given = understood(author)
    assert (given["prior_loss_weight"], given["validate_every_n_epochs"]) == (0.5, 1)
    # Three pictures and as many beside them, some of another size: two or three batches an epoch.
    assert author.train(f"--reg={reg}", run="killed", fault="kill=7", **settings)[1] == 1
    killed, status = author.train(f"--reg={reg}", run="killed", **settings)
    assert status == 0 and "continuing after step" in capsys.readouterr().err
    assert tensors(killed) == tensors(whole)
    measured = [[row["validation_loss"] for row in log_rows(one)] for one in (whole, killed)]
    assert measured[0] == measured[1]
    per_epoch = sum(row["epoch"] == "1" for row in log_rows(whole))
    assert per_epoch > 2
    assert [bool(loss) for loss in measured[0]] == [
        (step + 1) % per_epoch == 0 for step in range(8)
    ]
    plain, _ = author.train(run="plain", steps=8)
    assert not any(row["validation_loss"] for row in log_rows(plain))
    assert "prior_loss_weight" not in {k for k, v in understood(author).items() if v is not None}


def test_an_sd_scripts_without_validation_is_too_old(author, capsys, monkeypatch):
    known, later = options.known, {"validate_every_n_epochs", "validation_seed"}
    monkeypatch.setattr(options, "known", lambda *arguments: known(*arguments) - later)
    assert author.train(steps=8)[1] == 0
    assert author.train(run="other", steps=8, validation=0.3)[1] == 1
    assert "too old; take version 0.10 or newer" in capsys.readouterr().err
