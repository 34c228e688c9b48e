import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lorabench import lora_file
from lorabench.errors import UserError

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
    assert (lora.rank, lora.alpha, lora.modules) == (4, 2.0, 2)
    read = dict(lora_file.read_tensors(path))
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
    for key, array in lora_file.read_tensors(path):
        assert np.array_equal(array, arrays[key].float().numpy())


def change(key, value):
    return lambda arrays: arrays.update({key: value})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change("lora_unet_a.lora_up.weight", np.full((5, 4), np.nan, np.float16)), "NaN"),
        (change("lora_unet_a.lora_up.weight", np.zeros((5, 4), np.float16)), "every up weight"),
        (change("lora_unet_a.lora_up.weight", np.ones((5, 3), np.float16)), "the rank"),
        (lambda arrays: arrays.pop("lora_unet_b.lora_up.weight"), "incomplete"),
        (change("lora_unet_a.alpha", np.array(-1, np.float16)), "alpha"),
        (change("lora_unet_a.alpha", np.array(1, np.int64)), "I64"),
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
    ("key", "value"), [("ss_network_dim", "8"), ("ss_network_alpha", "4"), ("sshs_model_hash", "0")]
)
def test_metadata_that_disagree_are_named(tmp_path, key, value):
    path = tmp_path / "a.safetensors"
    arrays = {name: torch.from_numpy(array) for name, array in tensors().items()}
    save_file(arrays, path, {**METADATA, key: value})
    with pytest.raises(UserError, match=key if key.startswith("ss_") else "not those"):
        lora_file.verify(path)


def test_an_altered_file_is_noticed(tmp_path):
    path = tmp_path / "a.safetensors"
    lora_file.save(path, tensors(), METADATA)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="copy it again"):
        lora_file.verify(path)
