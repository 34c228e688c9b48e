"""What the system refuses is said with the file, whose it is, and what to do."""

import errno
import os
from pathlib import Path

import pytest

from lorabench.errors import of_system


def refused(path, number=errno.EACCES):
    return of_system(OSError(number, os.strerror(number), str(path)))


@pytest.fixture
def of_ann(monkeypatch):
    """Everything belongs to another account, and its folders are closed."""
    monkeypatch.setattr(Path, "owner", lambda path: "ann")
    monkeypatch.setattr("getpass.getuser", lambda: "ben")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


def test_the_owner_of_what_another_account_closed_is_named(tmp_path, of_ann):
    said = refused(tmp_path / "none" / "a.csv")
    assert f"{tmp_path} belongs to ann, and you are ben" in said
    assert f"chmod -R g+rwX {tmp_path}" in said


def test_a_file_that_can_be_written_but_not_replaced_is_its_folders(tmp_path, of_ann):
    (tmp_path / "a.csv").touch()
    assert f"; {tmp_path} belongs to ann" in refused(tmp_path / "a.csv")


def test_an_account_without_a_name_is_a_number(tmp_path, of_ann, monkeypatch):
    def unknown(path):
        raise KeyError("uid not found")

    monkeypatch.setattr(Path, "owner", unknown)
    assert f"account {os.getuid()}" in refused(tmp_path)


def test_what_one_closed_oneself_is_opened_by_oneself(tmp_path):
    assert f"{tmp_path} belongs to you: allow it (chmod -R u+rwX" in refused(tmp_path)


def test_a_full_disk_wants_room(tmp_path):
    assert refused(tmp_path, errno.ENOSPC).endswith("run the same command again: it goes on")
