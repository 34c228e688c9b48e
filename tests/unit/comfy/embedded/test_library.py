import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lorabench.comfy.embedded.library import Library, next_picture


@pytest.fixture
def library(tmp_path):
    for name in (
        "models/checkpoints/sub/b.safetensors",
        "models/checkpoints/a.safetensors",
        "models/checkpoints/folder/model_index.json",
        "models/checkpoints/folder/unet/w.safetensors",
        "elsewhere/x.safetensors",
        "loras/l.safetensors",
        "loras/sub dir/画.safetensors",
        "loras/.l.safetensors.tmp",
        "loras/notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Library(
        tmp_path / "models",
        tmp_path / "loras",
        tmp_path / "output",
        tmp_path / "temp",
        [tmp_path / "elsewhere/x.safetensors"],
    )


def test_checkpoints_are_files_folders_and_extra_ones(library, tmp_path):
    names = ["a.safetensors", "folder", "sub/b.safetensors", "x.safetensors"]
    assert library.names("checkpoints") == names
    assert library.path("checkpoints", "folder") == tmp_path / "models/checkpoints/folder"
    assert library.path("checkpoints", "x.safetensors") == tmp_path / "elsewhere/x.safetensors"


def test_an_extra_checkpoint_goes_before_one_of_its_name_in_the_models_folder(library, tmp_path):
    (tmp_path / "models/checkpoints/x.safetensors").touch()
    assert library.path("checkpoints", "x.safetensors") == tmp_path / "elsewhere/x.safetensors"


def test_loras_are_listed_below_their_folder_without_unfinished_ones(library):
    assert library.names("loras") == ["l.safetensors", "sub dir/画.safetensors"]


def test_new_files_and_links_are_seen_at_once(library, tmp_path):
    (tmp_path / "loras/new.safetensors").symlink_to(tmp_path / "elsewhere/x.safetensors")
    assert "new.safetensors" in library.names("loras")


def test_a_missing_folder_lists_nothing(library):
    assert library.names("vae") == []
    assert library.path("vae", "x") is None


def test_the_fingerprint_changes_with_the_file(library):
    before = library.fingerprint("loras", "l.safetensors")
    library.path("loras", "l.safetensors").write_bytes(b"other")
    assert library.fingerprint("loras", "l.safetensors") != before
    assert library.fingerprint("loras", "nope") == "absent"


def test_metadata_is_read_from_the_header(library, tmp_path):
    tensors = {"a": torch.zeros(1)}
    save_file(tensors, tmp_path / "loras/m.safetensors", metadata={"ss_network_dim": "8"})
    save_file(tensors, tmp_path / "loras/none.safetensors")
    assert library.metadata("loras", "m.safetensors") == {"ss_network_dim": "8"}
    assert library.metadata("loras", "none.safetensors") is None
    assert library.metadata("loras", "nope.safetensors") is None


def test_the_counter_is_the_highest_plus_one_and_never_refilled(tmp_path):
    assert next_picture(tmp_path, "a/b/seed1", 64, 64) == (tmp_path / "a/b", "seed1", 1)
    for name in ("seed1_00002_.png", "seed1_00007_.png", "seed10_00009_.png", "seed1_x_.png"):
        (tmp_path / "a/b" / name).touch()
    assert next_picture(tmp_path, "a/b/seed1", 64, 64)[2] == 8


def test_the_prefix_knows_size_and_date(tmp_path):
    folder, stem, _ = next_picture(tmp_path, "%year%/p_%width%x%height%", 64, 32)
    assert (folder, stem) == (tmp_path / str(time.localtime().tm_year), "p_64x32")


@pytest.mark.parametrize("prefix", ["../x", "a/../../x", "/tmp/x"])
def test_pictures_stay_in_their_folder(tmp_path, prefix):
    with pytest.raises(ValueError, match="outside the output folder"):
        next_picture(tmp_path / "output", prefix, 64, 64)
    assert not list(Path(tmp_path).iterdir())
