"""One server's connection, cookies and answers, as cells need them."""

import json

import pytest

from lorabench.comfy.client.http import Failure, Session
from tests.fake_comfy import serving

LIMITS = (5.0, 30.0)


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def test_a_connection_is_kept_and_opened_again_when_the_server_has_closed_it(fake):
    session = Session({}, {})
    assert session.request("GET", f"{fake.url}/queue", timeout=LIMITS).ok
    port = session._connection(fake.url, LIMITS).sock.getsockname()[1]
    assert session.request("GET", f"{fake.url}/queue", timeout=LIMITS).ok
    assert session._connection(fake.url, LIMITS).sock.getsockname()[1] == port
    fake.faults = [("GET", "/queue", "drop")]
    with pytest.raises(Failure):
        session.request("GET", f"{fake.url}/queue", timeout=LIMITS)
    assert session.request("GET", f"{fake.url}/queue", timeout=LIMITS).ok


def test_a_server_is_given_its_cookies_back(fake):
    session = Session({}, {})
    fake.headers = {"Set-Cookie": "node=b; Path=/; HttpOnly"}
    session.request("GET", f"{fake.url}/queue", timeout=LIMITS)
    assert session._cookies == {"node": "b"}


def test_paths_queries_and_bodies_are_written_as_a_url_and_as_json(fake):
    session = Session({}, {"token": "a b"})
    session.request("GET", f"{fake.url}/物 1", timeout=LIMITS, params={"name": "x&y"})
    session.request("POST", f"{fake.url}/queue", timeout=LIMITS, json={"delete": ["é"]})
    (_, path, query), (_, _, body) = fake.requests
    assert path == "/%E7%89%A9%201"
    assert query["token"] == "a b"
    assert query["name"] == "x&y"
    assert body["delete"] == ["é"]


def test_an_answer_is_read_as_text_and_as_json(fake):
    fake.answer = lambda *_: (302, '{"a": "é"}'.encode())
    fake.headers = {"Location": "/login"}
    answer = Session({}, {}).request("GET", f"{fake.url}/x", timeout=LIMITS)
    assert answer.is_redirect
    assert answer.json() == json.loads(answer.text) == {"a": "é"}
