import hashlib

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from lorabench.base import header
from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file

METADATA = {"ss_network_module": "networks.lora", "ss_network_dim": "4", "ss_network_alpha": "2.0"}


def tensors(rank=4, alpha=2.0):
    random = np.random.default_rng(0)
    return {
        "lora_unet_a.lora_down.weight": random.normal(size=(rank, 6)).astype(np.float16),
        "lora_unet_a.lora_up.weight": random.normal(size=(5, rank)).astype(np.float16),
        "lora_unet_a.alpha": np.array(alpha, np.float16),
        "lora_unet_b.lora_down.weight": random.normal(size=(rank, 6, 1, 1)).astype(np.float16),
        "lora_unet_b.lora_up.weight": np.zeros((5, rank, 1, 1), np.float16),
        "lora_unet_b.alpha": np.array(alpha, np.float16),
    }


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "a.safetensors"
    lora = lora_file.save(path, tensors(), METADATA)
    assert (lora.rank, lora.alpha, len(lora.contents.modules)) == (4, 2.0, 2)
    read = dict(tensor_file.tensors(path))
    assert read.keys() == tensors().keys()
    assert all(np.array_equal(read[key], array) for key, array in tensors().items())
    assert read["lora_unet_a.alpha"].shape == ()


def test_the_content_hash_is_kohyas_and_ignores_the_metadata(tmp_path):
    path = tmp_path / "a.safetensors"
    lora = lora_file.save(path, tensors(), METADATA)
    data = path.read_bytes()
    after_header = data[8 + int.from_bytes(data[:8], "little") :]
    assert lora.metadata["sshs_model_hash"] == hashlib.sha256(after_header).hexdigest()
    assert len(lora.metadata["sshs_legacy_hash"]) == 8
    again = lora_file.save(tmp_path / "b.safetensors", tensors(), {**METADATA, "ss_date": "later"})
    assert again.content == lora.content == lora.metadata["sshs_model_hash"]


def test_bfloat16_is_widened(tmp_path):
    path = tmp_path / "a.safetensors"
    arrays = {key: torch.from_numpy(array).bfloat16() for key, array in tensors().items()}
    save_file(arrays, path)
    assert lora_file.verify(path).rank == 4
    for key, array in tensor_file.tensors(path):
        assert np.array_equal(array, arrays[key].float().numpy())


def change(key, value):
    return lambda arrays: arrays.update({key: value})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change("lora_unet_a.lora_up.weight", np.full((5, 4), np.nan, np.float16)), "NaN"),
        (change("lora_unet_a.lora_up.weight", np.zeros((5, 4), np.float16)), "every up weight"),
        (change("lora_unet_a.lora_up.weight", np.ones((5, 3), np.float16)), "share a rank"),
        (
            lambda arrays: arrays.update(
                {
                    "lora_unet_a.lora_down.weight": np.zeros((0, 3), np.float16),
                    "lora_unet_a.lora_up.weight": np.zeros((5, 0), np.float16),
                }
            ),
            "a rank of 1 or more",
        ),
        (lambda arrays: arrays.pop("lora_unet_b.lora_up.weight"), "incomplete"),
        (change("lora_unet_a.alpha", np.ones(4, np.float16)), "should be one number"),
        (lambda arrays: [arrays.pop(key) for key in list(arrays) if "down" in key], "incomplete"),
    ],
)
def test_a_lora_that_cannot_work_never_gets_its_name(tmp_path, spoil, message):
    arrays = tensors()
    spoil(arrays)
    with pytest.raises(UserError, match=message):
        lora_file.save(tmp_path / "a.safetensors", arrays, METADATA)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("key", "value", "oddity"),
    [
        ("ss_network_dim", "8", "say ss_network_dim 8, its tensors have 4"),
        ("ss_network_alpha", "4", "say ss_network_alpha 4, its tensors have 2"),
        ("sshs_model_hash", hashlib.sha256(b"").hexdigest(), "e3b0c44298fc"),
        ("ss_network_dim", "[4, 8]", None),
        ("ss_network_alpha", "", None),
        ("ss_network_alpha", "nan", None),
        ("ss_network_dim", "Dynamic", None),
        ("ss_tag_frequency", "{not json" + "x" * 1_000_000, None),
    ],
)
def test_metadata_are_doubted_and_no_reason_to_refuse(tmp_path, key, value, oddity):
    path = tmp_path / "a.safetensors"
    arrays = {name: torch.from_numpy(array) for name, array in tensors().items()}
    save_file(arrays, path, {**METADATA, key: value})
    oddities = lora_file.verify(path).oddities
    assert len(oddities) == bool(oddity) and (not oddity or oddity in oddities[0])


@pytest.mark.parametrize("said", [7, None, ["a"], {"b": 1}])
def test_metadata_that_are_no_texts_are_read_as_texts(tmp_path, said):
    path = tmp_path / "a.safetensors"
    lora_file.save(path, tensors(), METADATA)
    path.write_bytes(tensor_file.with_header(path.read_bytes(), {"ss_epoch": said}))
    assert lora_file.verify(path).metadata == {"ss_epoch": str(said)}
    assert not header.is_standard(path)


@pytest.mark.parametrize("alpha", [0.1, 22.627, 1e-9, 1e6])
def test_an_alpha_that_half_precision_rounds_is_no_reason_to_lose_a_training(tmp_path, alpha):
    arrays = tensors(alpha=alpha if alpha in (0.1, 22.627) else 2)
    if alpha not in (0.1, 22.627):  # as our own training writes it
        arrays |= {key: np.array(alpha, np.float32) for key in arrays if key.endswith(".alpha")}
    metadata = {**METADATA, "ss_network_alpha": str(alpha)}
    lora = lora_file.save(tmp_path / "a.safetensors", arrays, metadata)
    assert lora.alpha == pytest.approx(alpha, rel=1e-3) and not lora.oddities


@pytest.mark.parametrize("alpha", [np.int64(4), np.int32(4), np.uint8(4)])
def test_a_whole_number_is_as_good_an_alpha(tmp_path, alpha):
    arrays = tensors() | {f"lora_unet_{name}.alpha": np.array(alpha) for name in "ab"}
    assert lora_file.save(tmp_path / "a.safetensors", arrays, {}).alpha == 4


def test_single_alphas_of_0_and_below_are_told(tmp_path):
    arrays = tensors() | {"lora_unet_a.alpha": np.array(-1, np.float16)}
    (oddity,) = lora_file.save(tmp_path / "a.safetensors", arrays, {}).oddities
    assert "1 of 2 modules have an alpha of -1" in oddity


def test_a_lokr_may_have_any_alpha_where_it_counts_for_nothing(tmp_path):
    arrays = {
        "lora_unet_a.lokr_w1": np.ones((2, 2), np.float16),
        "lora_unet_a.lokr_w2": np.ones((2, 2), np.float16),
        "lora_unet_a.alpha": np.array(np.inf, np.float16),  # 9999999999, rounded
    }
    lora = lora_file.save(tmp_path / "a.safetensors", arrays, {})
    assert (lora.rank, lora.alpha) == (None, None)


def test_a_bundled_embedding_is_told_and_left_out(tmp_path):
    arrays = tensors() | {"bundle_emb.my.token.string_to_param.*": np.full((2, 8), np.nan)}
    lora = lora_file.save(tmp_path / "a.safetensors", arrays, {})
    assert lora.contents.bundled == ("my.token",) and len(lora.contents.modules) == 2
    assert "embedding my.token" in lora.oddities[0]


def test_what_is_written_wrongly_never_gets_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(lora_file, "_content", lambda path: "0" * 64)
    with pytest.raises(UserError, match="not those that were written"):
        lora_file.save(tmp_path / "a.safetensors", tensors(), METADATA)
    assert not list(tmp_path.iterdir())


def test_a_shape_that_is_not_that_of_the_data_is_said(tmp_path):
    path = tmp_path / "a.safetensors"
    lora_file.save(path, tensors(), METADATA)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"shape":[4,6]', b'"shape":[4,7]'))
    with pytest.raises(UserError, match="invalid shape, data type, or offset"):
        lora_file.verify(path)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_every_float8_is_read_as_torch_reads_it(tmp_path, dtype):
    numbers = torch.arange(256, dtype=torch.uint8).view(dtype)
    save_file({"x": numbers}, tmp_path / "a.safetensors")
    (_, array), *_ = tensor_file.tensors(tmp_path / "a.safetensors")
    assert np.array_equal(array, numbers.float().numpy(), equal_nan=True)


def test_a_type_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    numbers = {"lora_unet_a.lora_up.weight": np.ones((2, 2), np.uint8)}
    save_arrays({**numbers, "lora_unet_a.lora_down.weight": np.ones((2, 2), np.uint8)}, path)
    path.write_bytes(path.read_bytes().replace(b'"U8"', b'"F8_E4M3FNUZ"', 1).replace(b"  ", b"", 1))
    data = path.read_bytes()
    length = data.index(b"}}") + 2 - 8
    path.write_bytes(length.to_bytes(8, "little") + data[8 : 8 + length] + bytes(8))
    with pytest.raises(UserError, match="of type 'F8_E4M3FNUZ', which is not read here"):
        lora_file.verify(path)


@pytest.mark.parametrize(
    ("said", "oddities"),
    [
        ('{"unet.r": 4, "unet.lora_alpha": 16}', 1),
        ('{"r": 4, "lora_alpha": 4}', 0),
        ('{"unet.lora_alpha": 16}', 0),
        ('{"r": 0, "lora_alpha": 4}', 0),
        ('[1, "lora_alpha"]', 0),
        ("{cut sho", 0),
    ],
)
def test_an_alpha_that_only_the_metadata_have_is_told(tmp_path, said, oddities):
    arrays = {key: array for key, array in tensors().items() if not key.endswith(".alpha")}
    lora = lora_file.save(tmp_path / "a.safetensors", arrays, {"lora_adapter_metadata": said})
    assert len(lora.oddities) == oddities
    assert not oddities or "its trainer's weight 1 is 4 here" in lora.oddities[0]
