"""Every kind of LoRA file is read, checked and installed, for both servers."""

import re

import pytest

from lorabench.digests import Digests
from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from lorabench.lora import fit, modules
from lorabench.lora.install import install
from lorabench.lora.names import comfys
from lorabench.run import given_lora
from tests.lora_kinds import BUNDLED, KINDS, REFUSED

SERVERS = ("embedded", "comfyui")
SAID = {
    "OneTrainer, with an embedding": "it bundles the embedding <ink>",
    "with an A1111 embedding": "it bundles the embedding my.ink",
    "LoKr in Tucker form": "22 modules in it may be without effect, here as on ComfyUI",
    "odd metadata": "its metadata say ss_network_dim 128, its tensors have 4",
    "a stray alpha": "it has 1 tensor of no layer",
    "norms of the text encoder": "it has 2 tensors of layers of a text encoder that no ComfyUI",
    "diffusers with PEFT": "a ComfyUI may not load 82 of its 82 modules by name",
    "OneTrainer, original names": "a ComfyUI may not load 105 of its 105 modules by name",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_read_checked_and_installed(tmp_path, caplog, kind):
    path = KINDS[kind].write(tmp_path / "ink.safetensors")
    assert given_lora.read(path, Digests(tmp_path / "digests.json")).name == "ink"
    facts = [fit.check(path, BUNDLED, server) for server in SERVERS]
    assert facts[0] == facts[1] and facts[0].base_model == "drawnworld"
    with caplog.at_level("INFO"):
        installed = install(path, tmp_path / "loras", tmp_path / "receipt.json", BUNDLED)
    assert SAID.get(kind, "") in caplog.text
    found = modules.read(installed).modules
    assert len(found) == sum(facts[0].modules.values())
    assert not any(comfys(module.name) for module in found)
    assert lora_file.verify(installed).content == facts[0].content


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_applied_is_refused_by_name_and_not_installed(tmp_path, kind):
    refused, said = REFUSED[kind]
    path = refused.write(tmp_path / "ink.safetensors")
    assert given_lora.read(path, Digests(tmp_path / "digests.json"))
    with pytest.raises(UserError, match=re.escape(said)):
        install(path, tmp_path / "loras", tmp_path / "receipt.json", BUNDLED)
    assert not (tmp_path / "loras").exists()


def test_a_folder_that_cannot_be_written_is_refused_by_the_setting_for_it(tmp_path):
    path = next(iter(KINDS.values())).write(tmp_path / "ink.safetensors")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^lora_install_dir \(--install-dir\): .*cannot be writ"):
        install(path, tmp_path / "file" / "loras", tmp_path / "receipt.json", BUNDLED)
