import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lorabench.comfy.workflow import GuiWorkflow, load, read
from lorabench.errors import UserError
from tests.graphs import a_graph


def write(folder, content):
    path = folder / "w.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    assert load(write(tmp_path, "\ufeff" + json.dumps(a_graph()))) == a_graph()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no valid JSON"),
        (" \n", "the file is empty"),
        ([], "not a workflow"),
        ({}, "not a workflow"),
        ({"nodes": [], "links": []}, r"GUI format.*Export \(API\)"),
        ({"1": {"inputs": {}}}, "node 1 has no class_type"),
        ({"1": {"class_type": "X"}}, "node 1 has no inputs"),
        (a_graph(pos=None), r"sampler \(KSampler\): its input positive is linked to node pos"),
    ],
)
def test_what_is_no_api_workflow_is_refused_with_its_path(tmp_path, content, words):
    path = write(tmp_path, content)
    with pytest.raises(UserError, match=words) as caught:
        load(path)
    assert str(caught.value).count(str(path)) == 1


def a_picture(folder, **chunks):
    info = PngInfo()
    for name, content in chunks.items():
        info.add_text(name, content if isinstance(content, str) else json.dumps(content))
    path = folder / "picture.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


GUI = {"nodes": [{"id": 1, "type": "SaveImage"}], "links": []}


def test_a_gui_file_is_marked_and_is_no_graph_yet(tmp_path):
    assert isinstance(read(write(tmp_path, GUI)), GuiWorkflow)
    assert not isinstance(read(write(tmp_path, a_graph())), GuiWorkflow)


def test_a_picture_gives_the_graph_that_drew_it(tmp_path):
    drawn = a_graph()
    drawn["sampler"]["is_changed"] = [float("nan")]  # the server adds it
    assert read(a_picture(tmp_path, prompt=drawn, workflow=GUI)) == a_graph()
    assert isinstance(read(a_picture(tmp_path, workflow=GUI)), GuiWorkflow)


@pytest.mark.parametrize(
    ("chunks", "words"), [({}, "holds no workflow"), ({"prompt": "{"}, "prompt is no valid JSON")]
)
def test_a_picture_without_a_workflow_is_refused(tmp_path, chunks, words):
    with pytest.raises(UserError, match=words):
        read(a_picture(tmp_path, **chunks))


def test_what_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"GIF")
    with pytest.raises(UserError, match="no readable picture"):
        read(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load(tmp_path / "none.json")
