"""The label of a picture: a PNG's text chunk, JSON that says what the picture shows.

Its keys are run_id, lora_sha256, graph, prompt, prompt_name, probe, weight, seed and batch_index.
"""

CHUNK = "lorabench"
