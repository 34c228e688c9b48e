"""The program that makes a training set of a raw folder."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.pictures import photo

WRITTEN_BY_PLUGINS = """
import sys, pillow_heif, pillow_jxl
from PIL import Image
pillow_heif.register_heif_opener()
Image.open(sys.argv[1]).save(sys.argv[2])
"""

SCRIPTS = Path(__file__).parents[2] / "scripts"
PROGRAM = SCRIPTS / "resize_dataset.py"
BUNDLED = ["--resolution=128", "--bucket-step=32", "--bucket-min=64", "--bucket-max=256"]
BUNDLED += ["--min-size=64"]


def resize(*arguments, **options):
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL} | options
    return subprocess.run(command, **options)


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw set"
    (folder / "sub").mkdir(parents=True)
    photo(1).save(folder / "a.png")
    photo(2, 300, 200).save(folder / "sub" / "b 猫.jpg")
    photo(3, 40, 40).save(folder / "tiny.png")
    (folder / "c.PSD").write_bytes(b"of a paint program")
    return folder


def test_help_names_every_setting():
    answer = resize("--help")
    assert answer.returncode == 0
    for option in ("--convert-rgb", "--yes", "--store", "--max-aspect", "--duplicate-distance"):
        assert option in answer.stdout


def test_a_set_is_made_and_summed_up(raw, tmp_path):
    out, log = tmp_path / "out", tmp_path / "logs" / "log"
    answer = resize(raw, "--output", out, *BUNDLED, "--convert-rgb", "--yes", "--log", log)
    assert answer.returncode == 0, answer.stderr
    assert "2 of 3 pictures are in" in answer.stderr
    assert "tiny.png: too small: 40×40, at least 64 on the shorter edge" in answer.stderr
    assert "rejected: 1 too small" in log.read_text(encoding="utf-8")
    assert "128×128  1" in answer.stderr
    assert "NOT READ: 1 .psd" in answer.stderr
    assert {path.name for path in out.iterdir()} == {"images", "preprocess_log.csv", "rejected"}
    assert len(list((out / "images").iterdir())) == 4
    assert (tmp_path / ".pictures").is_dir()


def test_what_phones_and_browsers_save_is_read(tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    for seed, name in enumerate(("a.avif", "b.jfif", "c.mpo", "d.heic", "e.HIF", "f.jxl")):
        photo(seed).save(tmp_path / "photo.png")
        extra = {"b.jfif": ["JPEG"], "c.mpo": ["MPO"]}.get(name, [])
        if name[0] in "abc":
            photo(seed).save(raw / name, *extra)
        else:  # not by this process: the program has to find the plugins by itself
            words = [sys.executable, "-c", WRITTEN_BY_PLUGINS, tmp_path / "photo.png", raw / name]
            subprocess.run(words, check=True)
    answer = resize(raw, "--output", out, *BUNDLED, "--yes")
    assert "6 of 6 pictures are in" in answer.stderr


def test_the_settings_file_counts_and_options_count_more(raw, tmp_path):
    run = tmp_path / "run.yaml"
    section = {"resolution": 128, "bucket_step": 32, "bucket_min": 64, "bucket_max": 256}
    section |= {"min_size": 30, "max_upscale": 8, "trigger": "of the file"}
    run.write_text(yaml.safe_dump({"run_id": "x", "preprocess": section}))
    out = tmp_path / "out"
    answer = resize(raw, "--output", out, "--settings", run, "--trigger", "of the option")
    assert answer.returncode == 0, answer.stderr
    texts = [path.read_text() for path in (out / "images").glob("*.txt")]
    assert texts == ["of the option"] * 3


def test_an_existing_output_is_replaced_only_with_yes(raw, tmp_path):
    arguments = (raw, "--output", tmp_path / "out", *BUNDLED)
    assert resize(*arguments).returncode == 0
    again = resize(*arguments)
    assert again.returncode == 1
    assert "give --yes to replace it" in again.stderr
    assert resize(*arguments, "--yes").returncode == 0


@pytest.mark.parametrize(("typed", "status"), [("n", 1), ("", 1), ("y", 0)])
def test_on_a_terminal_it_asks(raw, tmp_path, typed, status):
    out = tmp_path / "out"
    out.mkdir()
    (out / "preprocess_log.csv").write_text("an older one")
    terminal, stdin = pty.openpty()
    os.write(terminal, f"{typed}\n".encode())
    answer = resize(raw, "--output", out, *BUNDLED, stdin=stdin)
    assert "Replace it? [y/N]" in answer.stdout
    assert answer.returncode == status
    assert (out / "images").exists() is (status == 0)


@pytest.mark.parametrize(
    ("output", "store", "message"),
    [
        ("raw set/out", "store", "is in the raw folder"),
        ("raw set", "store", "is in the raw folder"),
        (".", "elsewhere/store", "is replaced as a whole"),
        ("out", "raw set/store", "is in the raw folder"),
        ("out", "out/store", "is replaced as a whole"),
    ],
)
def test_folders_in_each_other_are_refused(raw, tmp_path, output, store, message):
    before = sorted(raw.rglob("*"))
    answer = resize(
        raw, "--output", tmp_path / output, "--store", tmp_path / store, *BUNDLED, "--yes"
    )
    assert answer.returncode == 1
    assert message in answer.stderr
    assert sorted(raw.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resolution=100"], "resolution 100 is no multiple of bucket_step 64"),
        (["--background=white"], "background: 'white'"),
        (["--settings=missing.yaml"], "missing.yaml cannot be read"),
    ],
)
def test_bad_settings_are_named(raw, tmp_path, arguments, message):
    answer = resize(raw, "--output", tmp_path / "out", "--bucket-min=64", *arguments)
    assert answer.returncode == 1
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("workers", ["0", "many"])
def test_a_number_of_workers_is_a_number(raw, tmp_path, workers):
    answer = resize(raw, "--output", tmp_path / "out", "--workers", workers)
    assert answer.returncode == 2
    assert "at least 1" in answer.stderr


def test_a_missing_folder_is_named(tmp_path):
    answer = resize(tmp_path / "nowhere", "--output", tmp_path / "out")
    assert answer.returncode == 1
    assert "there is no folder" in answer.stderr


def test_no_usable_picture_ends_with_the_counts(raw, tmp_path):
    answer = resize(raw, "--output", tmp_path / "out", "--min-size=4000", "--resolution=4096",
                    "--bucket-max=8192")  # fmt: skip
    assert answer.returncode == 1
    assert "3 too small" in answer.stderr
    assert not (tmp_path / "out").exists()


KILLED_AFTER_THREE = """
import os, runpy, signal, sys
from lorabench.dataset.picture import Store
add, added = Store.add, []
def add_and_die(self, *facts):
    add(self, *facts)
    added.append(facts)
    if len(added) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
Store.add = add_and_die
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_after_a_kill_only_the_rest_is_done(tmp_path):
    raw, out, store = tmp_path / "raw", tmp_path / "out", tmp_path / "store"
    raw.mkdir()
    for index in range(8):
        photo(index).save(raw / f"{index}.png")
    arguments = [str(raw), "--output", str(out), "--store", str(store), "--workers=1", *BUNDLED]
    code = f"import sys; sys.argv = {[str(PROGRAM), *arguments]!r}\n{KILLED_AFTER_THREE}"
    killed = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": SCRIPTS})
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    done = {path: path.stat().st_mtime_ns for path in store.rglob("*.png")}
    assert len(done) == 3

    answer = resize(*arguments)
    assert answer.returncode == 0, answer.stderr
    assert len(list((out / "images").glob("*.png"))) == 8
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_killed_program_leaves_no_process_behind(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for index in range(64):
        photo(index).save(raw / f"{index}.png")
    command = [sys.executable, PROGRAM, raw, "--output", tmp_path / "out", "--workers=2", *BUNDLED]
    program = psutil.Popen(command, stderr=subprocess.DEVNULL)
    while not any((tmp_path / ".pictures").rglob("*.png")):  # a worker is at work
        assert program.poll() is None
        time.sleep(0.02)
    children = program.children(recursive=True)
    assert len(children) >= 2
    program.kill()
    program.wait()
    assert not psutil.wait_procs(children, timeout=30)[1]
    answer = resize(*command[2:], "--workers=1")
    assert answer.returncode == 0, answer.stderr
    assert "64 of 64" in answer.stderr
