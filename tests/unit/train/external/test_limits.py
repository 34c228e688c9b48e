"""What a program of others cannot do with a family is refused, with what can."""

import pytest

from lorabench.base import checkpoint
from lorabench.base.families import BY_NAME, PUBLIC
from lorabench.errors import UserError
from lorabench.settings.models import BUNDLED_BASE
from lorabench.train.external import limits
from tests import transformer_files
from tests.project import ROOT
from tests.training import settings

OFF = {"text_encoder_lr": 0, "min_snr_gamma": 0, "noise_offset": 0}


def base(tmp_path, title, prefix=""):
    return checkpoint.inspect(transformer_files.save(tmp_path / "base.safetensors", title, prefix))


@pytest.mark.parametrize(
    ("title", "trainer", "said"),
    [
        (
            "FLUX.1",
            "musubi",
            r"does not train a FLUX\.1 model; trainer=kohya with models={clip_l: ",
        ),
        ("Z-Image", "kohya", r"trainer=musubi with models={vae: /path/to/…, text_encoder: "),
        ("Wan", "kohya", "no other one does: train it elsewhere, and bench it with lora=<file>"),
    ],
)
def test_the_trainer_of_another_family_is_refused(tmp_path, title, trainer, said):
    with pytest.raises(UserError, match=said):
        limits.of(base(tmp_path, title), trainer)


@pytest.mark.parametrize(("trainer", "trained"), [("kohya", "SD1.x"), ("musubi", "FLUX.2")])
def test_the_bundled_model_is_refused_with_what_to_train_on(trainer, trained):
    said = limits.cannot(checkpoint.inspect(ROOT / BUNDLED_BASE), trainer)
    assert "trainer=embedded does. " in said
    assert f"{trainer} trains " in said and trained in said
    assert "set base_model to your checkpoint in config/config.yaml" in said


def test_one_advice_leads_from_a_model_alone_to_a_training(tmp_path):
    alone = base(tmp_path, "SD3.5")
    advice = (
        "trainer=kohya with base_model=/path/to/checkpoint.safetensors, whose layers begin with "
        "model.diffusion_model. (this is a diffusion model alone), and what that does not hold of "
        "models={clip_l: /path/to/…, clip_g: /path/to/…, t5xxl: /path/to/…, vae: /path/to/…}"
    )
    assert advice in limits.cannot(alone, "embedded")
    with pytest.raises(UserError) as refused:
        limits.of(alone, "kohya")
    assert advice in str(refused.value)


def test_what_a_checkpoint_holds_is_not_asked_for(tmp_path):
    model = transformer_files.as_file(transformer_files.CASES["SD3.5"], "model.diffusion_model.")
    held = {"first_stage_model.x": (1,), "text_encoders.clip_l.x": (1,)}
    whole = transformer_files.save_tensors(tmp_path / "base.safetensors", model | held)
    advice = limits.cannot(checkpoint.inspect(whole), "embedded")
    assert "trainer=kohya with models={clip_g: /path/to/…, t5xxl: /path/to/…} does" in advice


def test_sd3_is_trained_as_a_checkpoint(tmp_path):
    found = limits.of(base(tmp_path, "SD3.5", "model.diffusion_model."), "kohya")
    assert found is BY_NAME["sd3"].kohya


@pytest.mark.parametrize(
    ("title", "changes", "said"),
    [
        ("FLUX.1", {"clip_skip": 2}, "train.clip_skip: 2: flux_train_network.py does nothing with"),
        ("FLUX.1", {"min_snr_gamma": 5}, r"train\.min_snr_gamma: 5\.0: .* set it to 0"),
        ("Lumina 2", {"noise_offset": 0.1}, r"train\.noise_offset: 0\.1"),
        ("Chroma", {"text_encoder_lr": 1e-5}, r"train\.text_encoder_lr: 1e-05: .* a Chroma model"),
        ("FLUX.1", {"kohya_args": {"v_parameterization": True}}, "kohya_args: v_parameterization"),
        ("Anima", {"kohya_args": {"fp8_base": True}}, "train.kohya_args: fp8_base: anima_train_"),
        (
            "FLUX.1",
            {"kohya_args": {"ae": "x"}},
            "ae: a file that the result depends on: set models",
        ),
        ("Z-Image", {"shuffle_caption": True}, "train.shuffle_caption: True: zimage_train_network"),
        ("Z-Image", {"validation": 0.2}, r"train\.validation: 0\.2"),
    ],
)
def test_a_setting_that_a_family_lacks_is_refused(tmp_path, title, changes, said):
    found = base(tmp_path, title)
    by = found.family.kohya or found.family.musubi
    with pytest.raises(UserError, match=said):
        limits.check_settings(settings(**{**OFF, **changes}), by, found)


@pytest.mark.parametrize(
    ("title", "changes"),
    [
        ("FLUX.1", {"text_encoder_lr": 1e-5}),
        ("Chroma", {"kohya_args": {"fp8_base": True, "blocks_to_swap": 18}}),
        ("HunyuanImage", {"kohya_args": {"fp8_scaled": False}}),
    ],
)
def test_what_it_has_is_not_refused(tmp_path, title, changes):
    found = base(tmp_path, title)
    limits.check_settings(settings(**{**OFF, **changes}), found.family.kohya, found)


@pytest.mark.parametrize("family", PUBLIC, ids=lambda family: family.title)
def test_a_family_says_which_trainers_it_has(tmp_path, family):
    assert family.trainers == [
        name for name in ("embedded", "kohya", "musubi") if getattr(family, name)
    ]
    if "embedded" not in family.trainers and family.trainers:
        said = limits.cannot(base(tmp_path, family.title), "embedded")
        assert f"trainer={family.trainers[0]}" in said
