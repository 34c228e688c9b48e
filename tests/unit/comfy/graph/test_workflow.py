import gzip
import json

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from lorabench.comfy.graph.workflow import GuiWorkflow, load, read
from lorabench.errors import UserError
from tests.graphs import a_graph, node


def write(folder, content):
    path = folder / "w.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    assert load(write(tmp_path, "\ufeff" + json.dumps(a_graph()))) == a_graph()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", r"no valid JSON: .*; save or download it again"),
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


def a_picture(folder, size=8, **chunks):
    info = PngInfo()
    for name, content in chunks.items():
        info.add_text(name, content if isinstance(content, str) else json.dumps(content))
    path = folder / "picture.png"
    Image.effect_noise((size, size), 50).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            json.dumps({"1": "青い髪の女の子"}, ensure_ascii=False).encode("cp932"),
            "may be Shift_JIS",
        ),
        (gzip.compress(b"{}", mtime=0), "a gzip archive; unpack it"),
        (b"PK\x03\x04\x14\0", "a ZIP archive; unpack it"),
    ],
)
def test_a_file_of_another_encoding_or_an_archive_is_named(tmp_path, data, words):
    path = tmp_path / "w.json"
    path.write_bytes(data)
    with pytest.raises(UserError, match=words):
        read(path)


INVOKE = {"nodes": [{"id": "a"}], "edges": []}


@pytest.mark.parametrize(
    ("chunks", "program"),
    [
        (
            {"invokeai_metadata": {"positive_prompt": "a cat"}, "invokeai_workflow": INVOKE},
            "InvokeAI",
        ),
        ({"parameters": {"sui_image_params": {"prompt": "a cat"}}}, "SwarmUI"),
        ({"Software": "NovelAI", "Comment": {"prompt": "a cat"}}, "NovelAI"),
        ({"fooocus_scheme": "fooocus", "parameters": {"prompt": "a cat"}}, "Fooocus"),
        ({"parameters": "a cat\nSteps: 20, Sampler: Euler"}, "A1111"),
    ],
)
def test_pictures_of_other_programs_are_named(tmp_path, chunks, program):
    with pytest.raises(UserError, match=f"the parameters of {program}.*name a workflow JSON"):
        read(a_picture(tmp_path, **chunks))


def test_a_workflow_of_invokeai_is_named(tmp_path):
    with pytest.raises(UserError, match="a workflow of InvokeAI"):
        read(write(tmp_path, INVOKE))


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
    ("chunks", "words"),
    [
        ({}, "holds no workflow"),
        ({"prompt": "{"}, "prompt is no valid JSON"),
        ({"prompt": "a cat", "Software": "another program"}, "holds no workflow"),
    ],
)
def test_a_picture_without_a_workflow_is_refused(tmp_path, chunks, words):
    with pytest.raises(UserError, match=words):
        read(a_picture(tmp_path, **chunks))


@pytest.mark.parametrize("content", [b"GIF", b"\x89PNG\r\n\x1a\n cut"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no readable picture"):
        read(path)


def test_a_checkpoint_is_not_read_whole(tmp_path):
    with (tmp_path / "x.safetensors").open("wb") as file:
        file.truncate(2**28 + 1)  # a hole, which takes no room
    with pytest.raises(UserError, match="too large for a workflow"):
        read(tmp_path / "x.safetensors")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load(tmp_path / "none.json")


# ---------------------------------------------------------------- what wraps a workflow


def an_entry(graph, number=0):
    """What `/history` and `/queue` say of a prompt: number, id, graph, extra data, outputs."""
    return [number, f"id{number}", graph, {"extra_pnginfo": {"workflow": GUI}}, ["save"]]


@pytest.mark.parametrize(
    "content",
    [
        {"prompt": a_graph(), "client_id": "x", "extra_data": {"extra_pnginfo": {"workflow": GUI}}},
        {
            "abc": {
                "prompt": an_entry(a_graph()),
                "outputs": {},
                "status": {"messages": [["x", {}]]},
            }
        },
        {"prompt": an_entry(a_graph()), "outputs": {"save": {"images": [{"filename": "x.png"}]}}},
        {"queue_running": [an_entry(a_graph())], "queue_pending": []},
        an_entry(a_graph()),
        {"workflow": GUI, "output": a_graph()},
        {"input": {"workflow": a_graph(), "images": []}},
        json.dumps(a_graph()),
        {"prompt": json.dumps(a_graph()), "workflow": json.dumps(GUI)},
        {**a_graph(), "version": 0.4, "extra": {"ds": {}}, "extraMetadata": "{}", "_meta": {}},
    ],
)
def test_a_graph_is_read_out_of_what_wraps_it(tmp_path, content):
    assert load(write(tmp_path, json.dumps(content))) == a_graph()


def test_a_gui_workflow_is_read_out_of_what_wraps_it(tmp_path):
    assert read(write(tmp_path, {"id": 7, "workflow": GUI})) == GuiWorkflow(GUI)


def test_of_several_workflows_none_is_guessed(tmp_path):
    other = a_graph(neg=node("CLIPTextEncode", clip=["lora", 1], text="other"))
    two = {"queue_running": [an_entry(a_graph())], "queue_pending": [an_entry(other, 1)]}
    with pytest.raises(UserError, match="it holds 2 different workflows; keep the one"):
        read(write(tmp_path, two))
    same = {"queue_running": [an_entry(a_graph())], "queue_pending": [an_entry(a_graph(), 1)]}
    assert read(write(tmp_path, same)) == a_graph()


def test_ids_that_are_numbers_are_links_as_elsewhere(tmp_path):
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="a"),
        "2": node("X", model=[1, 0], size=[640, 480]),
    }
    assert read(write(tmp_path, graph))["2"]["inputs"] == {"model": ["1", 0], "size": [640, 480]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["w.json", "w.txt", "w", "w.png"])
def test_the_encoding_and_the_name_do_not_matter(tmp_path, encoding, name):
    path = tmp_path / name
    path.write_bytes(json.dumps(a_graph(), ensure_ascii=False).encode(encoding))
    assert read(path) == a_graph()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": ' * 9000 + "1" + "}" * 9000, "nested too deeply"),
        ({"1": {"class_type": "X", "inputs": None}}, "node 1 has no inputs"),
        ({"1": {"class_type": "X", "inputs": {}}, "2": {"inputs": {}}}, "node 2 has no class_type"),
        ({"prompt": None, "client_id": "x"}, "not a workflow"),
        ({"prompt": "a cat"}, "not a workflow"),
        ("\n<!DOCTYPE html>\n<html>", "a web page.*choose Raw"),
    ],
)
def test_a_damaged_one_is_named(tmp_path, content, words):
    with pytest.raises(UserError, match=words):
        read(write(tmp_path, content))


# ---------------------------------------------------------------- pictures


def exif(**fields):
    """EXIF with strings of the first directory, and `comment`, bytes of the second."""
    made = Image.Exif()
    if comment := fields.pop("comment", None):
        made.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    for name, text in fields.items():
        made[ExifTags.Base[name]] = text
    return made.tobytes()


DRAWN = json.dumps({**a_graph(), "x": {"class_type": "X", "inputs": {"text": "\u732b"}}})
BOTH = json.dumps({"prompt": json.loads(DRAWN), "workflow": GUI})


@pytest.mark.parametrize("suffix", ["webp", "jpg", "avif", "png"])
@pytest.mark.parametrize(
    "fields",
    [
        {"Model": f"prompt:{DRAWN}", "Make": f"workflow:{json.dumps(GUI)}"},  # ComfyUI itself
        {"Make": f"Prompt:{DRAWN}", "ImageDescription": f"Workflow: {json.dumps(GUI)}"},
        {"comment": b"UNICODE\0" + BOTH.encode("utf-16-be")},
        {"comment": b"UNICODE\0" + BOTH.encode("utf-16-le")},
        {"comment": b"ASCII\0\0\0" + BOTH.encode()},
        {"comment": BOTH.encode()},
        {"comment": b"UNICODE\0" + "a cat\nSteps: 20, Sampler: Euler".encode("utf-16-be"),
         "Model": f"prompt:{DRAWN}"},
    ],
)  # fmt: skip
def test_a_picture_gives_its_graph_in_every_form_that_save_nodes_write(tmp_path, suffix, fields):
    path = tmp_path / f"drawn.{suffix}"
    Image.new("RGB", (16, 16)).save(path, exif=exif(**fields))
    assert read(path) == json.loads(DRAWN)


def test_a_field_of_exif_in_utf8_keeps_its_letters(tmp_path):
    graph = {"1": {"class_type": "X", "inputs": {"text": "\u732b"}}}
    text = f"prompt:{json.dumps(graph, ensure_ascii=False)}".encode()
    assert texts_of(tmp_path, "w.webp", exif=exif(Model=text)) == graph


def texts_of(folder, name, **how):
    path = folder / name
    Image.new("RGB", (8, 8)).save(path, **how)
    return read(path)


def test_chunks_behind_the_pixels_and_those_of_animations_are_read(tmp_path):
    info = PngInfo()
    info.add(b"comf", b"prompt\0" + json.dumps(a_graph()).encode(), after_idat=True)
    assert texts_of(tmp_path, "animated.png", pnginfo=info) == a_graph()
    plain = a_picture(tmp_path, prompt=a_graph())
    data = plain.read_bytes()
    text, end = data.index(b"tEXt") - 4, data.index(b"IEND") - 4
    pixels = data.index(b"IDAT") - 4
    plain.write_bytes(data[:text] + data[pixels:end] + data[text:pixels] + data[end:])
    assert read(plain) == a_graph()


def test_a_picture_that_was_cut_off_still_says_what_drew_it(tmp_path):
    path = a_picture(tmp_path, prompt=a_graph(), size=64)
    path.write_bytes(path.read_bytes()[:-40])
    assert read(path) == a_graph()


def test_what_other_programs_write_is_named(tmp_path):
    parameters = "a cat\nNegative prompt: bad\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1"
    with pytest.raises(UserError, match=r"parameters of A1111.*positive= and negative="):
        read(a_picture(tmp_path, parameters=parameters))
    comment = b"UNICODE\0" + parameters.encode("utf-16-be")
    with pytest.raises(UserError, match="parameters of A1111"):
        texts_of(tmp_path, "a.jpg", exif=exif(comment=comment))
    video = tmp_path / "a.mp4"
    video.write_bytes(b"\0\0\0\x20ftypisom")
    with pytest.raises(UserError, match="a video; give the PNG"):
        read(video)
