"""The thread that draws, where something other than a node fails."""

import time

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.execution import Job
from lorabench.comfy.embedded.queue import PromptQueue
from lorabench.comfy.embedded.worker import Worker


def test_a_fault_outside_the_nodes_ends_the_prompt_and_not_the_thread(monkeypatch):
    def vanished(library):
        raise OSError("the folder is gone")

    monkeypatch.setattr(catalog, "nodes", vanished)
    queue = PromptQueue(lambda: None)
    worker = Worker(None, queue, lambda *message: None, object, lambda error: None)
    worker.start()
    try:
        for prompt_id in ("first", "second"):
            queue.put(Job(1, prompt_id, {}, {}, []))
            deadline = time.monotonic() + 60
            while not (entry := queue.history(prompt_id)) and time.monotonic() < deadline:
                time.sleep(0.05)
            status = entry[prompt_id]["status"]
            assert status["status_str"] == "error"
            assert status["messages"][0][1]["exception_message"] == "the folder is gone"
    finally:
        worker.stop()
