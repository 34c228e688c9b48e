"""A LoRA that a server could not apply, as only its log tells."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from lorabench.comfy.client import lora_keys
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.waiting import Waiting
from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file
from tests.fake_comfy import serving

NAMES = ("lora_unet_a", "lora_unet_b", "lora_te_text_model_encoder_layers_0_mlp_fc1")
WITH_CLIP = {"inputs": {"strength_model": 0.4, "strength_clip": 0.4}}
MODEL_ONLY = {"inputs": {"strength_model": 0.4}}


@pytest.fixture
def lora(tmp_path):
    path = tmp_path / "style.safetensors"
    tensors = {}
    for name in NAMES:
        tensors[f"{name}.lora_down.weight"] = np.ones((2, 4), np.float16)
        tensors[f"{name}.lora_up.weight"] = np.ones((4, 2), np.float16)
        tensors[f"{name}.alpha"] = np.array(2, np.float16)
    lora_file.save(path, tensors, {})
    return path


@pytest.fixture
def fake():
    with serving() as server:
        yield server


def rendering(fake, lora, *lines, loader=WITH_CLIP):
    with lora_keys.watched(Client(fake.url), [loader], [lora]):
        fake.say(*lines)


def unknown(*names):
    return [f"lora key not loaded: {name}\n" for name in names]


def test_keys_that_were_not_loaded_are_a_failure_that_counts_them(fake, lora):
    lines = unknown("lora_unet_b.alpha", "lora_unet_a.alpha", "lora_unet_a.alpha")
    with pytest.raises(UserError, match=r"2 of its 9 keys do not fit .*: lora_unet_a\.alpha") as e:
        rendering(fake, lora, "loading\n", *lines)
    assert fake.url in str(e.value)
    assert fake.bodies("/free") == [{"unload_models": True, "free_memory": True}]


def test_each_file_of_a_pair_has_to_fit(fake, lora, tmp_path):
    other = tmp_path / "low.safetensors"
    tensors = {
        f"lora_unet_c.lora_{way}.weight": np.ones((4, 4), np.float16) for way in ("down", "up")
    }
    lora_file.save(other, tensors, {})
    for key in ("lora_unet_a.alpha", "lora_unet_c.lora_up.weight"):
        with (
            pytest.raises(UserError, match=f"could not apply the LoRA: 1 of its .*{key}"),
            lora_keys.watched(Client(fake.url), [MODEL_ONLY] * 2, [lora, other]),
        ):
            fake.say(*unknown(key))


def test_at_a_strength_of_0_no_file_of_a_pair_has_to_fit(fake, lora):
    none = {"inputs": {"strength_model": 0.0}}
    with lora_keys.watched(Client(fake.url), [none] * 2, [lora, lora]):
        fake.say(*unknown("lora_unet_a.alpha"))
    assert not fake.bodies("/free")


def test_layers_of_another_shape_are_a_failure(fake, lora):
    line = "ERROR lora diffusion_model.x.weight shape '[320]' is invalid for input of size 64\n"
    with pytest.raises(UserError, match=r"1 layers could not .*diffusion_model\.x\.weight: shape"):
        rendering(fake, lora, line)


def test_a_layer_that_failed_for_another_reason_is_not_blamed_on_the_family(fake, lora):
    line = "ERROR lokr diffusion_model.x.weight not on this device\n"
    with pytest.raises(UserError, match=r"weight: not on this device$"):
        rendering(fake, lora, line)


def test_where_the_installation_said_that_comfyui_fails_that_is_no_failure(fake, lora):
    line = "ERROR lokr diffusion_model.x.weight view size is not compatible\n"
    rendering(fake, lora, line)  # of a LoRA in Tucker form, which may be another cell's
    with pytest.raises(UserError, match=r"1 layers could not"):
        rendering(fake, lora, line, line.replace("view size", "another"))


@pytest.fixture
def with_more(lora):
    """Return a function that adds tensors to the LoRA."""

    def add(**more):
        arrays = dict(tensor_file.tensors(lora))
        save_file({**arrays, **{key: np.ones(4, np.float16) for key in more.values()}}, lora)

    return add


def test_what_the_server_does_not_apply_is_named(fake, lora, with_more):
    with_more(norm="lora_unet_n.w_norm", bias="lora_unet_n.b_norm")
    with pytest.raises(UserError, match=r"does not apply them \(trained norm 1\)"):
        rendering(fake, lora, *unknown("lora_unet_n.w_norm", "lora_unet_n.b_norm"))


def test_a_scale_that_the_server_leaves_out_is_named(fake, lora, with_more):
    with_more(scale="lora_unet_a.dora_scale")
    with pytest.raises(UserError, match=r"1 of its 10 keys .*does not apply them \(DoRA 1\)"):
        rendering(fake, lora, *unknown("lora_unet_a.dora_scale"))


def test_a_scale_that_no_server_knows_is_named(fake, lora, with_more):
    with_more(scale="lora_unet_a.lora_magnitude_vector")
    with pytest.raises(UserError, match="the magnitudes of a DoRA as PEFT writes it"):
        rendering(fake, lora, *unknown("lora_unet_a.lora_magnitude_vector"))


def test_a_family_that_does_not_fit_is_asked_for(fake, lora):
    keys = [key for key, _ in tensor_file.tensors(lora)]
    with pytest.raises(UserError, match=r"9 of its 9 keys .*was it trained for the family"):
        rendering(fake, lora, *unknown(*keys))


def test_a_copy_with_the_names_of_peft_is_to_be_installed_again(fake, lora):
    name = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj"
    tensors = {
        f"{name}.lora_A.weight": np.ones((2, 4), np.float16),
        f"{name}.lora_B.weight": np.ones((4, 2), np.float16),
    }
    save_file(tensors, lora)
    with pytest.raises(UserError, match=r"by these names; --forcerun install_lora"):
        rendering(fake, lora, *unknown(*tensors))


COLOURED = "\x1b[33m[WARNING]\x1b[0m {}\x1b[0m\n"  # as ComfyUI 0.33.0 writes its log


@pytest.fixture
def of_flux(tmp_path):
    """Return a FLUX.1 LoRA on a slice, a modulation that Chroma lacks, and a text encoder."""
    tensors = {}
    for name, out in (
        ("transformer.transformer_blocks.0.attn.to_q", 4),
        ("transformer.transformer_blocks.0.norm1.linear", 24),
        ("lora_te1_text_model_encoder_layers_0_mlp_fc1", 16),
    ):
        tensors[f"{name}.lora_A.weight"] = np.ones((2, 4), np.float16)
        tensors[f"{name}.lora_B.weight"] = np.ones((out, 2), np.float16)
    path = tmp_path / "flux.safetensors"
    save_file(tensors, path)
    return path


def test_a_layer_that_the_model_lacks_is_a_failure(fake, of_flux):
    line = COLOURED.format("NOT LOADED diffusion_model.double_blocks.0.img_mod.lin.weight")
    with pytest.raises(UserError, match=r"workflow's model lacks 1 layer .*img_mod"):
        rendering(fake, of_flux, line)


def test_a_loader_that_changes_no_parts_of_layers_is_named(fake, of_flux):
    line = COLOURED.format(
        "NOT LOADED: ('diffusion_model.double_blocks.0.img_attn.qkv.weight', (0, 0, 4)) "
        "(type=LoRAAdapter)"
    )
    with pytest.raises(UserError, match="take LoraLoader or LoraLoaderModelOnly"):
        rendering(fake, of_flux, line)


def test_a_slice_of_a_layer_that_the_model_lacks_is_not_the_loader_s_fault(fake, of_flux):
    layer = "diffusion_model.double_blocks.0.img_attn.qkv.weight"
    with pytest.raises(UserError, match="workflow's model lacks 1 layer"):
        rendering(fake, of_flux, COLOURED.format(f"NOT LOADED ('{layer}', (0, 0, 4))"))


def test_a_layer_that_another_lora_of_the_workflow_would_change_is_no_failure(fake, of_flux, lora):
    line = COLOURED.format("NOT LOADED diffusion_model.double_blocks.7.img_mod.lin.weight")
    rendering(fake, of_flux, line)
    rendering(fake, lora, line)


def test_coloured_lines_are_read_as_well(fake, of_flux):
    key = "transformer.transformer_blocks.0.attn.to_q.lora_A.weight"
    with pytest.raises(UserError, match=r"1 of its 6 keys .*to_q\.lora_A\.weight\)"):
        rendering(fake, of_flux, COLOURED.format(f"lora key not loaded: {key}"))


def test_the_family_of_a_lora_that_does_not_fit_is_named(fake, of_flux):
    keys = [key for key, _ in tensor_file.tensors(of_flux)]
    with pytest.raises(UserError, match=r"family .* those of FLUX\.1 or SD3\.5\)\?"):
        rendering(fake, of_flux, *unknown(*keys))


def test_a_loader_without_the_text_encoder_leaves_its_keys(fake, of_flux):
    keys = [key for key, _ in tensor_file.tensors(of_flux) if "lora_te1" in key]
    rendering(fake, of_flux, *unknown(*keys), loader=MODEL_ONLY)
    with pytest.raises(UserError, match="of a text encoder that the workflow does not load"):
        rendering(fake, of_flux, *unknown(*keys))


def test_a_bundled_embedding_is_no_failure(fake, lora, with_more):
    with_more(token="bundle_emb.tok.string_to_param.*", step="step")
    rendering(fake, lora, *unknown("bundle_emb.tok.string_to_param.*", "step"))
    assert fake.bodies("/free") == []


def test_what_was_logged_before_is_none_of_ours(fake, lora):
    fake.say(*unknown("lora_unet_a.alpha"))
    rendering(fake, lora, "Prompt executed in 2.1 seconds\n")
    assert fake.bodies("/free") == []


def test_what_a_killed_try_was_logged_for_counts(fake, lora, tmp_path):
    fake.say(*unknown("lora_unet_b.alpha"))
    killed, client = Waiting(tmp_path / "note", {}), Client(fake.url)
    with lora_keys.watched(client, [WITH_CLIP], [lora], killed):
        killed.begin(fake.url, "its prompt")
    fake.say(*unknown("lora_unet_a.alpha"))
    with (
        pytest.raises(UserError, match=r"1 of its 9 keys .*lora_unet_a\.alpha"),
        lora_keys.watched(client, [WITH_CLIP], [lora], Waiting(tmp_path / "note", {})),
    ):
        pass


def test_a_servers_clock_may_be_set_back(fake, lora):
    fake.say("before\n")
    with (
        pytest.raises(UserError, match=r"1 of its 9 keys"),
        lora_keys.watched(Client(fake.url), [WITH_CLIP], [lora]),
    ):
        fake.log.append(("2001-01-01T00:00:00.000000", *unknown("lora_unet_a.alpha")))


def test_the_keys_of_another_lora_are_none_of_ours(fake, lora):
    rendering(fake, lora, *unknown("lora_unet_elsewhere.alpha"))


def test_a_loader_of_the_model_alone_may_leave_the_text_encoder(fake, lora):
    rendering(fake, lora, *unknown(f"{NAMES[2]}.alpha"), loader=MODEL_ONLY)
    with pytest.raises(UserError, match="1 of its 9 keys"):
        rendering(fake, lora, *unknown(f"{NAMES[2]}.alpha"))


def test_where_the_servers_log_was_too_short_the_count_is_a_lower_bound(fake, lora):
    fake.say("before\n")
    with pytest.raises(UserError, match="at least 1 of its 9 keys"):
        rendering(fake, lora, *["noise\n"] * 310, *unknown("lora_unet_a.alpha"))


def test_at_weight_0_nothing_is_asked(fake, lora):
    loader = {"inputs": {"strength_model": 0.0, "strength_clip": 0.0}}
    rendering(fake, lora, *unknown("lora_unet_a.alpha"), loader=loader)
    assert fake.requests == []


@pytest.mark.parametrize("fault", [404, 500, "drop"])
def test_a_server_without_that_log_is_believed(fake, lora, fault):
    fake.faults = [("GET", "/internal/logs/raw", fault)] * 2
    rendering(fake, lora, *unknown("lora_unet_a.alpha"))


def test_a_failure_of_the_rendering_comes_first(fake, lora):
    with (
        pytest.raises(RuntimeError, match="of the rendering"),
        lora_keys.watched(Client(fake.url), [WITH_CLIP], [lora]),
    ):
        fake.say(*unknown("lora_unet_a.alpha"))
        raise RuntimeError("of the rendering")
