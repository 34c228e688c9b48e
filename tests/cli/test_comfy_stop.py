import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "scripts/comfy_stop.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60
    )


def test_nothing_to_stop_is_silent(tmp_path):
    done = run("--server-state", str(tmp_path / "none/state.json"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_state_is_cleared_silently(tmp_path):
    state = tmp_path / "state.json"
    state.write_text("{")
    assert run("--server-state", str(state)).returncode == 0
    assert not state.exists()


def test_bad_input_and_help():
    assert run().returncode == 2
    assert "--server-state" in run("--help").stdout
