from types import SimpleNamespace

import pytest

from lorabench.comfy.embedded import memory
from lorabench.comfy.embedded.catalog import nodes
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.validate import check_linked, validate
from lorabench.errors import UserError
from tests.graphs import text_to_image


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    (root / "checkpoints").mkdir()
    (root / "checkpoints/base.safetensors").touch()
    return nodes(Library(root, root / "loras", root, root))


@pytest.fixture
def graph():
    return text_to_image()


def reasons(verdict, node):
    return [(error["type"], error["details"]) for error in verdict.node_errors[node]["errors"]]


def test_a_good_graph_runs_and_its_numbers_take_their_type(graph, declared):
    graph["4"]["inputs"] |= {"steps": "3", "cfg": 7, "nonce": ["not", "checked", "at all"]}
    verdict = validate(graph, declared)
    assert (verdict.error, verdict.outputs, verdict.node_errors) == (None, ["6"], {})
    assert graph["4"]["inputs"]["steps"] == 3
    assert isinstance(graph["4"]["inputs"]["cfg"], float)


def test_a_file_that_is_not_there(graph, declared):
    graph["1"]["inputs"]["ckpt_name"] = "nope.safetensors"
    verdict = validate(graph, declared)
    assert verdict.error["type"] == "prompt_outputs_failed_validation"
    details = "ckpt_name: 'nope.safetensors' not in ['base.safetensors']"
    assert reasons(verdict, "1") == [("value_not_in_list", details)]
    assert verdict.node_errors["1"]["class_type"] == "CheckpointLoaderSimple"
    assert verdict.node_errors["1"]["dependent_outputs"] == ["6"]
    extra = verdict.node_errors["1"]["errors"][0]["extra_info"]
    assert (extra["input_name"], extra["received_value"]) == ("ckpt_name", "nope.safetensors")


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("steps", 0, "value_smaller_than_min"),
        ("steps", 10001, "value_bigger_than_max"),
        ("seed", 2**64, "value_bigger_than_max"),
        ("seed", -1, "value_smaller_than_min"),
        ("cfg", "much", "invalid_input_type"),
        ("sampler_name", "plms", "value_not_in_list"),
        ("scheduler", "turbo", "value_not_in_list"),
        ("model", ["1", 1], "return_type_mismatch"),
        ("model", ["1"], "bad_linked_input"),
    ],
)
def test_a_wrong_value_is_named(graph, declared, key, value, kind):
    graph["4"]["inputs"][key] = value
    verdict = validate(graph, declared)
    assert [found for found, _ in reasons(verdict, "4")] == [kind]


def test_an_unknown_scheduler_lists_those_there_are(graph, declared):
    graph["4"]["inputs"]["scheduler"] = "turbo"
    ((_, details),) = reasons(validate(graph, declared), "4")
    assert details.startswith("scheduler: 'turbo' not in ['simple', 'sgm_uniform'")


def test_of_many_choices_the_number_is_given_as_in_comfyui(graph, declared):
    graph["4"]["inputs"]["sampler_name"] = "plms"
    ((_, details),) = reasons(validate(graph, declared), "4")
    assert details == "sampler_name: 'plms' not in (list of length 44)"


def test_a_missing_input(graph, declared):
    del graph["4"]["inputs"]["seed"]
    assert reasons(validate(graph, declared), "4") == [("required_input_missing", "seed")]


def test_a_mismatch_says_both_types(graph, declared):
    graph["6"]["inputs"]["images"] = ["4", 0]
    ((kind, details),) = reasons(validate(graph, declared), "6")
    assert kind == "return_type_mismatch"
    assert details == "images, received_type(LATENT) mismatch input_type(IMAGE)"


def test_an_unknown_node_lists_what_is_supported(graph, declared):
    graph["9"] = {"class_type": "ControlNetLoader", "inputs": {}}
    error = validate(graph, declared).error
    assert error["type"] == "invalid_prompt"
    assert error["message"] == "Cannot execute because node ControlNetLoader does not exist."
    assert "Node ID '#9'" in error["details"]
    assert "KSamplerAdvanced" in error["details"]
    assert "LoraLoader" in error["extra_info"]["supported"]


def test_the_gui_format_is_refused(declared):
    error = validate({"nodes": [], "links": []}, declared).error
    assert error["type"] == "invalid_prompt"
    assert "missing the class_type property" in error["message"]


def test_a_graph_without_output(graph, declared):
    del graph["6"]
    assert validate(graph, declared).error["type"] == "prompt_no_outputs"


def test_one_output_of_two_may_fail(graph, declared):
    graph["7"] = {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}
    verdict = validate(graph, declared)
    assert (verdict.error, verdict.outputs) == (None, ["6"])
    assert [kind for kind, _ in reasons(verdict, "7")] == ["return_type_mismatch"]


def test_targets_limit_the_outputs(graph, declared):
    graph["7"] = {"class_type": "PreviewImage", "inputs": {"images": ["5", 0]}}
    assert validate(graph, declared, ["7"]).outputs == ["7"]


def test_a_link_to_nowhere(graph, declared):
    graph["5"]["inputs"]["samples"] = ["77", 0]
    verdict = validate(graph, declared)
    assert reasons(verdict, "5")[0][0] == "exception_during_inner_validation"


def test_a_circle(graph, declared):
    graph["8"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"model": ["8", 0], "lora_name": "x", "strength_model": 1.0},
    }
    graph["4"]["inputs"]["model"] = ["8", 0]
    verdict = validate(graph, declared)
    assert verdict.outputs == []
    assert any("cycle" in details for details in str(verdict.node_errors).split(","))


@pytest.mark.parametrize("graph", [None, [], 5, "x", {"1": None}, {"1": {"class_type": []}}])
def test_what_is_no_graph_is_refused(declared, graph):
    assert validate(graph, declared).error["type"] == "invalid_prompt"


def test_a_batch_that_does_not_fit_in_memory_is_refused_as_a_value(graph, declared, tmp_path):
    limited = nodes(Library(tmp_path, tmp_path, tmp_path, tmp_path), most_pixels=64 * 64 * 4)
    limited = declared | {"EmptyLatentImage": limited["EmptyLatentImage"]}
    graph["3"]["inputs"] = {"width": 128, "height": 64, "batch_size": 2}
    assert validate(graph, limited).outputs == ["6"]
    graph["3"]["inputs"]["batch_size"] = 3
    (error,) = validate(graph, limited).node_errors["3"]["errors"]
    assert error["type"] == "value_bigger_than_max"
    assert error["message"] == "Value 3 bigger than max of 2"
    assert "= 24576 pixels; the memory of this machine has room for 16384" in error["details"]
    assert error["extra_info"]["input_name"] == "batch_size"
    graph["3"]["inputs"] = {"width": 16384, "height": 16384, "batch_size": 1}
    (error,) = validate(graph, limited).node_errors["3"]["errors"]
    assert error["extra_info"]["input_name"] == "width"


@pytest.mark.parametrize("gigabytes", [1, 8, 64])
def test_the_limit_follows_from_the_memory(monkeypatch, tmp_path, gigabytes):
    total = gigabytes * 2**30
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path / "memory.max")
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(total=total))
    cpu, card = SimpleNamespace(name="cpu"), SimpleNamespace(name="cuda")
    card.describe = lambda: {"vram_total": 24 * 2**30}
    assert memory.most_pixels(cpu) == max(512 * 512, total // 2 // memory.BYTES_A_PIXEL)
    assert memory.most_pixels(card) == 24 * 2**30 // memory.BYTES_A_PIXEL
    assert 1024 * 1024 < memory.most_pixels(None) < 16384 * 16384
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.most_pixels(cpu) == max(512 * 512, total // 2 // memory.BYTES_A_PIXEL)
    (tmp_path / "memory.max").write_text(f"{2 * 2**30}\n")
    assert memory.most_pixels(cpu) <= 512 * 512


def test_a_text_beyond_measure_is_refused(graph, declared):
    graph["2"]["inputs"]["text"] = "a" * 100_001
    ((kind, details),) = reasons(validate(graph, declared), "2")
    assert kind == "invalid_input_type"
    assert details.endswith("it has more than 100000 characters")
    assert len(details) < 300


def test_a_picture_may_lie_anywhere_in_the_input_folder(tmp_path, graph):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/base.safetensors").touch()
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/sub/a.png").touch()
    library = Library(tmp_path, tmp_path, tmp_path, tmp_path, (), tmp_path / "in")
    graph["7"] = {"class_type": "LoadImage", "inputs": {"image": "sub/a.png"}}
    graph["8"] = {"class_type": "PreviewImage", "inputs": {"images": ["7", 0]}}
    assert validate(graph, nodes(library)).outputs == ["6", "8"]
    for name in ("sub/b.png", "../a.png", 3, {"a": 1}):
        graph["7"]["inputs"]["image"] = name
        ((kind, details),) = reasons(validate(graph, nodes(library)), "7")
        assert kind == "custom_validation_failed"
        assert details == f"image - Invalid image file: {name}"


def test_a_linked_size_is_checked_when_it_is_known(graph, declared, tmp_path):
    limited = nodes(Library(tmp_path, tmp_path, tmp_path, tmp_path), most_pixels=64 * 64)
    limited["CheckpointLoaderSimple"] = declared["CheckpointLoaderSimple"]
    graph["7"] = {"class_type": "PrimitiveInt", "inputs": {"value": 4096}}
    size = next(node for node in graph.values() if node["class_type"] == "EmptyLatentImage")
    size["inputs"]["width"] = ["7", 0]
    assert validate(graph, limited).error is None


def test_a_linked_value_outside_the_limits_is_refused_when_the_node_runs():
    declared = ("INT", {"min": 1, "max": 10})
    check_linked("steps", {"steps": 5}, declared)
    with pytest.raises(UserError, match="Value 11 bigger than max of 10: steps"):
        check_linked("steps", {"steps": 11}, declared)
    check_linked("model", {"model": object()}, ("MODEL", {}))
