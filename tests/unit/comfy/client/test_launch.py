import json
import os
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from lorabench.comfy.client import launch
from lorabench.comfy.client.launch import ServerOptions, ensure_server, stop_server
from lorabench.errors import UserError

STAND_IN = textwrap.dedent("""
    import json, os, signal, sys
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from pathlib import Path

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    if "--threads" in sys.argv and sys.argv[sys.argv.index("--threads") + 1] == "13":
        sys.exit("thirteen threads bring bad luck")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    state = Path(sys.argv[sys.argv.index("--state-file") + 1])
    text = json.dumps({"url": f"http://127.0.0.1:{server.server_port}", "pid": os.getpid()})
    Path(f"{state}.tmp").write_text(text)
    Path(f"{state}.tmp").rename(state)
    server.serve_forever()
""")


@pytest.fixture
def state(tmp_path, monkeypatch):
    program = tmp_path / "comfy_server.py"
    program.write_text(STAND_IN)
    monkeypatch.setattr(launch, "PROGRAM", program)
    path = tmp_path / "server" / "state.json"
    yield path
    stop_server(path)


def pid(state):
    return json.loads(state.read_text())["pid"]


def is_alive(number):
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


def test_a_server_is_started_once_and_shared(state):
    url = ensure_server(state, ServerOptions())
    first = pid(state)
    assert ensure_server(state, ServerOptions()) == url
    assert pid(state) == first


def test_cells_that_start_together_share_one_server(state):
    with ThreadPoolExecutor(4) as pool:
        urls = list(pool.map(lambda _: ensure_server(state, ServerOptions()), range(4)))
    assert len(set(urls)) == 1


def test_the_server_has_a_session_of_its_own(state):
    ensure_server(state, ServerOptions())
    assert os.getsid(pid(state)) == pid(state)


def test_a_server_with_other_arguments_is_replaced(state):
    ensure_server(state, ServerOptions(threads=1))
    first = pid(state)
    ensure_server(state, ServerOptions(threads=2))
    assert pid(state) != first
    assert not is_alive(first)


def test_a_dead_server_is_replaced(state):
    ensure_server(state, ServerOptions())
    first = pid(state)
    psutil.Process(first).kill()
    psutil.Process(first).wait()
    assert ensure_server(state, ServerOptions())
    assert pid(state) != first


def test_a_server_that_does_not_start_shows_the_end_of_its_log(state):
    with pytest.raises(UserError, match=r"(?s)ended \(1\).*thirteen threads") as caught:
        ensure_server(state, ServerOptions(threads=13))
    assert "state.log" in str(caught.value)


def test_a_server_that_does_not_answer_in_time_is_ended(state):
    launch.PROGRAM.write_text("import time; time.sleep(60)")
    with pytest.raises(UserError, match="did not answer within"):
        ensure_server(state, ServerOptions(), patience=0.2)
    time.sleep(0.05)
    mine = [child for child in psutil.Process().children() if is_alive(child.pid)]
    assert not [child for child in mine if str(launch.PROGRAM) in child.cmdline()]


def test_stopping_ends_the_process_and_is_silent_when_nothing_runs(state):
    assert stop_server(state) is False
    ensure_server(state, ServerOptions())
    number = pid(state)
    assert stop_server(state) is True
    assert not is_alive(number)
    assert stop_server(state) is False


def test_a_stale_number_of_another_program_is_left_alone(state):
    state.parent.mkdir()
    state.write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid()}))
    assert stop_server(state) is False
    assert not state.exists()


@pytest.mark.parametrize("content", ["[]", '"x"', "{}", '{"url": 1, "pid": "2"}', '{"pid": 0}'])
def test_a_state_file_that_no_server_has_written_is_replaced(state, content):
    state.parent.mkdir()
    state.write_text(content)
    state.with_suffix(".arguments").write_text(json.dumps(ServerOptions().arguments()))
    assert stop_server(state) is False
    state.write_text(content)
    assert ensure_server(state, ServerOptions()).startswith("http://")


def test_the_arguments_are_those_of_the_server():
    options = ServerOptions(threads=3, parent_pid=42, checkpoints=("a", "b"))
    text = " ".join(options.arguments())
    assert "--checkpoint a --checkpoint b --threads 3" in text
    assert text.endswith("--parent-pid 42")
