import copy
import io
import json
import logging
import socket
import threading
import time
import uuid

import pytest
from PIL import Image

from lorabench.comfy.client import client as client_module
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.transport import Away, Pace
from lorabench.comfy.client.waiting import Waiting
from lorabench.errors import UserError
from tests.fake_comfy import png, serving

GRAPH = {
    "1": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 1}},
    "2": {"class_type": "KSampler", "inputs": {"seed": 5, "latent_image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a/b/s"}},
}
PACE = Pace(
    poll=0.005, slowest_poll=0.01, queue_look=0.02, backoff=0.005, greeting=0.2, patience=2, tries=4
)


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def a_client(fake, **options):
    return Client(fake.url, pace=PACE, **options)


def render(fake, count=1, **options):
    return a_client(fake, **options).render(GRAPH, "3", count)


def dead_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_https_where_there_is_none_is_said(fake):
    client = Client(fake.url.replace("http:", "https:"), pace=PACE)
    with pytest.raises(UserError, match="does not speak https; write comfy_url=http://127"):
        client.render(GRAPH, "3", 1)


def test_renders_and_fetches_what_the_save_node_wrote(fake):
    (data,) = render(fake)
    image = Image.open(io.BytesIO(data))
    assert image.size == (16, 16)
    assert "prompt" in image.info


def test_the_submission_has_a_canonical_id(fake):
    render(fake)
    (body,) = fake.bodies("/prompt")
    assert body["prompt_id"] == str(uuid.UUID(body["prompt_id"]))
    assert body["client_id"]
    assert body["extra_data"] == {"extra_pnginfo": {}}


def test_a_server_that_can_is_to_answer_once_the_prompt_has_ended(fake):
    render(fake)
    asked = [query for _, path, query in fake.requests if path.startswith("/history/")]
    assert [query["wait"] for query in asked] == ["1"]


def test_the_pictures_keep_the_graph_as_the_gui_saves_it(fake):
    kinds = {"EmptyLatentImage": "LATENT", "KSampler": "LATENT", "SaveImage": None}
    for name, kind in kinds.items():
        outputs = [kind] if kind else []
        inputs = {"latent_image": ["LATENT"]} if name == "KSampler" else {}
        fake.node_info[name] = {
            "input": {"required": inputs}, "output": outputs, "output_name": outputs,
        }  # fmt: skip
    (data,) = render(fake)
    workflow = json.loads(Image.open(io.BytesIO(data)).info["workflow"])
    assert [node["type"] for node in workflow["nodes"]] == list(kinds)
    assert workflow["links"] == [[1, 1, 0, 2, 0, "LATENT"]]


def test_an_identical_graph_answered_from_the_cache_is_fine(fake):
    assert render(fake) == render(fake)
    assert len(fake.files) == 1


def test_a_cached_picture_that_vanished_is_saved_again_with_a_nonce(fake):
    fake.vanish = 1
    render(fake)
    first, second = fake.prompts
    assert first == GRAPH
    assert second["3"]["inputs"].pop("lorabench_nonce")
    assert second == GRAPH


def test_a_picture_that_vanishes_twice_is_an_error(fake):
    fake.vanish = 9
    with pytest.raises(UserError, match="no picture a/b/s_00001_"):
        render(fake)
    assert len(fake.prompts) == 2


def test_a_cached_name_that_another_graph_took_over_is_saved_again(fake):
    (wanted,) = render(fake)
    (place,) = fake.files
    other = copy.deepcopy(GRAPH)
    other["2"]["inputs"]["steps"] = 9
    fake.files[place] = png(5, {"prompt": other}, colour=(1, 2, 3))
    (data,) = render(fake)
    assert Image.open(io.BytesIO(data)).tobytes() == Image.open(io.BytesIO(wanted)).tobytes()
    assert "lorabench_nonce" in fake.prompts[-1]["3"]["inputs"]


def test_a_server_that_rewrites_the_stored_graph_costs_one_more_save_only(fake):
    fake.draw = lambda seed, texts: png(seed, {"prompt": {"2": {"inputs": {"seed": -1}}}})
    assert len(render(fake)) == 1
    assert len(fake.prompts) == 2


def test_a_prompt_that_the_server_forgot_is_submitted_again(fake):
    fake.lose = 2
    assert len(render(fake)) == 1
    assert len({body["prompt_id"] for body in fake.bodies("/prompt")}) == 3


def test_a_server_that_forgets_always_is_given_up(fake):
    fake.lose = 99
    with pytest.raises(UserError, match=r"lost the prompt 4 times.*run out of memory"):
        render(fake)


def test_a_rejection_names_node_reason_and_the_nearest_name(fake):
    error = {
        "type": "value_not_in_list",
        "message": "Value not in list",
        "details": "lora_name: 'ponyu.safetensors' not in ['ponnyu.safetensors', 'x.pt']",
        "extra_info": {"input_name": "lora_name", "received_value": "ponyu.safetensors"},
    }
    body = {"class_type": "LoraLoader", "errors": [error], "dependent_outputs": ["3"]}
    outer = {"type": "prompt_outputs_failed_validation", "message": "failed", "details": ""}
    fake.rejection = 400, {"error": outer, "node_errors": {"7": body}}
    with pytest.raises(UserError) as caught:
        render(fake)
    message = str(caught.value)
    for part in (
        "7 (LoraLoader)",
        "lora_name 'ponyu.safetensors' is not on the server; nearest there: ponnyu.safetensors;",
        "--forcerun install_lora",
    ):
        assert part in message
    assert "\n" not in message


def test_a_rejection_without_the_names_that_the_server_has_is_told_as_it_is(fake):
    """It gives no list of more than 20."""
    error = {
        "type": "value_not_in_list",
        "details": "ckpt_name: 'a.ckpt' not in (list of length 37)",
        "extra_info": {"input_name": "ckpt_name", "received_value": "a.ckpt"},
    }
    fake.rejection = 400, {"node_errors": {"7": {"class_type": "Loader", "errors": [error]}}}
    with pytest.raises(UserError, match=r"ckpt_name 'a\.ckpt' is not on the server$"):
        render(fake)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("['photoreal.ckpt', 'zzz']", "; nearest there: photoreal.ckpt"),
        ("['one', 'two', 'three', 'four']", "; it has one, two, three …"),
        ("[]", "; it has none at all"),
    ],
)
def test_a_rejection_is_told_as_the_look_before_the_sweep_tells_it(fake, listed, said):
    error = {
        "type": "value_not_in_list",
        "details": f"ckpt_name: 'anime.ckpt' not in {listed}",
        "extra_info": {"input_name": "ckpt_name", "received_value": "anime.ckpt"},
    }
    fake.rejection = 400, {"node_errors": {"7": {"class_type": "Loader", "errors": [error]}}}
    with pytest.raises(UserError) as caught:
        render(fake)
    assert str(caught.value).endswith(f"ckpt_name 'anime.ckpt' is not on the server{said}")


def test_a_rejection_without_node_errors_gives_the_servers_words(fake):
    error = {"type": "invalid_prompt", "message": "Cannot execute", "details": "Node ID '#2'"}
    fake.rejection = 400, {"error": error, "node_errors": {}}
    with pytest.raises(UserError, match=r"Cannot execute Node ID '#2'"):
        render(fake)


def test_status_200_with_node_errors_is_a_failure_and_withdraws_the_rest(fake):
    body = {"class_type": "SaveImage", "errors": [{"message": "bad", "details": "x"}]}
    fake.rejection = 200, {"prompt_id": "p", "number": 1, "node_errors": {"3": body}}
    with pytest.raises(UserError, match=r"3 \(SaveImage\): bad \(x\)"):
        render(fake)
    assert fake.bodies("/queue") == [{"delete": [fake.bodies("/prompt")[0]["prompt_id"]]}]


def test_an_execution_error_is_one_line_and_its_traceback_goes_to_the_log(fake, caplog):
    caplog.set_level("DEBUG")
    error = {
        "node_id": "2",
        "node_type": "KSampler",
        "exception_type": "RuntimeError",
        "exception_message": "mat1 and mat2\nshapes",
        "traceback": ["  File sampling.py\n", "    line 3\n"],
    }
    fake.failure = [["execution_start", {}], ["execution_error", error]]
    with pytest.raises(UserError) as caught:
        render(fake)
    assert str(caught.value) == "node 2 (KSampler) failed: RuntimeError: mat1 and mat2 shapes"
    (traceback,) = [record for record in caplog.records if "File sampling.py" in record.message]
    assert traceback.levelname == "DEBUG"  # for the log file, not for the screen


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("torch.OutOfMemoryError", "Allocation on device \nThis error means you ran out"),
        ("RuntimeError", "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        ("RuntimeError", "MPS backend out of memory"),
    ],
)
def test_out_of_memory_is_told_with_remedies(fake, kind, message):
    error = {"node_id": "2", "node_type": "KSampler", "exception_type": kind}
    fake.failure = [["execution_error", error | {"exception_message": message}]]
    with pytest.raises(UserError, match=r"2 \(KSampler\) ran out of memory .*--lowvram") as caught:
        render(fake)
    assert "\n" not in str(caught.value)
    assert len(fake.prompts) == 2  # the server has unloaded its models in between


def test_what_fits_at_the_second_try_is_drawn(fake):
    error = {"node_id": "2", "node_type": "KSampler", "exception_type": "torch.OutOfMemoryError"}
    real = fake.run

    def run(body):
        fake.failure = None if len(fake.prompts) > 1 else [["execution_error", error]]
        return real(body)

    fake.run = run
    assert len(render(fake)) == 1


def test_a_damaged_file_on_the_server_is_told_with_the_remedy(fake):
    kind = "safetensors._safetensors_rust.SafetensorError"
    error = {"node_id": "2", "exception_type": kind, "exception_message": "HeaderTooLarge"}
    fake.failure = [["execution_error", error]]
    with pytest.raises(UserError, match="damaged on the server: copy it there again"):
        render(fake)
    assert len(fake.prompts) == 1


def test_an_interrupt_by_hand_is_told(fake):
    fake.failure = [["execution_interrupted", {"node_id": "2"}]]
    with pytest.raises(UserError, match="someone pressed interrupt"):
        render(fake)
    assert len(fake.prompts) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_a_wrong_number_of_pictures_is_an_error(fake, count):
    fake.extra = 1
    with pytest.raises(UserError, match="saved 2 pictures, not the batch size"):
        render(fake, count)


def test_success_without_pictures_is_an_error(fake):
    fake.extra = -1
    with pytest.raises(UserError, match=r"3 \(SaveImage\) saved no picture"):
        render(fake)


@pytest.mark.parametrize("fault", [500, 503, "drop"])
@pytest.mark.parametrize("request_", [("POST", "/prompt"), ("GET", "/view")])
def test_dropped_connections_and_5xx_are_tried_again(fake, request_, fault):
    fake.faults = [(*request_, fault)] * 2
    assert len(render(fake)) == 1
    assert fake.faults == []


def test_an_outage_is_told_once_in_plain_words(fake, caplog):
    caplog.set_level(logging.DEBUG, "lorabench")
    fake.faults = [("GET", "/view", "drop")] * 3
    render(fake)
    told = [record.levelname for record in caplog.records if "connection dropped" in record.message]
    assert told == ["WARNING", "DEBUG", "DEBUG"]


def test_a_prompt_whose_answer_was_dropped_is_not_submitted_twice(fake):
    fake.faults = [("POST", "/prompt", "drop after")]
    assert len(render(fake)) == 1
    assert len(fake.prompts) == 1


def test_a_server_that_keeps_failing_is_given_up(fake):
    fake.faults = [("GET", "/view", 500)] * 99
    with pytest.raises(UserError, match="keeps failing: HTTP 500"):
        render(fake)
    assert len(fake.faults) == 99 - PACE.tries


def test_an_unreachable_server_is_named():
    url = dead_url()
    with pytest.raises(UserError, match=f"no ComfyUI server answers at {url}"):
        Client(url, pace=PACE).render(GRAPH, "3", 1)


def test_a_dead_server_is_revived(fake):
    client = Client(dead_url(), pace=PACE, revive=lambda: fake.url)
    assert len(client.render(GRAPH, "3", 1)) == 1
    assert client.url == fake.url


def test_something_else_at_the_url_is_told(fake):
    fake.rejection = 404, b"<html>nothing here</html>"
    with pytest.raises(UserError, match=r"/prompt answered HTTP 404, but not as .* \(a web page\)"):
        render(fake)


def test_a_prompt_that_takes_too_long_is_withdrawn(fake):
    fake.hold = "pending"
    with pytest.raises(UserError, match="did not finish"):
        render(fake, timeout=0.1)
    assert fake.pending == []


def test_a_prompt_in_the_queue_is_waited_for(fake):
    fake.hold = "pending"

    def finish():
        while not fake.pending:
            time.sleep(0.01)
        body = fake.bodies("/prompt")[0]
        fake.history[body["prompt_id"]] = fake.run(body)
        fake.pending.clear()

    timer = threading.Timer(0.2, finish)
    timer.start()
    assert len(render(fake)) == 1
    assert len(fake.prompts) == 1


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/queue", {"error": "busy"}),
        ("/queue", {"queue_running": [1], "queue_pending": []}),
        ("/queue", []),
        ("/queue", None),
        ("/history", "busy"),
        ("/history", []),
    ],
)
def test_an_answer_of_something_in_between_is_told(fake, path, content):
    fake.hold = "pending"
    real = fake.answer

    def answer(method, where, body):
        return (200, content) if where.startswith(path) else real(method, where, body)

    fake.answer = answer
    with pytest.raises(UserError, match=rf"{path}.* answered HTTP 200, but not as ComfyUI does"):
        render(fake)


@pytest.mark.parametrize("bad", [b"", b'{"half": ', b"<html>one moment</html>", {"x": None}, 404])
@pytest.mark.parametrize("path", ["/object_info", "/history", "/prompt"])
def test_an_answer_that_is_odd_once_is_asked_for_again(fake, path, bad):
    real, odd = fake.answer, [bad]

    def answer(method, where, body):
        status, content = real(method, where, body)
        if not where.startswith(path) or not odd:
            return status, content
        found = odd.pop()
        return (found, b"<html>") if found == 404 else (200, found)

    fake.answer = answer
    assert len(render(fake)) == 1
    assert not odd
    assert len({body["prompt_id"] for body in fake.bodies("/prompt")}) == 1
    assert len(fake.bodies("/prompt")) == (1 if path != "/prompt" or fake.history else 2)


@pytest.mark.parametrize("bad", [b"", b"<html>one moment</html>", "cut", 404])
def test_a_picture_that_comes_damaged_once_is_fetched_again(fake, bad):
    real, odd = fake.answer, [bad]

    def answer(method, where, body):
        status, content = real(method, where, body)
        if where != "/view" or not odd:
            return status, content
        found = odd.pop()
        return (404, b"") if found == 404 else (200, content[:-20] if found == "cut" else found)

    fake.answer = answer
    assert Image.open(io.BytesIO(render(fake)[0])).size == (16, 16)
    assert len(fake.prompts) == 1


def test_a_picture_that_is_damaged_on_the_server_is_saved_once_more(fake):
    whole = fake.draw
    fake.draw = lambda *of: whole(*of)[: -20 if len(fake.prompts) == 1 else None]
    assert Image.open(io.BytesIO(render(fake)[0])).size == (16, 16)
    assert len(fake.prompts) == 2


def test_an_entry_that_is_null_is_named_in_time(fake):
    real = fake.answer

    def answer(method, where, body):
        status, content = real(method, where, body)
        return status, dict.fromkeys(content) if where.startswith("/history/") else content

    fake.answer = answer
    with pytest.raises(UserError, match=r"/history/.* not as ComfyUI does .* is null, not an obj"):
        render(fake)


@pytest.fixture
def killed(fake, tmp_path):
    """A cell whose program was killed when its prompt was in the queue; what it has noted."""
    waiting = Waiting(tmp_path / ".seed1.waiting", GRAPH)
    fake.hold = "pending"
    client = a_client(fake, timeout=0.05)
    client._withdraw = lambda prompt_id: None
    with pytest.raises(UserError, match="did not finish"):
        client.render(GRAPH, "3", 1, waiting=waiting)
    fake.hold = None
    return tmp_path / ".seed1.waiting"


def finish(fake):
    """Render all that waits."""
    for body in fake.bodies("/prompt"):
        if body["prompt_id"] in fake.pending:
            fake.pending.remove(body["prompt_id"])
            fake.history[body["prompt_id"]] = fake.run(body)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_the_next_try_goes_on_with_the_prompt_of_a_killed_one(fake, killed, when):
    timer = threading.Timer(0.1 if when == "meanwhile" else 0, finish, [fake])
    timer.start()
    if when == "before":
        timer.join()
    assert len(a_client(fake).render(GRAPH, "3", 1, waiting=Waiting(killed, GRAPH))) == 1
    assert len(fake.prompts) == 1


def test_a_killed_tries_prompt_of_another_graph_is_withdrawn(fake, killed):
    other = copy.deepcopy(GRAPH)
    other["2"]["inputs"]["seed"] = 6
    a_client(fake).render(other, "3", 1, waiting=Waiting(killed, other))
    assert fake.pending == []
    assert [graph["2"]["inputs"]["seed"] for graph in fake.prompts] == [5, 6]


@pytest.mark.parametrize("what", ["lost", "failed", "damaged note"])
def test_without_a_prompt_to_go_on_with_there_is_a_new_one(fake, killed, what):
    prompt_id = fake.pending.pop()
    if what == "failed":
        error = {"node_id": "2", "exception_type": "RuntimeError"}
        status = {"status_str": "error", "messages": [["execution_error", error]]}
        fake.history[prompt_id] = {"outputs": {}, "status": status}
    if what == "damaged note":
        killed.write_text("{")
    assert len(a_client(fake).render(GRAPH, "3", 1, waiting=Waiting(killed, GRAPH))) == 1
    assert len(fake.prompts) == 2


@pytest.mark.parametrize("where", ["pending", "running"])
def test_an_interrupted_client_takes_its_prompt_out_of_the_queue(fake, where, monkeypatch):
    fake.hold = where
    fake.pending.append("somebody else's")

    def ctrl_c(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(client_module.time, "sleep", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        render(fake)
    assert fake.pending == ["somebody else's"]
    assert fake.running == []
    assert len(fake.bodies("/interrupt")) == (where == "running")


def test_the_fakes_pictures_differ_by_seed():
    assert png(1) != png(2)


def test_a_server_that_falls_silent_is_left_where_another_is_done_sooner(fake):
    fake.hold = "running"
    fake.fault = lambda method, path: "drop" if fake.running else None
    start = time.monotonic()
    with pytest.raises(Away):
        a_client(fake).render(GRAPH, "3", 1, leave=lambda before, running: running > 0.05)
    assert time.monotonic() - start < PACE.patience
