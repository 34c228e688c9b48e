"""The parts of kohya's trainer: where it is, its options, its states, progress and failures."""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lorabench.base.stable_diffusion import SD15
from lorabench.errors import UserError
from lorabench.settings.models import KohyaSettings, PreprocessSettings
from lorabench.settings.validation import validate
from lorabench.train.external import (
    failures,
    installation,
    limits,
    options,
    pictures,
    process,
)
from lorabench.train.external.progress import Progress, is_bar, read_rows
from lorabench.train.kohya import resume
from lorabench.train.kohya.options import OWNED
from lorabench.train.kohya.tool import TOOL
from tests.kohya import FAKE, make_training

BAR = "steps:  50%|█████     | 2/4 [00:02<00:02,  1.37s/it, avr_loss=1.11]"


def test_a_checkout_is_used_with_its_own_python(tmp_path, monkeypatch):
    monkeypatch.delenv("SD_SCRIPTS_DIR", raising=False)
    (tmp_path / "train_network.py").touch()
    settings = KohyaSettings(sd_scripts=str(tmp_path))
    assert installation.find(TOOL, settings).command("x") == ["python", "x"]
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert installation.find(TOOL, settings).command("x") == [str(python), "x"]
    monkeypatch.setenv("SD_SCRIPTS_DIR", str(FAKE / "sd_scripts"))
    assert installation.find(TOOL, settings).folder == str(FAKE / "sd_scripts")


def test_a_launcher_starts_it_in_its_container(monkeypatch):
    monkeypatch.delenv("SD_SCRIPTS_DIR", raising=False)
    there = installation.find(TOOL, KohyaSettings(launcher="docker exec -i 'my kohya'"))
    assert there.command("x") == ["docker", "exec", "-i", "my kohya", "python", "x"]
    assert there.script("train_network.py") == "/app/sd-scripts/train_network.py"


def test_the_nearest_mapped_folder_names_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = {".": "/p", "output": "/output", str(tmp_path / "output/a"): "/a"}
    there = installation.find(TOOL, KohyaSettings(launcher="x", paths=paths))
    assert there.seen(Path("models/m")) == "/p/models/m"
    assert there.seen(Path("models/../output/b")) == "/output/b"
    assert there.seen(tmp_path / "output" / "a" / "c d") == "/a/c d"
    with pytest.raises(UserError, match=r"/elsewhere: the container does not see .* as /output"):
        there.seen(Path("/elsewhere"))


def test_a_launcher_that_does_not_exist_is_one_message():
    there = installation.find(TOOL, KohyaSettings(launcher="/no/such/program"))
    with pytest.raises(UserError, match=r"/no/such/program cannot be started \(No such file"):
        there.ask("-c", "pass")


def test_a_question_that_is_never_answered_is_one_message(monkeypatch):
    monkeypatch.setattr(installation, "PATIENCE", 0.2)
    there = installation.find(TOOL, KohyaSettings(launcher="sh -c 'exec sleep 600'"))
    with pytest.raises(UserError, match=r"within 0\.2 s: try sh -c 'exec sleep 600' python in"):
        there.ask("-c", "pass")


OLD_DOCKER = "sh -c 'echo first >&2; echo unknown shorthand flag: -f >&2; exit 125'"


@pytest.mark.parametrize(
    ("launcher", "said"),
    [
        ("false", "kohya.launcher: false: it failed by itself (exit status 1), before anything of"),
        (
            OLD_DOCKER,
            "\n  first\n  unknown shorthand flag: -f\nDocker has no `docker compose` here",
        ),
    ],
)
def test_a_launcher_that_fails_is_told_from_sd_scripts(launcher, said, caplog):
    caplog.set_level("DEBUG")
    there = installation.find(TOOL, KohyaSettings(launcher=launcher))
    with pytest.raises(UserError) as error:
        there.ask("-c", "pass")
    assert said in str(error.value)
    assert "sd-scripts failed" not in str(error.value)
    assert ("unknown shorthand flag: -f" in caplog.messages) == (launcher == OLD_DOCKER)


def test_behind_a_launcher_that_works_sd_scripts_failed():
    there = installation.find(TOOL, KohyaSettings(launcher="env"))
    with pytest.raises(UserError, match="sd-scripts failed"):
        there.ask("-c", "raise ValueError('no')")


@pytest.mark.parametrize(
    ("paths", "said"),
    [("datasets", "should map folders"), ({"a": 1}, "should map folders")],
)
def test_folders_that_are_no_map_are_refused(paths, said):
    with pytest.raises(UserError, match=said):
        validate(KohyaSettings, {"paths": paths})


def test_captions_with_brackets_of_their_own_are_not_read_as_prompts(tmp_path):
    training = make_training(tmp_path, kohya_args={"weighted_captions": True})
    pictures.check(training.pictures, SD15.kohya)
    weighted = [replace(one, caption="x, (blue:1.2)") for one in training.pictures.pictures]
    pictures.check(replace(training.pictures, pictures=weighted), SD15.kohya)
    plain = [replace(one, caption="mika (moon)") for one in training.pictures.pictures]
    with pytest.raises(UserError, match=r"weighted_captions: .* \(moon\) .* leave it out"):
        pictures.check(replace(training.pictures, pictures=plain), SD15.kohya)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("output_name", "the pipeline names and places what is written"),
        ("max_train_epochs", "set train.epochs"),
        ("resume", "the pipeline saves states and resumes by itself"),
        ("train_data_dir", "the training uses the normalized set"),
        ("resolution", "the pictures have their size already"),
        ("cache_latents_to_disk", "it would write into the set, which other runs share"),
    ],
)
def test_an_option_of_the_pipeline_is_refused_with_a_reason(name, said):
    with pytest.raises(UserError, match=f"train.kohya_args: {name}: {said}"):
        options.check_owned([name], OWNED)


def test_an_sd_scripts_that_lacks_what_we_write_is_too_old():
    with pytest.raises(UserError, match="does not know sdpa: it is too old"):
        options.check_known("sd-scripts", [], ["sdpa", "seed"], frozenset({"seed"}), "0.9")


def test_options_are_written_as_arguments():
    given = {"a": True, "b": False, "c": None, "d": 1e-5, "e": [1, "x y"], "f": "-1"}
    assert options.as_arguments(given) == ["--a", "--d=1e-05", "--e", "1", "x y", "--f=-1"]


def test_a_small_base_and_fine_buckets_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"trainer=kohya crops pictures .* multiples of 64"):
        settings = {**SD15.preset["preprocess"], "bucket_step": 32}
        limits.check_buckets(validate(PreprocessSettings, settings), SD15.kohya)


def save_state(folder, last_file=b"..."):
    folder.mkdir(parents=True)
    if last_file is not None:
        (folder / "random_states_0.pkl").write_bytes(last_file)


def test_the_last_whole_state_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training = make_training(tmp_path, steps=12)
    save_state(training.folder / "style_x-000001-state")
    save_state(training.folder / "style_x-000002-state")
    save_state(training.folder / "style_x-000003-state", last_file=None)
    save_state(training.folder / "style_x-step00000010-state")
    save_state(training.folder / "style_x-state")
    training.file().write_text("of a killed run")
    training.file("-000001").write_text("an epoch's")
    state = resume.prepare(training)
    assert state == (training.folder / "style_x-000002-state", 2, 6)
    assert not training.file().exists() and training.file("-000001").exists()


def test_without_a_state_everything_begins_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training = make_training(tmp_path, steps=12)
    save_state(training.folder / "style_x-step00000002-state")
    training.file("-000001").write_text("an epoch's")
    assert resume.prepare(training) is None
    assert list(training.folder.iterdir()) == []


def test_bars_become_rows(tmp_path):
    training = make_training(tmp_path, steps=4, unet_lr=0.1, scheduler="constant", warmup_steps=2)
    log = tmp_path / "log.csv"
    progress = Progress(training, "cpu", log, 0)
    for line in (
        "caching latents: 100%|██| 4/4 [00:02<00:02,  1.37s/it]",
        "steps:   0%|          | 0/4 [00:00<?, ?it/s]",
        "steps:  25%|██        | 1/4 [00:02<00:02,  1.37s/it]",
        "steps:  25%|██        | 1/4 [00:02<00:02,  1.37s/it, avr_loss=0.5]",
        "steps:  50%|█████     | 2/4 [00:02<00:02,  1.37s/it, avr_loss=0.5]",  # not yet its own
        "steps:  50%|█████     | 2/4 [00:02<00:02,  1.37s/it, Keys Scaled=1, avr_loss=0.25]",
        "steps: 100%|██████████| 4/4 [00:02<00:02,  1.37s/it, avr_loss=1e-5]",
        "steps: 125%|██████████| 5/4 [00:02<00:02,  1.37s/it, avr_loss=1e-5]",  # to be cut off
    ):
        assert is_bar(line)
        assert not progress.over
        progress.read(line)
    assert progress.over
    progress.close()
    rows = read_rows(log, 4)
    assert [(row.step, row.epoch, row.loss) for row in rows] == [
        (1, 1, 0.5),
        (2, 1, 0.25),
        (4, 2, 1e-5),
    ]
    assert [row.lr for row in rows] == pytest.approx([0, 0.05, 0.1])
    assert {row.device for row in rows} == {"cpu"}


def test_a_bar_that_is_shown_again_keeps_what_was_measured_after_its_step(tmp_path):
    training = make_training(tmp_path, steps=4)
    log = tmp_path / "log.csv"
    progress = Progress(training, "cpu", log, 0)
    last = BAR.replace("2/4", f"{training.steps_per_epoch}/4")
    measured = (
        "epoch validation steps: 100%|██| 2/2 [00:01<00:00, 1.4s/it, val_epoch_avg_loss=1.15]"
    )
    for line in (last, measured, last):
        progress.read(line)
    progress.close()
    (row,) = read_rows(log, 4)
    assert (row.step, row.validation_loss) == (training.steps_per_epoch, 1.15)


def test_rows_of_steps_that_are_done_again_go(tmp_path):
    training = make_training(tmp_path, steps=4, kohya_args={"lr_scheduler": "linear"})
    log = tmp_path / "log.csv"
    log.write_text("step,epoch,loss,lr,seconds\n1,1,0.5,0.1,1\n2,1,0.4,0.1,2\n3,1,0.3")
    progress = Progress(training, "cuda", log, 1)
    progress.read(BAR.replace("2/4", "1/4"))
    progress.close()
    rows = read_rows(log, 4)
    assert [(row.step, row.loss) for row in rows] == [(1, 0.5), (2, 1.11)]
    assert rows[1].seconds >= 1 and math.isnan(rows[1].lr)


def test_text_is_no_bar():
    assert not is_bar("100% of 3 pictures") and not is_bar("epoch 1/4")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (["x", "ValueError: bad"], r"\(exit status 1\): ValueError: bad$"),
        (
            ["torch.OutOfMemoryError: CUDA out of memory.", "subprocess.CalledProcessError: y"],
            "torch.OutOfMemoryError: CUDA out of memory. There was not enough memory",
        ),
        (["subprocess.CalledProcessError: 'x' died with <Signals.SIGKILL: 9>."], "It was killed"),
        (['service "kohya" is not running'], "docker compose .* up -d"),
        (["dial unix /var/run/docker.sock: connect: permission denied"], "usermod -aG docker"),
        (["requirement error: unsatisfied condition: cuda>=12.8, please"], "install 570 or newer"),
        (["failed to discover GPU vendor from CDI: no known GPU vendor"], "Container Toolkit"),
        (["failed to register layer: no space left on device"], "The disk is full"),
        (["/usr/bin/python: No module named accelerate"], "has no accelerate"),
        (["ModuleNotFoundError: No module named 'voluptuous'"], "lacks a package of sd-scripts"),
        (["x.py: error: argument --lr: invalid choice: 'a'"], "Correct it in train: {kohya_args"),
        ([], r"\(exit status 1\)$"),
    ],
)
def test_a_failure_is_one_line_with_a_remedy(output, said):
    message = failures.explain(TOOL, 1, output)
    with pytest.raises(UserError, match=said):
        raise message
    assert "\n" not in str(message)


def test_what_docker_says_has_no_hint_with_a_gap_for_a_name():
    said = str(failures.not_begun("Docker cannot start:", ["ModuleNotFoundError: yaml"]))
    assert said == "Docker cannot start:\n  ModuleNotFoundError: yaml"
    assert "start it" in str(failures.not_begun("x", ["Cannot connect to the Docker daemon"]))


def test_a_program_that_was_killed_says_so():
    assert "(exit status 137). It was killed" in str(failures.explain(TOOL, -9, []))


def test_a_question_in_an_error_is_no_end_of_a_message():
    said = str(failures.explain(TOOL, 1, ["Is the docker daemon running?"]))
    assert "running. Docker does not run here" in said


def test_lines_end_at_both_kinds_of_break(tmp_path):
    path = tmp_path / "output"
    path.write_bytes("a\rb 50%\r\n\nあ\rend".encode())
    with path.open("rb") as file:
        assert list(process.lines(file)) == ["a", "b 50%", "あ", "end"]


def test_a_bars_state_is_a_line_before_the_next_one_comes():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream:
        read = process.lines(stream)
        os.write(writer, f"\r{BAR}".encode())
        assert next(read) == BAR
        os.write(writer, f"\r{BAR}  ".encode())
        assert next(read).rstrip() == BAR
        os.close(writer)
