"""The files beside the base model: which are needed, and where they are looked for."""

import pytest

from lorabench.base import model_files
from lorabench.base.families import BY_NAME
from lorabench.errors import UserError
from tests import transformer_files
from tests.kohya import save_models

FLUX = BY_NAME["flux1"].kohya.models
SD3 = BY_NAME["sd3"].kohya.models
ANIMA = BY_NAME["anima"].kohya.models


@pytest.fixture
def base(tmp_path):
    return transformer_files.save(tmp_path / "base.safetensors", "FLUX.1")


def files(folder, *names):
    return {name: str(path) for name, path in save_models(folder, names).items()}


def test_they_are_found_at_their_paths_or_by_their_names(tmp_path, base):
    files(tmp_path / "text_encoders", "clip_l", "t5")
    given = {**files(tmp_path / "x", "ae"), "clip_l": "clip_l.safetensors",
             "t5xxl": "t5.safetensors"}  # fmt: skip
    found = model_files.find(given, FLUX, base, [tmp_path / "vae", tmp_path / "text_encoders"])
    assert found["t5xxl"] == tmp_path / "text_encoders" / "t5.safetensors"
    assert found["ae"] == tmp_path / "x" / "ae.safetensors"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("clip_l", "ae"), r"also reads t5xxl \(T5-XXL\); give their files: models={t5xxl: /path"),
        (("clip_l", "ae", "t5xl"), r"models\.t5xl: .* did you mean t5xxl\? allowed are clip_l \("),
        (("clip_l", "ae", "t5xxl", "vae"), r"models\.vae: this training reads no such file"),
    ],
)
def test_missing_misspelt_and_superfluous_ones_are_refused(tmp_path, base, names, said):
    with pytest.raises(UserError, match=said):
        model_files.find(files(tmp_path, *names), FLUX, base)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path, base):
    given = files(tmp_path, *FLUX)
    with pytest.raises(UserError, match=r"models\.ae: there is no file /no/ae\.safetensors$"):
        model_files.find({**given, "ae": "/no/ae.safetensors"}, FLUX, base)
    with pytest.raises(UserError, match=r"there is no file ae\.sft, nor in clip, vae"):
        model_files.find({**given, "ae": "ae.sft"}, FLUX, base, ["clip", "vae"])
    (tmp_path / "ae.ckpt").touch()
    with pytest.raises(UserError, match=r"allowed are a \.safetensors file, or a folder"):
        model_files.find({**given, "ae": str(tmp_path / "ae.ckpt")}, FLUX, base)


def test_what_the_checkpoint_holds_need_not_be_given(tmp_path, monkeypatch):
    inside = {"text_encoders.clip_l.x": (1,), "first_stage_model.x": (1,)}
    monkeypatch.setitem(transformer_files.CASES, "all in one", inside)
    base = transformer_files.save(tmp_path / "base.safetensors", "all in one")
    given = files(tmp_path, "clip_g", "t5xxl")
    assert model_files.find(given, SD3, base).keys() == {"clip_g", "t5xxl"}
    with pytest.raises(UserError, match=r"also reads clip_g \(CLIP-G\), t5xxl"):
        model_files.find({}, SD3, base)
    given |= files(tmp_path, "clip_l")  # another one in its place
    assert "clip_l" in model_files.find(given, SD3, base)


def test_an_optional_one_may_be_missing(tmp_path, base):
    given = files(tmp_path, "qwen3", "vae")
    assert model_files.find(given, ANIMA, base).keys() == {"qwen3", "vae"}
    assert "optional" in model_files.listed(ANIMA)


T5 = {"encoder.block.0.layer.0.layer_norm.weight": (4096,)}
CLIP = {"text_model.encoder.layers.0.layer_norm1.weight": (768,)}
AE = {"decoder.conv_in.weight": (512, 16, 3, 3)}


def test_a_file_that_is_plainly_another_thing_is_refused_by_name(tmp_path, base):
    save = transformer_files.save_tensors
    given = files(tmp_path, *FLUX)
    save(tmp_path / "ae.safetensors", T5)
    save(tmp_path / "t5xxl.safetensors", AE)
    transformer_files.save(tmp_path / "clip_l.safetensors", "FLUX.1")
    with pytest.raises(UserError) as refused:
        model_files.find(given, FLUX, base)
    clip_l, t5xxl, ae = str(refused.value).splitlines()
    assert clip_l.endswith("clip_l.safetensors is a FLUX.1 model, and CLIP-L is wanted")
    assert "T5-XXL, and FLUX.1's autoencoder is wanted; did you mean models.t5xxl?" in ae
    assert "is the VAE of FLUX.1 or SD3, and T5-XXL is wanted; did you mean models.ae?" in t5xxl


def test_a_file_that_is_cut_short_is_refused(tmp_path, base):
    given = files(tmp_path, *FLUX)
    (tmp_path / "ae.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"models\.ae: .*ae\.safetensors: .* an empty file"):
        model_files.find(given, FLUX, base)


def test_a_folder_and_a_file_that_holds_more_are_looked_into(tmp_path, base):
    save = transformer_files.save_tensors
    given = files(tmp_path, "clip_l", "ae")
    for number in (1, 2):
        save(tmp_path / "t5" / f"{number}.safetensors", {"shared.weight": (9, 4096)} | T5)
    save(tmp_path / "ae.safetensors", {f"first_stage_model.{name}": AE[name] for name in AE} | CLIP)
    given["t5xxl"] = str(tmp_path / "t5")
    assert model_files.find(given, FLUX, base).keys() == FLUX.keys()
    save(tmp_path / "t5" / "1.safetensors", CLIP)
    (tmp_path / "t5" / "2.safetensors").unlink()
    with pytest.raises(UserError, match=r"t5 is CLIP-L, and T5-XXL is wanted; did you mean mod"):
        model_files.find(given, FLUX, base)


def test_the_nearest_file_of_the_folders_is_named(tmp_path, base):
    given = files(tmp_path / "x", *FLUX)
    files(tmp_path / "vae", "flux_ae", "ae_1", "else")
    with pytest.raises(UserError, match=r"nor in .*vae; nearest there: ae_1\.safetensors$"):
        model_files.find({**given, "ae": "ae1.safetensors"}, FLUX, base, [tmp_path / "vae"])


def test_a_folder_without_such_a_file_is_refused(tmp_path, base):
    given = files(tmp_path, *FLUX)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"^models\.ae: .*empty is a folder without a \.safeten"):
        model_files.find({**given, "ae": str(tmp_path / "empty")}, FLUX, base)


def test_all_wrong_ones_are_named_at_once(base):
    with pytest.raises(UserError) as refused:  # as Snakemake reads {clip_l: , t5xxl: 5, ae: true}
        model_files.find({"clip_l": "", "t5xxl": "5", "ae": "true"}, FLUX, base)
    assert str(refused.value).splitlines() == [
        "models.clip_l: is empty; give the path of its file",
        "models.t5xxl: there is no file 5",
        "models.ae: there is no file true",
    ]


def test_a_forgotten_space_is_named(base):
    with pytest.raises(UserError, match=r"put a space after the colon: clip_l: /a:b$"):
        model_files.find({"clip_l:/a:b": ""}, {"clip_l": FLUX["clip_l"]}, base)
