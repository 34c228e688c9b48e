"""What a job's log tells of a server's progress."""

import logging
import threading
import time
from contextlib import contextmanager

import pytest

from lorabench.comfy.client import progress
from lorabench.comfy.client.access import access_to
from tests.fake_comfy import serving

GRAPH = {"6": {"class_type": "KSampler", "_meta": {"title": "Sampler"}, "inputs": {}}}


def step(value):
    return {"type": "progress", "data": {"value": value, "max": 20, "node": "6"}}


def at_work(node):
    return {"type": "executing", "data": {"node": node}}


@pytest.fixture
def lines(caplog):
    """Listens for a while and returns what was logged."""
    caplog.set_level(logging.DEBUG, "lorabench")

    def lines(url, every=0.0, until=lambda told: told):
        with progress.reported(lambda: access_to(url), "me", GRAPH, pause=0.01, every=every):
            deadline = time.monotonic() + 10
            while not until(caplog.messages) and time.monotonic() < deadline:
                time.sleep(0.01)
        return list(caplog.messages)

    return lines


@contextmanager
def telling(*events):
    with serving() as fake:
        fake.events = list(events)
        yield fake


def test_steps_and_nodes_are_told(lines):
    status = {"type": "status", "data": {"status": {}}}
    with telling(status, at_work("6"), b"\0\0\0\1 a preview", step(12), at_work(None)) as fake:
        told = lines(fake.url, until=lambda told: len(told) > 1)
    assert told[:2] == ['6 (KSampler "Sampler") is at work', '6 (KSampler "Sampler"): 12/20']


def test_lines_keep_their_distance(lines):
    with telling(*map(step, range(9))) as fake:
        told = lines(fake.url, every=60, until=lambda told: any("no progress" in t for t in told))
    assert [line for line in told if "/20" in line] == ['6 (KSampler "Sampler"): 0/20']


def test_a_dropped_connection_is_taken_up_again(lines):
    with telling(step(1)) as fake:
        lines(fake.url, until=lambda told: sum("1/20" in line for line in told) > 1)
        assert len([path for _, path, _ in fake.requests if path == "/ws"]) > 1


@pytest.mark.parametrize("events", [["no object"], [{"type": "progress"}], [[1]], [step(None)]])
def test_whatever_is_said_there_nothing_is_raised(lines, events):
    with telling(*events) as fake:
        told = lines(fake.url, until=lambda told: any("no progress" in line for line in told))
        assert told[-1].startswith(f"{fake.url} sends no progress now")
    gone = lines(fake.url, until=lambda told: "refused" in told[-1])
    assert "refused" in gone[-1]


def test_a_loss_of_the_connection_is_told_once(lines):
    with telling() as fake:
        told = lines(fake.url, until=lambda told: len(fake.requests) > 3)
    assert len(told) == 1


def test_a_short_wait_asks_nothing():
    with serving() as fake:
        with progress.reported(lambda: access_to(fake.url), "me", GRAPH, pause=0.5, every=0):
            pass
        time.sleep(0.05)
        assert fake.requests == []


def test_the_listener_ends(lines):
    with telling(step(1)) as fake:
        lines(fake.url)
    deadline = time.monotonic() + 10
    while any("listen" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
