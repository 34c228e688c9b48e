"""Text from elsewhere on a terminal and in a log."""

import argparse

import pytest

from lorabench import cli
from lorabench.errors import UserError
from lorabench.text.plain import plain
from lorabench.text.screen import Screen

HOSTILE = "\x1b[2J\x1b]0;title\x07 \x9b31m \r back \u202egnp \udce3"
SHOWN = r"\x1b[2J\x1b]0;title\x07 \x9b31m \r back \u202egnp \udce3"


def test_what_would_act_on_a_terminal_is_written_out():
    assert plain(HOSTILE) == SHOWN
    assert plain("猫\tcat\n") == "猫\tcat\n"


def test_a_program_says_and_logs_it_written_out(tmp_path, capsys):
    def program(arguments):
        raise UserError(f"{HOSTILE}: no such file")

    log = tmp_path / "a.log"
    assert cli.run(argparse.ArgumentParser(), program, ["--log", str(log)]) == 1
    for said in (capsys.readouterr().err, log.read_text()):
        assert SHOWN in said and "\x1b" not in said and "Logging error" not in said


def test_the_workflows_screen_does_too(tmp_path):
    with (tmp_path / "screen").open("w+", newline="") as stream:
        screen = Screen(stream)
        screen.line(HOSTILE)
        screen.bar("a", HOSTILE, total=2)
        screen.over("a")
        stream.seek(0)
        said = stream.read()
    assert said.count(SHOWN) == 2 and "\x1b" not in said


@pytest.mark.parametrize("name", ["a\x1b[31m", "a\x85b", "a\x9b31m"])
def test_no_run_is_called_so(plan, name):
    with pytest.raises(UserError, match="run_id"):
        plan(run_id=name)
