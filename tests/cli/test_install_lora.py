"""The program that installs a LoRA for ComfyUI."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import install_lora
from lorabench import cli
from lorabench.lora import file as lora_file
from lorabench.lora import receipt as receipts
from lorabench.lora import tensor_file

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def lora(tmp_path):
    return write(tmp_path / "runs" / "style ponnyu 猫.safetensors")


def write(path, value=1.0, **metadata):
    tensors = {
        "lora_unet_a.lora_down.weight": np.ones((4, 6), np.float16),
        "lora_unet_a.lora_up.weight": np.full((5, 4), value, np.float16),
        "lora_unet_a.alpha": np.array(4, np.float16),
    }
    lora_file.save(path, tensors, metadata)
    return path


def install(lora, folder, receipt=None, base=None, server="embedded"):
    receipt = receipt or folder.parent / "installed.json"
    arguments = [f"--lora={lora}", f"--install-dir={folder}", f"--receipt={receipt}"]
    arguments += [f"--server={server}"]
    arguments += [f"--base-model={base}"] if base else []
    status = cli.run(install_lora.parser(), install_lora.main, arguments)
    return status, json.loads(receipt.read_text()) if receipt.exists() else None


def test_it_copies_under_a_name_of_its_content_and_says_so(lora, tmp_path):
    status, receipt = install(lora, tmp_path / "models" / "loras" / "sub folder")
    assert status == 0
    content = lora_file.verify(lora).content
    installed = Path(receipt["path"])
    assert installed.parent == tmp_path / "models" / "loras" / "sub folder"
    assert receipt["name"] == installed.name == f"{lora.stem}-{content[:8]}.safetensors"
    assert receipt["sha256"] == hashlib.sha256(lora.read_bytes()).hexdigest()
    assert receipt["size"] == lora.stat().st_size
    assert receipt["source"] == str(lora)
    assert installed.read_bytes() == lora.read_bytes()
    assert list(installed.parent.iterdir()) == [installed]


def test_the_same_tensors_keep_the_file_that_is_there(lora, tmp_path):
    _, first = install(lora, tmp_path / "loras")
    os.utime(first["path"], (1, 1))
    later = write(tmp_path / "later" / lora.name, ss_training_started_at="later")
    _, second = install(later, tmp_path / "loras")
    assert {**second, "source": ""} == {**first, "source": ""}
    assert Path(first["path"]).stat().st_mtime == 1


def test_other_tensors_get_another_name(lora, tmp_path):
    _, first = install(lora, tmp_path / "loras")
    _, second = install(write(tmp_path / "other" / lora.name, 2.0), tmp_path / "loras")
    assert first["name"] != second["name"]
    assert len(list((tmp_path / "loras").iterdir())) == 2


def test_a_damaged_copy_is_replaced(lora, tmp_path):
    _, first = install(lora, tmp_path / "loras")
    installed = Path(first["path"])
    installed.write_bytes(installed.read_bytes()[:-10])
    assert install(lora, tmp_path / "loras") == (0, first)
    assert installed.read_bytes() == lora.read_bytes()


def test_metadata_that_no_comfyui_reads_are_left_out_of_the_copy(lora, tmp_path, capsys):
    lora.write_bytes(tensor_file.with_header(lora.read_bytes(), {"ss_epoch": 7}))
    status, receipt = install(lora, tmp_path / "loras")
    assert status == 0 and "the copy has no metadata" in capsys.readouterr().err
    with safe_open(receipt["path"], "numpy") as opened:
        assert opened.metadata() == {}
    assert lora_file.verify(Path(receipt["path"])).content == lora_file.verify(lora).content


def test_diffusers_names_are_kohyas_in_the_copy_alone(lora, tmp_path):
    module = "unet.mid_block.attentions.0.proj_in"
    tensors = {
        f"{module}.lora_A.weight": np.ones((4, 6), np.float16),
        f"{module}.lora_B.weight": np.ones((5, 4), np.float16),
        f"{module}.alpha": np.array(2, np.float16),
    }
    save_file(tensors, lora, {"ss_epoch": "1"})
    before = lora.read_bytes()
    status, receipt = install(lora, tmp_path / "loras")
    assert status == 0 and lora.read_bytes() == before
    name = "lora_unet_mid_block_attentions_0_proj_in"
    with safe_open(receipt["path"], "numpy") as opened:
        assert opened.metadata() == {"ss_epoch": "1"}
        assert opened.get_tensor(f"{name}.lora_down.weight").shape == (4, 6)
    found = dict(tensor_file.tensors(Path(receipt["path"])))
    assert found.keys() == {
        f"{name}.{end}" for end in ("lora_down.weight", "lora_up.weight", "alpha")
    }
    os.utime(receipt["path"], (1, 1))
    assert install(lora, tmp_path / "loras") == (0, receipt)
    assert Path(receipt["path"]).stat().st_mtime == 1


def test_what_the_server_cannot_apply_is_not_installed(lora, tmp_path, capsys):
    save_file({"lora_unet_a.oft_blocks": np.ones((2, 3, 3), np.float16)}, lora)
    assert install(lora, tmp_path / "loras") == (1, None)
    assert "the embedded server does not apply OFT" in capsys.readouterr().err
    assert not (tmp_path / "loras").exists()
    assert install(lora, tmp_path / "loras", server="comfyui")[0] == 0


def test_a_damaged_lora_is_refused(lora, tmp_path, capsys):
    lora.write_bytes(lora.read_bytes()[:-10])
    assert install(lora, tmp_path / "loras") == (1, None)
    assert "not a whole .safetensors" in capsys.readouterr().err
    assert not (tmp_path / "loras").exists()


def test_a_missing_lora_is_refused(tmp_path, capsys):
    assert install(tmp_path / "no.safetensors", tmp_path / "loras") == (1, None)
    assert "no such file" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(lora, tmp_path, capsys):
    (tmp_path / "loras").write_text("a file is in the way")
    assert install(lora, tmp_path / "loras") == (1, None)
    error = capsys.readouterr().err
    assert "cannot be written" in error and "lora_install_dir" in error
    assert "Traceback" not in error


def test_it_imports_no_torch():
    code = "import sys, install_lora; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)


def test_help_says_what_it_takes():
    answer = subprocess.run(
        [sys.executable, SCRIPTS / "install_lora.py", "--help"], capture_output=True, text=True
    )
    assert answer.returncode == 0
    for option in ("--lora", "--install-dir", "--receipt", "--base-model"):
        assert option in answer.stdout


def test_the_receipt_says_what_the_file_holds(lora, tmp_path):
    status, receipt = install(lora, tmp_path / "loras")
    assert status == 0
    assert receipt["file"]["modules"] == {"unet": 1} and receipt["file"]["rank"] == 4
    assert receipt["file"]["base_model"] is None
    assert receipts.read(tmp_path / "installed.json").sha256 == receipt["sha256"]


def test_a_lora_of_another_base_model_is_not_installed(lora, tmp_path, capsys):
    base = SCRIPTS.parent / "models" / "checkpoints" / "drawnworld"
    assert install(lora, tmp_path / "loras", None, base) == (1, None)
    error = capsys.readouterr().err
    assert "1 of its 1 modules are of layers that the base model does not have" in error
    assert "lora_unet_a" in error and "Traceback" not in error
    assert not (tmp_path / "loras").exists()
