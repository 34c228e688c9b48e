"""config_docs.py: comparing, and a file that is out of date."""

import argparse
import subprocess
import sys

import pytest

import config_docs
from lorabench.errors import UserError
from lorabench.settings.models import Config
from lorabench.settings.validation import keys


def run(*arguments):
    command = [sys.executable, config_docs.__file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_what_is_there_is_up_to_date():
    done = run("--check")
    assert done.returncode == 0, done.stderr


def test_a_file_out_of_date_is_named(monkeypatch):
    path = config_docs.ROOT / "config" / "config.yaml"
    monkeypatch.setattr(config_docs, "generated", lambda: {path: "something else"})
    with pytest.raises(UserError, match=r"config\.yaml is out of date"):
        config_docs.main(argparse.Namespace(check=True, keys=False))


def test_an_unknown_option_is_refused():
    assert run("--chek").returncode == 2


def test_help():
    assert "--check" in run("--help").stdout


def test_all_keys_are_listed_with_default_and_meaning(capsys):
    assert config_docs.main(config_docs.parser().parse_args(["--keys"])) is None
    said = capsys.readouterr().out
    assert "train.rank (16): network_dim: rank of the LoRA" in said
    names = [line.split(" (")[0] for line in said.splitlines()]
    assert names == [key for key in keys(Config) if key != "preprocess.trigger"]  # it is `trigger`
