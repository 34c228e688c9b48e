"""Malformed requests: each gets a 4xx in ComfyUI's form; what is taken can be run and listed."""

import copy
import json
import logging
import struct
import zlib
from urllib.parse import quote

import pytest

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.execution import Executor, Shown
from tests.embedded import serving
from tests.graphs import text_to_image

GRAPH = text_to_image()
BODY = {
    "prompt": GRAPH,
    "prompt_id": "one",
    "client_id": "me",
    "number": 1,
    "front": False,
    "extra_data": {"extra_pnginfo": {"workflow": {}}},
    "partial_execution_targets": ["6"],
}
ODD = [None, True, 5, -1, 1.5, 10**30, "x", "nan", "", [], ["x"], [["1"], 0], ["1", "0"], ["1", -1],
       ["1", 99], {}, {"__value__": {}}, {"__value__": []}]  # fmt: skip
NOT_JSON = [
    *(b"", b"{not json", b"null", b"[]", b"5", b'"x"', b"\xff\xfe\x00", b"{}{}", b"[" * 100_000),
    *(b'{"number": NaN}', b'{"number": -Infinity}', b'{"number": 1e999}', b'{"x": "\xe9"}'),
    b'{"number": ' + b"9" * 5000 + b"}",
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b"PK\x03\x04" * 100,
]
STAYS = {
    ("prompt", str(n), "inputs", name) for n in range(1, 7) for name in GRAPH[str(n)]["inputs"]
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    with serving(root / "models") as server:
        server.root = root
        yield server


@pytest.fixture(autouse=True)
def nothing_unforeseen(caplog, server):
    """Nothing may be written either."""
    before = sorted(server.root.rglob("*"))
    yield
    assert "Error handling request" not in caplog.text
    assert sorted(server.root.rglob("*")) == before


def places(content, path=()):
    """Yield the path of every value in a body."""
    for key, value in content.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def changed(path, value):
    body = copy.deepcopy(BODY)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return body


def is_refusal(answer):
    error = answer["error"]
    return {"type", "message", "details", "extra_info"} <= error.keys() and "node_errors" in answer


def run(server):
    """Run what waits, with nodes that do nothing; all of it can be listed before and behind."""
    queue = server.api.queue
    while queue.remaining():
        assert server.ask("GET", "/queue")[0] == 200
        _, job = queue.take()
        executor = Executor(server.api.library, lambda *_: None, lambda: None)
        record = executor.execute(job, catalog.nodes(server.api.library), stand_in)
        job.pnginfo()
        queue.finish(job, record)
        assert json.loads(server.ask("GET", f"/history/{quote(job.prompt_id)}")[1])


def stand_in(name, class_type, inputs, on_step):
    return Shown([]) if class_type == "SaveImage" else ("a", "b", "c")


@pytest.mark.parametrize("path", [*places(BODY)], ids=".".join)
def test_a_wrong_value_at_each_place_of_a_prompt(server, path):
    for value in [..., *ODD]:
        status, answer = server.post("/prompt", changed(path, value))
        assert status == 200 or (400 <= status < 500 and is_refusal(answer)), (value, answer)
        if status == 200:
            run(server)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((("prompt",), value) for value in (None, [], 5, "x")),
        *((("prompt", "4"), value) for value in (None, [], 5, "x", {})),
        *((("prompt", "4", "inputs"), value) for value in (..., None, [], 5, "x")),
        *((("prompt", "4", "class_type"), value) for value in (..., None, [], 5, {}, "Nope")),
        *((("prompt", "2", "inputs", "text"), value) for value in (..., None, {}, [], ["x"])),
        *((("prompt", "4", "inputs", "cfg"), value) for value in ("nan", "inf", None, {}, "x")),
        *((("prompt", "4", "inputs", "model"), value) for value in (5, None, ["1", -1], [1, 0])),
        *((("prompt", "5", "inputs", "vae"), value) for value in (["1", 9], ["1", True], {})),
        *((("number",), value) for value in ("x", [], {})),
        *((("client_id",), value) for value in (5, [], {})),
        *((("prompt_id",), value) for value in (5, [], {})),
        *((("extra_data",), value) for value in (5, [], "x", {"extra_pnginfo": []})),
        *((("partial_execution_targets",), value) for value in (5, "6", {}, [5])),
    ],
    ids=str,
)
def test_a_prompt_that_is_malformed_is_refused(server, path, value):
    status, answer = server.post("/prompt", changed(path, value))
    assert status == 400
    assert is_refusal(answer)


@pytest.mark.parametrize("path", ["/prompt", "/queue", "/history", "/free", "/interrupt"])
def test_what_is_no_json_object_is_refused(server, path):
    for data in NOT_JSON:
        if (path, data) != ("/interrupt", b""):  # that interrupts whatever runs
            status, answer = server.post(path, data)
            assert status == 400, data[:40]
            assert is_refusal(answer)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        *(("/queue", "delete"), ("/queue", "clear"), ("/history", "delete"), ("/history", "clear")),
        *(("/free", "unload_models"), ("/free", "free_memory"), ("/interrupt", "prompt_id")),
    ],
)
def test_a_wrong_value_of_each_key_is_refused(server, path, key):
    wrong = [5, 1.5, {}, {"a": []}, [None], [5], [[]]]
    for value in [*wrong, True] if key in ("delete", "prompt_id") else [*wrong, "x"]:
        status, answer = server.post(path, {key: value})
        assert (status, is_refusal(answer)) == (400, True), value


PATHS = [
    *(f"/history?{name}={value}" for name in ("max_items", "offset") for value in ("x", "1.5", "")),
    f"/history?max_items={'9' * 5000}",
    *(f"/history/one?wait={value}" for value in ("x", "1.5")),
    *(f"/view?filename={name}" for name in ("..%2Fx", "%2Fetc%2Fpasswd", "", "%00", "x" * 300)),
    *(f"/view?filename=a.png&subfolder={name}" for name in ("..", "%2Fetc", "a/../../..", "%00")),
    *("/view", "/view?filename=a.png&type=x", "/view?filename=a.png", "/view?filename=%ff"),
    *(f"/{folder}/{'x' * 300}" for folder in ("models", "view_metadata")),
    *("/models/..%2F..", "/view_metadata/loras?filename=../x", "/ws", "/nowhere", "/upload/image"),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_wrong_address_is_refused(server, path):
    status, _ = server.ask("GET", path)
    assert 400 <= status < 500


def test_a_file_that_is_no_picture_is_refused(server, tmp_path):
    folder = server.api.library.output_dir
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(b"no picture")
    try:
        for query in (
            "preview=webp",
            "preview=jpeg;²",
            "channel=rgb",
            f"preview=webp;{'9' * 5000}",
        ):
            assert server.ask("GET", f"/view?filename=a.png&{quote(query, safe='=&')}")[0] == 400
    finally:
        (folder / "a.png").unlink()
        folder.rmdir()


@pytest.mark.parametrize("query", ["preview=webp", "channel=rgb"])
def test_a_picture_of_too_many_pixels_is_refused_and_not_decoded(server, query):
    folder = server.api.library.output_dir
    folder.mkdir(exist_ok=True)
    size = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + b"IHDR" + size + struct.pack(">I", zlib.crc32(b"IHDR" + size))
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    try:
        assert server.ask("GET", f"/view?filename=a.png&{query}")[0] == 400
    finally:
        (folder / "a.png").unlink()
        folder.rmdir()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=nonsense"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
        {"Content-Type": "multipart/form-data"},
        {"Transfer-Encoding": "nonsense"},
    ],
    ids=str,
)
def test_a_wrong_encoding_is_refused(server, headers):
    status, _ = server.ask("POST", "/prompt", b"\x00no json, no gzip", headers)
    assert 400 <= status < 500


def test_another_method_is_refused(server):
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        assert server.ask(method, "/object_info", b"{}")[0] == 405
    assert server.ask("GET", "/free")[0] == 405


def test_the_server_goes_on_and_the_queue_is_listed(server, caplog):
    caplog.set_level(logging.INFO)
    assert server.post("/prompt", BODY)[0] == 200
    run(server)
    assert json.loads(server.ask("GET", "/history/one")[1])["one"]["status"]["completed"]
