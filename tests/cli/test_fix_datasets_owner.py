"""The program that gives datasets/ and output/ back to the calling user."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "scripts" / "fix_datasets_owner.bash"
OTHER = os.getuid() + 4321
root_only = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


@pytest.fixture
def folder(tmp_path):
    for name in ("datasets/raw/a b.png", "output/kohya/x.safetensors", "runs/kept.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "output" / "link").symlink_to(tmp_path / "runs" / "kept.txt")
    shutil.copy(PROGRAM, tmp_path)
    return tmp_path


@pytest.fixture
def no_sudo(tmp_path):
    """A PATH on which nobody has rights: sudo asks for a password, and we are not root."""
    (tmp_path / "bin").mkdir()
    for name, text in (("sudo", "echo a password is required >&2; exit 1"), ("id", "echo 1234")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"


def fix(folder, *arguments, sudo_user=None, path=os.environ["PATH"]):
    """Call the program, typed by `sudo_user` through sudo, or by us."""
    ids = {} if sudo_user is None else {"SUDO_UID": str(sudo_user), "SUDO_GID": str(sudo_user)}
    plain = {key: value for key, value in os.environ.items() if not key.startswith("SUDO_")}
    return subprocess.run(
        ["bash", PROGRAM.name, *arguments],
        cwd=folder,
        env={**plain, **ids, "PATH": path},
        capture_output=True,
        text=True,
    )


def test_what_is_ours_is_left_alone(folder):
    before = (folder / "output").stat().st_ctime_ns
    done = fix(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"everything in datasets output belongs to user {os.getuid()}\n"
    assert (folder / "output").stat().st_ctime_ns == before


def test_missing_folders_are_fine(tmp_path):
    shutil.copy(PROGRAM, tmp_path)
    assert fix(tmp_path).stdout == "there is no datasets output yet: nothing to give back\n"
    (tmp_path / "output").mkdir()
    assert "everything in output belongs to" in fix(tmp_path).stdout


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_says_how_to_call_it(folder, option):
    done = fix(folder, option)
    assert done.returncode == 0
    assert done.stdout.startswith("Gives datasets/ and output/, or the folders named, back")
    assert "    bash scripts/fix_datasets_owner.bash [FOLDER...]\n" in done.stdout
    assert "set -" not in done.stdout


def test_a_misspelt_folder_is_an_error(folder):
    done = fix(folder, "datasets", "outptu")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: there is no folder outptu\n"


@root_only
def test_under_sudo_everything_goes_to_the_one_who_typed_it(folder):
    done = fix(folder, sudo_user=OTHER)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"given back to user {OTHER}" in done.stdout
    for path in ("datasets", "datasets/raw/a b.png", "output/kohya/x.safetensors", "output/link"):
        stat = (folder / path).lstat()
        assert (stat.st_uid, stat.st_gid) == (OTHER, OTHER), path
    assert (folder / "runs" / "kept.txt").stat().st_uid == os.getuid()
    assert "everything in" in fix(folder, sudo_user=OTHER).stdout


@root_only
def test_only_the_named_folders_are_given_back(folder):
    fix(folder, "runs", sudo_user=OTHER)
    assert (folder / "runs" / "kept.txt").stat().st_uid == OTHER
    assert (folder / "output").stat().st_uid == os.getuid()


def test_without_the_rights_it_says_what_to_type(folder, no_sudo):
    done = fix(folder, sudo_user=OTHER, path=no_sudo)
    assert done.returncode == 1
    assert "error: datasets belongs to another user" in done.stderr
    assert "sudo bash fix_datasets_owner.bash datasets output" in done.stderr
    assert (folder / "datasets").stat().st_uid == os.getuid()
