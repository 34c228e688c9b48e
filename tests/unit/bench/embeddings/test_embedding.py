"""Embeddings: what is loaded from where, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from lorabench.bench.embeddings import embedding
from lorabench.bench.embeddings.folder import PicturesAndTexts
from lorabench.errors import UserError
from tests import checkpoints, checkpoints_sdxl, embeddings
from tests.project import ROOT

BUNDLED = ROOT / "models/checkpoints/drawnworld"


def pictures(size=(40, 64)):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(2)]
    return [Image.fromarray(one) for one in (noise[0], noise[0], noise[1])]


def assert_on_the_sphere(vectors, count=3):
    assert vectors.dtype == np.float32
    assert len(vectors) == count
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("models/clip-vit-base-patch32", "clip_vit_base_patch32"),
        ("DINOv2 small/", "dinov2_small"),
        ("base", "base"),
        ("ccip-caformer-24/model_feat.onnx", "ccip_caformer_24"),
        ("models/Eyes v2.onnx", "eyes_v2"),
    ],
)
def test_columns_are_named_after_the_folder(where, name):
    assert embedding.name(where) == name


def colour_of(image, side):
    """Return the mean colour of a picture as CCIP takes it: stretched, in CLIP's own units."""
    small = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255
    mean, spread = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    found = ((small - mean) / spread).mean((0, 1))
    return found / np.linalg.norm(found)


@pytest.mark.parametrize(("edges", "side"), [((32, 32), 32), (("height", "width"), 384)])
def test_a_ccip_sees_the_whole_picture_at_the_size_that_its_file_takes(edges, side, tmp_path):
    file = embeddings.save_onnx(tmp_path / "CCIP-tiny" / "model_feat.onnx", edges)
    shown = pictures((40, 64))
    for where in (file, file.parent):
        assert embedding.name(str(where)) == "ccip_tiny"
        loaded = embedding.load(str(where), None, "cpu")
        vectors = loaded.images(shown)
        assert_on_the_sphere(vectors)
        assert vectors == pytest.approx(np.stack([colour_of(one, side) for one in shown]), abs=1e-4)
        assert loaded.texts(["a cat"]) is None


def test_another_onnx_model_is_prepared_as_the_file_beside_it_says(tmp_path):
    file = embeddings.save_onnx(tmp_path / "dino.onnx")
    with pytest.raises(UserError, match=r"no preprocessor_config\.json beside it"):
        embedding.load(str(file), None, "cpu")
    BitImageProcessorPil(
        **embeddings.CROP, image_mean=[0, 0, 0], image_std=[1, 1, 1]
    ).save_pretrained(tmp_path)
    plain = Image.new("RGB", (40, 40), (200, 100, 0))
    found = embedding.load(str(file), None, "cpu").images([plain])
    assert found[0] == pytest.approx(np.array([2, 1, 0]) / 5**0.5, abs=1e-4)


def test_an_onnx_file_that_sees_no_pictures_is_refused(tmp_path):
    file = embeddings.save_onnx_metrics(tmp_path / "model_feat.onnx")
    with pytest.raises(UserError, match=r"makes no vector of a picture .* model_feat\.onnx"):
        embedding.load(str(file), None, "cpu")
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(UserError, match="ONNX Runtime cannot load it"):
        embedding.load(str(file), None, "cpu")


def test_without_onnx_runtime_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    file = embeddings.save_onnx(tmp_path / "model_feat.onnx")
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="uv sync --extra onnx"):
        embedding.check(str(file))


@pytest.mark.parametrize("save", [embeddings.save_dino, embeddings.save_without_pooler])
def test_a_dino_sees_pictures_and_reads_nothing(save, tmp_path):
    loaded = embedding.load(str(save(tmp_path / "dino")), None, "cpu")
    one, same, other = vectors = loaded.images(pictures())
    assert_on_the_sphere(vectors)
    assert (one == same).all() and not np.allclose(one, other)
    assert loaded.texts(["a cat"]) is None


def test_without_a_pooler_of_its_own_the_class_token_counts(tmp_path):
    folder = str(embeddings.save_without_pooler(tmp_path / "dino"))
    once, again = (embedding.load(folder, None, "cpu").images(pictures()) for _ in range(2))
    assert (once == again).all()  # a pooler that transformers made up is another each time


def test_a_clip_puts_pictures_and_texts_in_one_space(tmp_path):
    loaded = embedding.load(str(embeddings.save_clip(tmp_path / "clip")), None, "cpu")
    seen, read = loaded.images(pictures()), loaded.texts(["a cat", "a dog", "a cat " * 9])
    assert isinstance(loaded, PicturesAndTexts)
    assert_on_the_sphere(seen)
    assert_on_the_sphere(read)
    assert seen.shape == read.shape
    assert not np.allclose(read[0], read[1])


def test_a_clip_without_a_tokenizer_reads_nothing(tmp_path):
    folder = embeddings.save_clip(tmp_path / "clip")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    loaded = embedding.load(str(folder), None, "cpu")
    assert_on_the_sphere(loaded.images(pictures()))
    assert loaded.texts(["a cat"]) is None


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (
            lambda folder: (folder / "preprocessor_config.json").unlink(),
            "no usable image processor",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot load its model"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "cannot load its model"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(spoil, complaint, tmp_path):
    folder = embeddings.save_dino(tmp_path / "dino")
    spoil(folder)
    with pytest.raises(UserError, match=complaint):
        embedding.load(str(folder), None, "cpu")


def test_missing_weights_are_named(tmp_path):
    folder = embeddings.save_dino(tmp_path / "dino")
    weights = load_file(folder / "model.safetensors")
    lost = weights.pop("layernorm.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"lacks 1 weights .* layernorm\.weight"):
        embedding.load(str(folder), None, "cpu")
    assert lost is not None


def test_other_models_and_no_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match="no usable image processor"):
        embedding.load(str(embeddings.save_text_model(tmp_path / "bert")), None, "cpu")
    with pytest.raises(
        UserError, match=r"none is not a folder or ONNX file; give the folder of a CLIP"
    ):
        embedding.check(str(tmp_path / "none"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard-of"}))
    with pytest.raises(UserError, match="no usable image processor"):
        embedding.load(str(tmp_path), None, "cpu")


def test_the_bundled_base_sees_what_two_pictures_share():
    loaded = embedding.load("base", BUNDLED, "cpu")
    plain, disc = Image.new("RGB", (128, 128), "white"), Image.new("RGB", (128, 128), "white")
    disc.paste("red", (40, 40, 90, 90))
    one, same, other = vectors = loaded.images([plain, plain, disc])
    assert_on_the_sphere(vectors)
    assert one @ same == pytest.approx(1, abs=1e-5)
    assert one @ other < 0.999
    assert loaded.texts(["a cat"]) is None


def test_a_base_sees_a_picture_alike_alone_and_beside_others_of_any_size(tmp_path):
    loaded = embedding.load("base", checkpoints.save_micro_folder(tmp_path / "m"), "cpu")
    for size in ((32, 32), (50, 70), (8, 64)):
        together = loaded.images(pictures(size))
        alone = np.concatenate([loaded.images([one]) for one in pictures(size)])
        assert together == pytest.approx(alone, abs=1e-5)


def test_an_sdxl_has_features_too(tmp_path):
    folder = tmp_path / "m"
    checkpoints_sdxl.save(tmp_path / "m.safetensors", folder)
    vectors = embedding.load("base", folder, "cpu").images(pictures())
    assert_on_the_sphere(vectors)
    assert np.allclose(vectors[0], vectors[1]) and not np.allclose(vectors[0], vectors[2])
