"""Cells choose a server: by queue, one by one."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lorabench.comfy.client import server_choice
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.server_choice import turn, with_shortest_queue
from lorabench.comfy.client.transport import Pace
from lorabench.errors import UserError
from tests.fake_comfy import serving

GRAPH = {
    "1": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1}},
    "2": {"class_type": "KSampler", "inputs": {"seed": 5, "latent_image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a/b/s"}},
}
PACE = Pace(poll=0.005, slowest_poll=0.01, backoff=0.005, greeting=0.2, patience=2, tries=4)


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def dead_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_shortest_queue_is_chosen_and_dead_servers_drop_out(fake):
    with serving() as busy:
        busy.running.append("x")
        clients = [Client(url, pace=PACE) for url in (busy.url, dead_url(), fake.url)]
        assert with_shortest_queue(clients).url == fake.url
        fake.pending += ["y", "z"]
        assert with_shortest_queue(clients).url == busy.url


def test_where_no_server_answers_one_is_tried_with_patience():
    clients = [Client(dead_url(), pace=PACE) for _ in range(2)]
    with pytest.raises(UserError, match="no ComfyUI server answers"):
        with_shortest_queue(clients).render(GRAPH, "3", 1)


def test_cells_that_start_together_share_the_servers_evenly(fake, tmp_path):
    cells = 8
    start = threading.Barrier(cells)
    with serving() as other:
        servers = (fake, other)
        for server in servers:
            server.hold = "running"

        def render_one(_):
            clients = [Client(server.url, pace=PACE, timeout=0.5) for server in servers]
            start.wait()
            with turn(tmp_path / "logs/queues.lock") as over, pytest.raises(UserError):
                with_shortest_queue(clients).render(GRAPH, "3", 1, submitted=over)

        with ThreadPoolExecutor(cells) as pool:
            list(pool.map(render_one, range(cells)))
        assert [len(server.prompts) for server in servers] == [cells // 2] * 2


def test_a_turn_that_does_not_come_is_not_waited_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(server_choice, "PATIENCE", 0.05)
    lock = tmp_path / "queues.lock"
    with turn(lock), turn(lock) as over:
        over()
    with turn(lock):
        pass


def test_one_server_needs_no_turns():
    with turn(None) as over:
        over()
