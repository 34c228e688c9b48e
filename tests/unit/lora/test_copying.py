import pytest

from lorabench import files
from lorabench.errors import UserError
from lorabench.lora.copying import copy


def test_a_copy_is_the_file_that_the_run_is_named_after(tmp_path):
    source, target = tmp_path / "ink.safetensors", tmp_path / "train" / "ink.safetensors"
    source.write_bytes(b"one")
    digest = files.sha256(source)
    copy(source, digest, target)
    assert target.read_bytes() == b"one"
    source.write_bytes(b"two")
    with pytest.raises(UserError, match="was replaced by another file meanwhile"):
        copy(source, digest, target)
    source.unlink()
    with pytest.raises(UserError, match="cannot be copied"):
        copy(source, digest, target)
    assert [path.name for path in target.parent.iterdir()] == ["ink.safetensors"]
    assert target.read_bytes() == b"one"
