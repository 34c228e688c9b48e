"""Files appear whole or not at all, and what killed programs leave is removed."""

import errno
import os
import subprocess
import sys
import time

import pytest

from lorabench import files

KILLED = """
import os, signal, sys
sys.path.insert(0, "scripts")
from pathlib import Path
from lorabench import files
with files.publish(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def leave(path):
    """Be killed while `path` is written; return what that leaves."""
    subprocess.run([sys.executable, "-c", KILLED, str(path)])
    (left,) = path.parent.glob(".*.tmp")
    return left


def test_a_full_disk_is_named_with_the_file(tmp_path):
    path = tmp_path / "a.csv"
    with pytest.raises(OSError, match=r"No space left on device: .*/a\.csv"), files.publish(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_left_is_removed(tmp_path):
    left = leave(tmp_path / "sub" / "a.safetensors")
    (tmp_path / ".of somebody else.tmp").touch()
    with files.publish(tmp_path / "b") as living:
        living.touch()
        files.remove_left(tmp_path)
        assert living.exists()
    assert not left.exists()
    assert (tmp_path / ".of somebody else.tmp").exists()


def test_another_machines_file_is_left_alone_for_a_day(tmp_path, monkeypatch):
    left = leave(tmp_path / "a")
    monkeypatch.setattr(files, "_HOST", "0000")
    files.remove_left(tmp_path)
    assert left.exists()
    os.utime(left, (time.time() - 90_000,) * 2)
    files.remove_left(tmp_path)
    assert not left.exists()
