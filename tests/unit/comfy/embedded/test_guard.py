"""Which requests the embedded server takes for those of a program on its machine."""

import urllib.request

import pytest
import requests

from tests.embedded import serving

FORM = b'{"clear": true, "x": "=y"}'  # what <form enctype=text/plain> can send
JSON = {"Content-Type": "application/json"}
SOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://evil.example", "Content-Type": "text/plain"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://localhost:{port}"},  # a page of another program's, as browsers see it
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
        {"Origin": "file://"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example:{port}"},
        {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
        {"Host": "127.0.0.1:9"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": ""},
        {"Host": None},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "/queue", {}),
        ("GET", "/internal/logs/raw", {}),
        ("GET", "/view?filename=a.png", {}),
        ("GET", "/ws", SOCKET),
        ("POST", "/queue", JSON),
        ("POST", "/prompt", JSON),
        ("POST", "/interrupt", {}),
        ("OPTIONS", "/prompt", {"Access-Control-Request-Method": "POST"}),
    ],
)
def test_a_request_of_a_page_or_for_another_name_is_refused(server, headers, method, path, more):
    sent = {name: value and value.format(port=server.port) for name, value in headers.items()}
    body = FORM if method == "POST" else None
    status, answer = server.ask(method, path, body, {**more, **sent})
    # A request without a host is none to some versions of the HTTP library.
    assert status == 403 or (status == 400 and not sent.get("Host", "x"))
    assert b"entries" not in answer
    assert b"queue_running" not in answer


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_programs_are_let_in_under_each_name_of_this_machine(server, name):
    host = {"Host": f"{name}:{server.port}"}
    assert server.ask("GET", "/queue", headers=host)[0] == 200
    assert server.ask("GET", "/ws", headers=host | SOCKET)[0] == 101
    own = host | JSON | {"Origin": f"http://{name}:{server.port}", "Sec-Fetch-Site": "same-origin"}
    assert server.ask("POST", "/queue", FORM, own)[0] == 200


def test_a_body_is_json_and_programs_may_leave_the_type_of_forms(server):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    origin = {"Origin": server.url}
    for headers, status in (
        ({}, 200),
        (JSON, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        (form, 200),
        (form | origin, 415),
        (form | {"Sec-Fetch-Site": "none"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ):
        assert server.ask("POST", "/queue", FORM, headers)[0] == status, headers


def test_scripts_as_people_write_them_go_on_working(server):
    def plain():  # ComfyUI's own example: urllib's type is that of forms
        with urllib.request.urlopen(f"{server.url}/queue", FORM, timeout=20) as answer:
            return answer.status

    assert plain() == 200
    assert requests.post(f"{server.url}/queue", data=FORM.decode(), timeout=20).ok
    assert requests.post(f"{server.url}/queue", json={"clear": True}, timeout=20).ok
    assert requests.post(f"{server.url}/interrupt", timeout=20).ok
    assert requests.get(server.url.replace("127.0.0.1", "localhost"), timeout=20).ok
