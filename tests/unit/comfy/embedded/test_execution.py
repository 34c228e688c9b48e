"""The graph's side alone: nodes are stand-ins that count how often they run."""

import threading

import pytest

from lorabench.comfy.embedded.catalog import Node
from lorabench.comfy.embedded.execution import Executor, Interrupted, Job, Shown
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.queue import PromptQueue


def node(inputs, outputs=(), is_output=False):
    return Node(dict.fromkeys(inputs, ("*", {})), outputs, "", "", "", is_output)


NODES = {
    "LoraLoaderModelOnly": node(["lora_name"], ("MODEL",)),
    "Draw": node(["model", "seed"], ("IMAGE",)),
    "SaveImage": node(["images", "filename_prefix"], is_output=True),
}


def graph(seed=1, prefix="x", **extra):
    return {
        "1": {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": "a.safetensors"}},
        "2": {"class_type": "Draw", "inputs": {"model": ["1", 0], "seed": seed}},
        "3": {
            "class_type": "SaveImage",
            "inputs": {"images": ["2", 0], "filename_prefix": prefix, **extra},
        },
    }


class Bench:
    """An executor with a record of what ran and what was said."""

    def __init__(self, root):
        self.lora = root / "loras/a.safetensors"
        self.lora.parent.mkdir()
        self.lora.write_bytes(b"1")
        self.ran, self.said = [], []
        self.interrupt = False
        library = Library(root, root / "loras", root, root)
        self.executor = Executor(library, lambda *message: self.said.append(message), self.check)

    def check(self):
        if self.interrupt:
            raise Interrupted

    def run(self, given, outputs=("3",), fail=None, client="me"):
        def call(name, class_type, inputs, on_step):
            if class_type == fail:
                raise RuntimeError("broken")
            if class_type == "Draw":
                on_step(1, 2)
                on_step(2, 2)
            self.ran.append((class_type, inputs))
            return Shown([{"filename": "f.png"}]) if class_type == "SaveImage" else (class_type,)

        self.ran, self.said = [], []
        job = Job(0, "id", given, {"client_id": client} if client else {}, list(outputs))
        return self.executor.execute(job, NODES, call)

    def classes(self):
        return [class_type for class_type, _ in self.ran]

    def events(self):
        return [event for event, _, _ in self.said]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_nodes_run_inputs_first_with_links_resolved(bench):
    record = bench.run(graph())
    assert bench.classes() == ["LoraLoaderModelOnly", "Draw", "SaveImage"]
    assert bench.ran[1][1] == {"model": "LoraLoaderModelOnly", "seed": 1}
    assert record.outputs == {"3": {"images": [{"filename": "f.png"}]}}
    assert record.success


def test_an_identical_graph_runs_nothing_and_names_the_old_file(bench):
    bench.run(graph())
    record = bench.run(graph())
    assert bench.ran == []
    assert record.outputs == {"3": {"images": [{"filename": "f.png"}]}}
    cached = next(data for event, data in record.messages if event == "execution_cached")
    assert cached["nodes"] == ["1", "2", "3"]


def test_only_what_changed_runs_again(bench):
    bench.run(graph())
    bench.run(graph(prefix="y"))
    assert bench.classes() == ["SaveImage"]
    bench.run(graph(prefix="y", seed=2))
    assert bench.classes() == ["Draw", "SaveImage"]


def test_an_unknown_input_changes_the_key_and_reaches_no_node(bench):
    bench.run(graph())
    bench.run(graph(nonce="1"))
    assert [class_type for class_type, inputs in bench.ran] == ["SaveImage"]
    assert "nonce" not in bench.ran[0][1]


def test_only_the_last_graph_is_remembered(bench):
    bench.run(graph(seed=1))
    bench.run(graph(seed=2))
    bench.run(graph(seed=1))
    assert bench.classes() == ["Draw", "SaveImage"]


def test_a_replaced_model_file_is_seen(bench):
    bench.run(graph())
    bench.lora.write_bytes(b"22")
    bench.run(graph())
    assert bench.classes() == ["LoraLoaderModelOnly", "Draw", "SaveImage"]


def test_renamed_node_ids_keep_the_cache(bench):
    bench.run(graph())
    renamed = graph()
    renamed["30"] = renamed.pop("3")
    assert bench.run(renamed, outputs=["30"]).outputs == {"30": {"images": [{"filename": "f.png"}]}}
    assert bench.ran == []


def test_messages_follow_the_nodes(bench):
    bench.run(graph())
    events = [event for event in bench.events() if event != "progress_state"]
    assert events == [
        "execution_start",
        "execution_cached",
        "executing",
        "executing",
        "progress",
        "progress",
        "executing",
        "executed",
        "execution_success",
    ]
    progress = [data for event, data, _ in bench.said if event == "progress"]
    assert progress[-1] == {"value": 2, "max": 2, "node": "2", "prompt_id": "id"}
    assert {client for _, _, client in bench.said} == {"me"}


def test_nobody_listens_to_an_anonymous_prompt(bench):
    assert bench.run(graph(), client=None).success
    assert bench.said == []


def test_an_error_names_its_node_and_what_ran_before_is_kept(bench):
    record = bench.run(graph(), fail="Draw")
    event, error = record.messages[-1]
    assert (event, record.success, record.outputs) == ("execution_error", False, {})
    assert (error["node_id"], error["node_type"]) == ("2", "Draw")
    assert error["exception_message"] == "broken\n"
    assert error["exception_type"] == "RuntimeError"
    assert error["executed"] == ["1"]
    assert error["traceback"]
    bench.run(graph())
    assert bench.classes() == ["Draw", "SaveImage"]


def test_an_interrupt_stops_before_the_next_node(bench):
    bench.interrupt = True
    record = bench.run(graph(), client=None)
    assert record.messages[-1][0] == "execution_interrupted"
    assert bench.events() == ["execution_interrupted"]  # told to everybody
    assert bench.ran == []


def test_pictures_carry_the_graph_and_the_extra_chunks():
    job = Job(0, "id", {"1": {}}, {"extra_pnginfo": {"workflow": {"a": [1]}, "run": "x"}}, [])
    assert job.pnginfo() == {"prompt": '{"1": {}}', "workflow": '{"a": [1]}', "run": '"x"'}


@pytest.fixture
def queue():
    return PromptQueue(lambda: None)


def job(name, number=0.0, **extra):
    return Job(number, name, {}, extra, [])


def test_the_lowest_number_is_next_and_equals_keep_their_order(queue):
    for name, number in (("b", 1), ("c", 1), ("a", -1)):
        queue.put(job(name, number))
    assert [queue.take()[1].prompt_id for _ in range(3)] == ["a", "b", "c"]


def test_a_running_prompt_is_listed_and_not_yet_in_the_history(queue, bench):
    queue.put(job("a", api_key_comfy_org="secret"))
    queue.put(job("b"))
    _, taken = queue.take()
    assert queue.remaining() == 2
    assert queue.listing()["queue_running"] == [[0.0, "a", {}, {}, []]]
    assert queue.history("a") == {}
    queue.finish(taken, bench.run(graph()))
    assert queue.remaining() == 1
    entry = queue.history("a")["a"]
    assert entry["status"]["status_str"] == "success"
    assert entry["prompt"][3] == {}
    assert queue.history(max_items=1).keys() == {"a"}


def test_waiting_prompts_can_be_deleted(queue):
    queue.put(job("a"))
    queue.put(job("b"))
    queue.delete("a")
    queue.delete("unknown")
    assert [entry[1] for entry in queue.listing()["queue_pending"]] == ["b"]
    queue.clear()
    assert queue.remaining() == 0


def test_flags_wake_the_worker(queue):
    seen = []
    worker = threading.Thread(target=lambda: seen.append(queue.take()))
    worker.start()
    queue.flag("unload_models")
    worker.join(10)
    assert seen == [({"unload_models"}, None)]
