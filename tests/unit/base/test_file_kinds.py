"""Files that are not what their names say."""

import shlex
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from lorabench.base import file_kinds, header
from lorabench.errors import UserError
from lorabench.lora import file as lora_file


def refused(path):
    with pytest.raises(UserError) as raised:
        lora_file.verify(path)
    return str(raised.value)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_of_pytorch_is_called_one_and_how_to_convert_it(tmp_path, legacy):
    path = tmp_path / "it's a lora.safetensors"
    tensors = {"lora_unet_a.lora_up.weight": torch.ones(2, 1)}
    torch.save(tensors, path, _use_new_zipfile_serialization=not legacy)
    said = refused(path)
    assert "a PyTorch file (.pt, .ckpt, .bin)" in said and "Convert it: uv run python -c" in said


def test_the_conversion_works_as_it_is_told(tmp_path):
    source, target = tmp_path / "it's a.pt", tmp_path / "b.safetensors"
    weights = {"x.lora_up.weight": torch.ones(2, 3).T, "epoch": 3}
    torch.save({"state_dict": weights}, source)
    told = file_kinds.conversion(source, target).partition("uv run python ")[2]
    subprocess.run([sys.executable, *shlex.split(told)], check=True)
    assert np.array_equal(load_file(target)["x.lora_up.weight"], np.ones((3, 2)))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html><head><title>Log in</title>", "a web page"),
        (b"\n <html lang='en'>" + b"x" * 5000, "a web page"),
        (b'{"error":"Unauthorized","message":"log in to download"}', "a JSON text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "git lfs pull"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "a PNG picture"),
        (b"PK\x03\x04" + b"x" * 50, "cut short"),
        (b"", "an empty file"),
        (b"a LoRA, they said\n" * 9, "a text that begins with 'a LoRA, they said a LoRA"),
        ("絵のLoRA\n".encode(), "a text that begins with '絵のLoRA'"),
        (b"\x00" * 40, "not a whole .safetensors file"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "the header is cut short"),
    ],
)
def test_what_was_downloaded_instead_is_named(tmp_path, content, what):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    assert what in refused(path)


def test_an_archive_is_told_from_a_file_of_pytorch(tmp_path):
    path = tmp_path / "a.safetensors"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("style.safetensors", "x")
    assert "a ZIP archive; unpack it" in refused(path)


@pytest.mark.parametrize(
    "text",
    [
        b'{"x": 5}',
        b"[1, 2]",
        b'{"x": {"dtype": "F16", "shape": [2], "data_offsets": [4, 0]}}',
        b'{"x": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F16", "shape": "2", "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": 16, "shape": [2], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F16", "shape": [2], "data_offsets": [0, 9]}}',
        b'{"x": {"dtype": "F16", "shape": [2], "data_offsets": ["0", "4"]}}',
        b'{"x": {"dtype": "F16", "shape": [2]}}',
        b'{"x": {"shape": [2], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F16", "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F16", "shape": [3], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F17", "shape": [2], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},'
        b' "y": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}}',
        b'{"x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},'
        b' "y": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}}',
        b'{"x": {"dtype": "F16", "shape": [2.0], "data_offsets": [0, 4]}}',
        b'{"\\ud800": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}',
        '{"x": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}'.encode("utf-16"),
        b'{"x":' * 100_000,
    ],
)
def test_a_header_that_makes_no_sense_is_refused_in_words(tmp_path, text):
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\x00" * 4)
    assert "not a whole .safetensors file" in refused(path)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (["emb_params"], "a textual inversion embedding"),
        (["clip_l", "clip_g"], "a textual inversion embedding"),
        (["<mytoken>"], "a textual inversion embedding"),
        (
            ["model.diffusion_model.out.2.weight", "first_stage_model.x.weight"],
            "a whole checkpoint",
        ),
        (["lora_controlnet", "input_blocks.0.0.weight"], "a Control-LoRA"),
        (["image_proj.norm.weight", "ip_adapter.1.to_k_ip.weight"], "an IP-Adapter"),
        (["lora_unet_a.oft_R.weight", "lora_unet_a.alpha"], "an OFT network of PEFT or OneTrainer"),
        (["decoder.conv_in.weight", "encoder.conv_in.weight"], "a VAE"),
        (["some.weight", "other.weight"], "so it is not a LoRA"),
        ([], "it has no tensors"),
    ],
)
def test_another_kind_of_model_is_named(tmp_path, keys, what):
    path = tmp_path / "a.safetensors"
    save_file({key: np.ones((2, 2), np.float16) for key in keys}, path)
    assert what in refused(path)


def test_a_header_is_bounded_before_it_is_read(tmp_path):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write((header.LARGEST + 1).to_bytes(8, "little"))
        file.truncate(2 * header.LARGEST)
    assert f"its header has {header.LARGEST + 1} bytes, and may have" in refused(path)
