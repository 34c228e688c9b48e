"""Cells choose a server: by queue, one by one."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from lorabench.comfy.client import server_choice
from lorabench.comfy.client.client import Client, Left
from lorabench.comfy.client.server_choice import Servers
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
        assert Servers(clients, None).choose().url == fake.url
        fake.pending += ["y", "z"]
        assert Servers(clients, None).choose().url == busy.url


def test_a_server_that_has_the_prompt_comes_first_if_it_answers(fake):
    with serving() as busy:
        busy.running.append("x")
        clients = [Client(url, pace=PACE) for url in (busy.url, dead_url(), fake.url)]
        assert Servers(clients, None).choose(busy.url).url == busy.url
        assert Servers(clients, None).choose(clients[1].url).url == fake.url


def test_where_no_server_answers_one_is_tried_with_patience():
    clients = [Client(dead_url(), pace=PACE) for _ in range(2)]
    with pytest.raises(UserError, match="no ComfyUI server answers"):
        Servers(clients, None).choose().render(GRAPH, "3", 1)


def test_cells_that_start_together_share_the_servers_evenly(fake, tmp_path):
    cells = 8
    start = threading.Barrier(cells)
    with serving() as other:
        fakes = (fake, other)
        for server in fakes:
            server.hold = "running"

        def render_one(_):
            clients = [Client(server.url, pace=PACE, timeout=0.5) for server in fakes]
            start.wait()
            servers = Servers(clients, tmp_path / "logs")
            with servers.turn() as over, pytest.raises(UserError):
                servers.choose().render(GRAPH, "3", 1, submitted=over)

        with ThreadPoolExecutor(cells) as pool:
            list(pool.map(render_one, range(cells)))
        assert [len(server.prompts) for server in fakes] == [cells // 2] * 2


def two(folder, *urls):
    """The servers of a cell, with the clients of two."""
    pace = Pace(**{**vars(PACE), "queue_look": 0.01})
    return Servers([Client(url, pace=pace) for url in urls or ("http://a", "http://b")], folder)


def test_a_turn_that_does_not_come_is_not_waited_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(server_choice, "PATIENCE", 0.05)
    with two(tmp_path).turn(), two(tmp_path).turn() as over:
        over()
    with two(tmp_path).turn():
        pass


def test_one_server_needs_no_turns(tmp_path):
    with Servers([Client("http://a")], tmp_path / "logs").turn() as over:
        over()
    assert not (tmp_path / "logs").exists()


def took(folder, **seconds):
    """Keep how long servers took for their last prompts."""
    kept = {url: (value, 0.0) for url, value in seconds.items()}
    (folder / "comfy_speeds.json").write_text(json.dumps(kept))


def test_a_slow_server_does_not_hold_the_last_cell(fake, tmp_path):
    with serving() as slow:
        slow.hold = "running"
        fake.pending.append("x")
        servers = two(tmp_path, fake.url, slow.url)
        took(tmp_path, **{fake.url: 1.0, slow.url: 60.0})
        with servers.turn() as over:
            client = servers.choose()
            assert client.url == slow.url  # it is busy, too, while there are cells to start
            fake.pending.clear()
            with pytest.raises(Left):
                client.render(GRAPH, "3", 1, over, partial(servers.should_leave, client))
        assert slow.running == []
        assert servers.choose().url == fake.url
        fake.pending.append("y")
        assert servers.choose().url == fake.url  # twice a second is still sooner than a minute


@pytest.mark.parametrize(
    ("here", "before", "running", "leaves"),
    [
        (1.0, 0, 0.5, False),  # the rest is less than the whole
        (1.0, 1, 0.0, True),  # it only waits
        (10.0, 0, 9.5, False),
        (10.0, 0, 1.0, True),
        (1.0, 0, 30.0, True),  # it has become slow
        (None, 0, 0.5, False),  # nothing has ended there yet
        (None, 0, 5.0, True),
    ],
)
def test_a_cell_leaves_for_an_idle_server_that_is_done_sooner(
    fake, tmp_path, here, before, running, leaves
):
    servers = two(tmp_path, fake.url, "http://here")
    took(tmp_path, **{fake.url: 1.0}, **({"http://here": here} if here else {}))
    assert servers.should_leave(servers.clients[1], before, running) == leaves
    fake.pending.append("x")
    assert not servers.should_leave(servers.clients[1], before, running)


def test_a_cell_does_not_go_back_to_a_server_that_has_become_slow(fake, tmp_path):
    with serving() as other:
        servers = two(tmp_path, fake.url, other.url)
        took(tmp_path, **{fake.url: 1.0, other.url: 0.5})  # as it was
        assert servers.should_leave(servers.clients[1], 0, 30.0)
        assert servers.choose().url == fake.url


def test_where_no_speed_is_known_no_cell_leaves(fake, tmp_path):
    servers = two(tmp_path, fake.url, "http://here")
    assert not servers.should_leave(servers.clients[1], 1, 5.0)


def test_the_time_in_the_queue_is_no_part_of_a_server_s_speed(fake, tmp_path, monkeypatch):
    servers = two(tmp_path, fake.url, "http://b")
    now = [100.0]
    monkeypatch.setattr(server_choice.time, "time", lambda: now[0])
    client = servers.clients[0]
    for submitted, ended in ((100.0, 104.0), (101.0, 107.0)):
        with servers.turn() as over:
            now[0] = submitted
            over()
        now[0] = ended
        servers.note(client)
    assert json.loads((tmp_path / "comfy_speeds.json").read_text())[fake.url] == [3.0, 107.0]


def test_cells_that_end_together_keep_the_speeds_of_all_servers(tmp_path):
    urls = [f"http://127.0.0.1:{port}" for port in range(1, 17)]
    together = threading.Barrier(len(urls))

    def end(url):
        clients = [Client(one, pace=PACE) for one in (url, "http://127.0.0.1:99")]
        servers = Servers(clients, tmp_path)
        together.wait()
        servers.note(clients[0])

    with ThreadPoolExecutor(len(urls)) as pool:
        list(pool.map(end, urls))
    assert json.loads((tmp_path / "comfy_speeds.json").read_text()).keys() == set(urls)
