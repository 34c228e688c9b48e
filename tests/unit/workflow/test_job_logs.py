"""What the jobs' logs say went wrong."""

import os
import time

from lorabench.workflow import job_logs


def test_errors_are_those_of_this_call_each_once(tmp_path):
    def write(name, text):
        (tmp_path / "cells").mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    write("old.log", "error: long ago")
    os.utime(tmp_path / "old.log", (1, 1))
    start = time.time() - 60
    write("a.log", "some error: not one\nerror: first\n  its second line\n")
    write("cells/b.log", "error: the same ぽ")
    write("cells/c.log", "retrying\nerror: the same ぽ\n")
    write("d.log", "some error: not one")
    write("e.txt", "error: no log")
    found = job_logs.errors(tmp_path, start)
    assert found == ["error: first\n  its second line", "error: the same ぽ"]
    assert job_logs.errors(tmp_path / "none", start) == []


def test_of_many_errors_the_first_are_shown_and_the_others_counted(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.log").write_text(f"error: {number}")
    shown = ["error: 0", "error: 1", "error: 2", f"and 2 more messages, in {tmp_path}"]
    assert job_logs.summary(tmp_path, 0).splitlines() == shown
    assert job_logs.summary(tmp_path / "none", 0) == ""
