"""One call of Snakemake: settings and interrupts."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lorabench.workflow.older import call

SCRIPTS = Path(__file__).parents[4] / "scripts"
TYPED = {"positive": "ぽ: {a} '\"\n#", "run_id": "20260131_120000", "programs": {"resize": "1"}}


def python(code):
    return [sys.executable, "-c", code]


def test_settings_are_in_a_file_as_they_were_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with call.command(TYPED) as command:
        file = Path(command[command.index("--configfile") + 1])
        assert json.loads(file.read_text(encoding="utf-8")) == TYPED
    assert not file.exists()


@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9)],
)
def test_the_exit_status_is_the_programs(code, status):
    assert call.run(python(code)) == status


def test_who_calls_says_how_to_go_on(monkeypatch):
    monkeypatch.delenv("LORABENCH_CALLED", raising=False)
    assert f"Stopped{call.way_on()}." == "Stopped; the same command goes on."
    code = "import sys; from lorabench.workflow.older import call; sys.exit(call.way_on() != '')"
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTS))
    assert call.run(python(code)) == 0


CHILD = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    exit(5)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_of_this_process_alone_reaches_all_that_it_started(number):
    shell = ["bash", "-c", '"$@"; exit 9', "bash", *python(CHILD)]
    code = f"from lorabench.workflow.older import call; exit(call.run({shell!r}))"
    process = subprocess.Popen(
        python(code),
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == "interrupted\n"
    assert process.returncode == 9


def test_an_interrupt_while_the_program_starts_reaches_it(monkeypatch):
    def starting(*arguments, **options):
        process = start(*arguments, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", starting)
    assert call.run(python("import time; time.sleep(60)")) in (1, 128 + signal.SIGINT)
