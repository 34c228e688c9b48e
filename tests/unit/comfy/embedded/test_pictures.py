"""Pictures on their way into a graph: uploads, the input folder, LoadImage."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lorabench.comfy.embedded import nodes
from lorabench.comfy.embedded.library import Library
from lorabench.errors import UserError
from tests.embedded import serving

BOUNDARY = "xyz"


def form(name=b"a.png", content=b"pixels", **fields):
    """Return the body of an upload."""
    parts = [
        b'Content-Disposition: form-data; name="image"; filename="'
        + name
        + b'"\r\nContent-Type: image/png\r\n\r\n'
        + content
    ]
    for key, value in fields.items():
        parts.append(f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}'.encode())
    edge = f"--{BOUNDARY}".encode()
    return b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def upload(server):
    def send(*arguments, headers=None, path="/upload/image", **fields):
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **(headers or {})}
        status, answer = server.ask("POST", path, form(*arguments, **fields), kind)
        return status, json.loads(answer) if answer[:1] == b"{" else answer

    return send


def test_a_picture_is_uploaded_once_under_its_name(server, upload):
    folder = server.api.library.input_dir
    assert upload() == (200, {"name": "a.png", "subfolder": "", "type": "input"})
    assert upload()[1]["name"] == "a.png"
    assert upload(b"a.png", b"others")[1]["name"] == "a (1).png"
    assert upload(b"a.png", b"others")[1]["name"] == "a (1).png"
    assert upload(b"a.png", b"third", overwrite="true")[1]["name"] == "a.png"
    assert (folder / "a.png").read_bytes() == b"third"
    found = upload(b"b.png", subfolder="in/side", path="/api/upload/image")
    assert found[1] == {"name": "b.png", "subfolder": "in/side", "type": "input"}
    listed = json.loads(server.ask("GET", "/object_info/LoadImage")[1])
    names = listed["LoadImage"]["input"]["required"]["image"]
    assert names == [["a (1).png", "a.png"], {"image_upload": True}]
    status, shown = server.ask("GET", "/view?filename=b.png&subfolder=in/side&type=input")
    assert (status, shown) == (200, b"pixels")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (b"../a.png", {}),
        (b"a.png", {"subfolder": "../out"}),
        (b"a.png", {"subfolder": "/etc"}),
        (b"a.py", {}),
        (b"", {}),
        (b"a.png", {"type": "output"}),
    ],
)
def test_what_is_no_picture_of_the_input_folder_is_refused(server, upload, name, fields):
    before = sorted(server.api.library.input_dir.rglob("*"))
    status, answer = upload(name, **fields)
    assert status == 400 and answer["error"]["type"] == "invalid_request"
    assert sorted(server.api.library.input_dir.rglob("*")) == before


def test_a_link_out_of_the_folder_is_not_followed(server, upload, tmp_path):
    server.api.library.input_dir.mkdir(exist_ok=True)
    (server.api.library.input_dir / "link").symlink_to(tmp_path)
    assert upload(b"a.png", subfolder="link/new")[0] == 400
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"])
def test_a_web_page_cannot_upload(server, upload, header):
    value = server.url if header == "Origin" else "same-origin"
    assert upload(headers={header: value})[0] == 415


def test_forms_are_taken_at_no_other_address(upload):
    assert upload(path="/prompt")[0] == 415


@pytest.fixture
def library(tmp_path):
    for folder in ("input/sub", "output"):
        (tmp_path / folder).mkdir(parents=True)
    return Library(
        *(tmp_path / name for name in ("models", "loras", "output", "temp")),
        input_dir=tmp_path / "input",
    )


@pytest.fixture
def context(library):
    def file(folder, name):
        return library.path(folder, name)

    return SimpleNamespace(file=file, check_size=lambda *size: None)


def test_pictures_are_found_in_subfolders_and_in_the_output_folder(library, tmp_path):
    for name in ("input/a.png", "input/sub/b.png", "output/c.png", "input/notes.txt"):
        (tmp_path / name).touch()
    assert library.names("input") == ["a.png"]
    assert library.path("input", "sub/b.png") == tmp_path / "input/sub/b.png"
    assert library.path("input", "c.png [output]") == tmp_path / "output/c.png"
    for name in ("c.png", "../output/c.png", "/etc/passwd", "", "a\0.png", "x" * 300, "sub"):
        assert library.path("input", name) is None


def test_a_picture_is_loaded_with_where_it_is_transparent(context, tmp_path):
    picture = Image.new("RGBA", (4, 2), (255, 0, 51, 255))
    picture.putpixel((1, 0), (0, 0, 0, 0))
    picture.save(tmp_path / "input/a.png")
    pixels, mask = nodes.RUN["LoadImage"](context, image="a.png")
    assert pixels.shape == (1, 2, 4, 3)
    assert pixels[0, 1, 0].tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert mask[0].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    (red,) = nodes.RUN["LoadImageMask"](context, image="a.png", channel="red")
    (alpha,) = nodes.RUN["LoadImageMask"](context, image="a.png", channel="alpha")
    assert torch.equal(red, pixels[..., 0]) and torch.equal(alpha, mask)


def test_an_opaque_picture_has_a_mask_of_zeros(context, tmp_path):
    Image.new("L", (4, 2), 102).save(tmp_path / "input/a.png")
    pixels, mask = nodes.RUN["LoadImage"](context, image="a.png")
    assert pixels.unique().tolist() == pytest.approx([0.4])
    assert mask.shape == (1, 64, 64) and not mask.any()


def test_a_picture_is_turned_as_its_exif_says(context, tmp_path):
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "input/a.png", exif=exif)
    found, _ = nodes.RUN["LoadImage"](context, image="a.png")
    assert found.shape == (1, 4, 2, 3)


def test_all_frames_are_loaded(context, tmp_path):
    frames = [Image.new("L", (4, 2), grey) for grey in (0, 255)]
    frames[0].save(tmp_path / "input/a.gif", save_all=True, append_images=frames[1:])
    found, _ = nodes.RUN["LoadImage"](context, image="a.gif")
    assert found.mean(dim=(1, 2, 3)).tolist() == [0.0, 1.0]


def test_a_file_that_is_no_picture_is_named(context, tmp_path):
    (tmp_path / "input/a.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"^a\.png: not a picture that can be read"):
        nodes.RUN["LoadImage"](context, image="a.png")
