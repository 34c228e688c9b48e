"""The nine traps of sd-scripts: what it does wrong without a word is caught, or cannot happen.

1. It ends with success and writes no file.
2. It writes a file of NaN.
3. Its random numbers depend on how it logs.
4. accelerate leaves the trainer running when it is ended.
5. It overwrites what is there.
6. It ignores a misspelt option in a config file.
7. It takes no .txt for a caption unless told so.
8. Its workers change the result, and the cores cap them.
9. It stumbles over some pictures and captions late, or leaves them out.
"""

import json
import subprocess
import sys

import psutil
import pytest
from PIL import Image

from lorabench.lora import file as lora_file
from tests.kohya import FAKE, Author, save_checkpoint


@pytest.fixture
def author(tmp_path, monkeypatch):
    return Author(tmp_path / "project", monkeypatch)


def picture(author):
    return sorted((author.data / "images").glob("*.png"))[0]


def refused(author, capsys, *options, **settings):
    """Train, and return the one message that it failed with."""
    output, status = author.train(*options, **settings)
    assert status == 1
    assert not output.exists()
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


def test_trap_1_success_without_a_file(author, capsys):
    assert "without an error and without a LoRA" in refused(author, capsys, fault="no-file")


def test_trap_1_success_without_a_file_does_not_take_an_older_one_for_it(author, capsys):
    settings = {"steps": 12, "fault": "kill=8"}
    author.train(**settings)
    (folder,) = author.kohya.glob("*.training")
    (epoch,) = folder.glob("style_x-000002.safetensors")
    epoch.rename(folder / "style_x.safetensors")
    assert "without a LoRA" in refused(author, capsys, steps=12, fault="no-file")


def test_trap_1_a_container_that_sees_another_folder(author, capsys, monkeypatch):
    docker = f"--launcher={sys.executable} {FAKE / 'docker.py'} exec -T kohya"
    folders = [f"--path={author.root}=/project"]
    (author.root / "elsewhere").mkdir()
    mounts = {
        "/project/datasets": str(author.root / "elsewhere"),
        "/project": str(author.root),
    }
    monkeypatch.setenv("FAKE_MOUNTS", json.dumps(mounts))
    said = refused(author, capsys, docker, *folders)
    assert "found no picture in /project/datasets/some set/images" in said


def test_trap_2_a_file_of_nan(author, capsys):
    said = refused(author, capsys, fault="nan-file")
    assert "hold NaN" in said and "lower learning rate" in said
    assert not (author.kohya / "style_x.safetensors").exists()


def test_trap_2_a_loss_of_nan_ends_the_training(author, capsys):
    said = refused(author, capsys, fault="nan-loss")
    assert "the training diverged: at step 2 the loss is nan" in said


def test_trap_2_a_file_that_has_learnt_nothing(author, capsys):
    assert "nothing was learnt" in refused(author, capsys, fault="zero-file")


def test_trap_3_the_log_is_simple(author, capsys):
    assert author.train(steps=1)[1] == 0
    options = json.loads((author.root / "options.json").read_text())
    assert options["console_log_simple"] and options["seed"] == 42
    said = refused(author, capsys, run="other", kohya_args={"console_log_simple": False})
    assert "console_log_simple: the pipeline reads the progress from its output" in said


def test_trap_4_accelerate_is_ended_and_its_trainer_with_it(author, monkeypatch):
    """See also test_run_lora.py: nothing is left when our own program is ended."""
    monkeypatch.setenv("FAKE_KOHYA", "hang")
    _, arguments = author.arguments()
    script = FAKE.parents[1] / "scripts" / "train_kohya.py"
    program = subprocess.Popen([sys.executable, script, *arguments], stderr=subprocess.PIPE)
    log = author.root / "run.log"
    while not (log.exists() and "hanging" in log.read_text()):
        assert program.poll() is None
    trainer, child = (int(pid) for pid in log.read_text().split("hanging")[1].split()[:2])
    psutil.Process(trainer).parent().terminate()  # accelerate's own launcher
    assert program.wait(30) == 1
    program.stderr.close()
    gone = [psutil.Process(pid) for pid in (trainer, child) if psutil.pid_exists(pid)]
    psutil.wait_procs(gone, timeout=30)
    assert not [pid for pid in (trainer, child) if psutil.pid_exists(pid)]


def test_trap_5_what_is_there_keeps_its_content(author, capsys):
    author.kohya.mkdir(parents=True)
    kept = author.kohya / "style_x.safetensors"
    kept.write_bytes(b"of somebody")
    one, _ = author.train(run="one", steps=1)
    other, _ = author.train(run="other", steps=1, seed=7)
    assert "is now called style_x.1.safetensors" in capsys.readouterr().err
    assert (author.kohya / "style_x.1.safetensors").read_bytes() == b"of somebody"
    assert (author.kohya / "style_x.2.safetensors").read_bytes() == one.read_bytes()
    assert kept.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unet_lrr": 1e-4}, "unet_lrr: sd-scripts has no such option; did you mean unet_lr?"),
        ({"qqqqq": 1}, "qqqqq: sd-scripts has no such option"),
        ({"output_dir": "x"}, "output_dir: the pipeline names and places what is written"),
    ],
)
def test_trap_6_a_misspelt_option_and_one_of_the_pipelines(author, capsys, given, said):
    assert f"train.kohya_args: {said}" in refused(author, capsys, kohya_args=given)


def test_trap_7_captions_are_txt(author, capsys):
    assert author.train(steps=1)[1] == 0
    assert "No caption file found" not in (author.root / "run.log").read_text()


def test_trap_7_captions_that_the_container_does_not_see(author, capsys, monkeypatch):
    docker = f"--launcher={sys.executable} {FAKE / 'docker.py'} exec -T kohya"
    bare = author.root / "bare" / "some set" / "images"
    bare.mkdir(parents=True)
    for path in (author.data / "images").glob("*.png"):
        (bare / path.name).write_bytes(path.read_bytes())
    mounts = {"/p/datasets": str(author.root / "bare"), "/p": str(author.root)}
    monkeypatch.setenv("FAKE_MOUNTS", json.dumps(mounts))
    said = refused(author, capsys, docker, f"--path={author.root}=/p")
    assert "does not find the captions of all pictures" in said


def test_trap_8_there_is_one_worker(author):
    assert author.train(steps=1)[1] == 0
    options = json.loads((author.root / "options.json").read_text())
    assert options["max_data_loader_n_workers"] == 1


def empty_caption(path):
    path.with_suffix(".txt").write_text("")


def garbage(path):
    path.write_bytes(b"garbage")


def truncated(path):
    path.write_bytes(path.read_bytes()[:2000])


def not_of_a_bucket(path):
    Image.new("RGB", (96, 64)).save(path)


def transparent(path):
    Image.new("RGBA", (64, 64)).save(path)


def of_another_kind(path):
    path.rename(path.with_suffix(".Png"))
    Image.new("RGB", (64, 64)).save(path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (empty_caption, "the caption is empty"),
        (garbage, "unreadable"),
        (truncated, "cannot be read to its end"),
        (not_of_a_bucket, "96x64 px would be cropped"),
        (transparent, "its transparency would be dropped"),
        (of_another_kind, "neither a .png nor its .txt"),
    ],
)
def test_trap_9_a_picture_that_it_would_stumble_over(author, capsys, spoil, said):
    path = picture(author)
    spoil(path)
    error = refused(author, capsys)
    assert said in error and path.stem in error


def test_trap_9_no_picture_at_all(author, capsys):
    for path in (author.data / "images").iterdir():
        path.unlink()
    assert "no picture in its folder images/" in refused(author, capsys)


def test_pictures_of_sdxl_may_have_finer_edges(author, capsys):
    save_checkpoint(author.base, "sdxl")
    not_of_a_bucket(picture(author))
    output, status = author.train(steps=1)
    assert status == 0, capsys.readouterr().err
    assert lora_file.verify(output)
