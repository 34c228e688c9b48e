"""The program that trains a LoRA with musubi-tuner, against one that behaves like it."""

import csv
import json
from pathlib import Path

import pytest

from lorabench import cli
from lorabench.base import header
from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file
from tests import records, training, transformer_files
from tests.kohya import Author, save_models

FAKE = Path(__file__).parents[1] / "fake_musubi"
OFF = {"text_encoder_lr": 0, "min_snr_gamma": 0, "noise_offset": 0}


class MusubiAuthor(Author):
    """A project with the fake musubi-tuner, and files of Z-Image."""

    def __init__(self, root: Path, monkeypatch):
        super().__init__(root, monkeypatch)
        monkeypatch.setenv("MUSUBI_DIR", str(FAKE))
        self.base = transformer_files.save(root / "models" / "zimage.safetensors", "Z-Image")
        self.models = save_models(root / "models", ["vae", "text_encoder"])

    def train(self, *options, fault="", **settings):
        """Train, with a fault of the fake's if one is named; return output and exit status."""
        import train_musubi

        self._monkeypatch.setenv("FAKE_KOHYA", fault)
        record = records.run(train={**training.TINY, **OFF, **settings}, run_id="run")
        output, arguments = self.arguments()
        records.write(record, self.root / "runs" / "run" / "run.yaml")
        models = [f"--model={name}={path}" for name, path in self.models.items()]
        return output, cli.run(
            train_musubi.parser(), train_musubi.main, [*arguments, *models, *options]
        )


@pytest.fixture
def author(tmp_path, monkeypatch):
    return MusubiAuthor(tmp_path / "project", monkeypatch)


def tensors(path):
    return {key: array.tobytes() for key, array in tensor_file.tensors(path)}


def steps(output):
    with output.with_name("train_log.csv").open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_it_leaves_a_lora_a_log_and_a_curve(author, capsys):
    output, status = author.train(epochs=3, steps=None, save_every_epochs=1)
    assert status == 0, capsys.readouterr().err
    assert sorted(path.name for path in output.parent.iterdir()) == [
        "loss.png",
        "style_x__run-000001.safetensors",
        "style_x__run-000002.safetensors",
        "style_x__run.safetensors",
        "train_log.csv",
    ]
    assert lora_file.verify(output).rank == 2
    assert steps(output) == list(range(1, 10))  # three batches an epoch
    assert sorted(path.name for path in author.kohya.iterdir()) == [
        "style_x-000001.safetensors",
        "style_x-000002.safetensors",
        "style_x.safetensors",
    ]


def test_every_layer_has_a_name_that_a_comfyui_loads(author):
    output, _ = author.train()
    names = {key.removesuffix(".alpha") for key in header.read(output)[0] if "alpha" in key}
    assert names == {
        "diffusion_model.layers.0.attention.to_q",
        "diffusion_model.layers.0.attention.to_out.0",
        "lora_unet_layers_0_feed_forward_w1",
    }


@pytest.mark.parametrize(("killed", "epoch"), [("kill=8", 2), ("kill=4", 1), ("kill=2", 0)])
def test_a_killed_training_goes_on_from_its_last_epoch(author, capsys, killed, epoch):
    whole, _ = author.train(steps=14, save_every_epochs=1)
    expected = {path.name: tensors(path) for path in whole.parent.glob("*.safetensors")}
    log = steps(whole)
    for path in whole.parent.iterdir():
        path.unlink()
    output, status = author.train(steps=14, save_every_epochs=1, fault=killed)
    assert status == 1
    assert not output.exists() and "It was killed" in capsys.readouterr().err
    output, status = author.train(steps=14, save_every_epochs=1)
    assert status == 0
    said = json.loads((author.root / "options.json").read_text())
    assert said["seed"] == 42 + epoch
    assert said["output_name"] == (f"style_x-after-00000{epoch}" if epoch else "style_x")
    made = {path.name: tensors(path) for path in output.parent.glob("*.safetensors")}
    assert made.keys() == expected.keys() and made == expected
    assert steps(output) == log
    _, metadata = header.read(output)
    assert (metadata["ss_steps"], metadata["ss_epoch"]) == ("14", "5")
    assert (metadata["ss_seed"], metadata["ss_output_name"]) == ("42", "style_x")


def test_it_goes_on_after_a_second_kill(author):
    author.train(steps=12, save_every_epochs=1, fault="kill=4")
    (folder,) = author.kohya.glob("*.training")
    author.train(steps=12, save_every_epochs=1, fault="kill=7")  # two epochs further
    assert (folder / "style_x-after-000001-000002-state").is_dir()
    (encoded,) = folder.glob("encoded-0")
    once = [path.read_text() for path in encoded.iterdir()]
    assert once == ["encoded\n"] * 8  # what is encoded stays
    output, status = author.train(steps=12, save_every_epochs=1)
    assert status == 0
    kept = sorted(path.name for path in output.parent.glob("*-*.safetensors"))
    assert kept == [f"style_x__run-00000{n}.safetensors" for n in (1, 2, 3)]


def test_an_option_goes_to_each_program_that_has_it(author, capsys):
    options = {"fp8_llm": True, "blocks_to_swap": 20, "optimizer_type": "AdamW8bit"}
    output, status = author.train(kohya_args=options)
    assert status == 0, capsys.readouterr().err
    said = json.loads((author.root / "options.json").read_text())
    assert {name: said[name] for name in options} == options
    output.unlink()
    _, status = author.train(kohya_args={"blocks_to_swop": 20})
    assert status == 1
    assert "musubi-tuner has no such option; did you mean blocks_to_swap?" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "musubi-tuner failed (exit status 1): ValueError: the autoencoder does not fit"),
        ("no-file", "musubi-tuner ended without an error and without a LoRA"),
    ],
)
def test_a_failure_is_one_message(author, capsys, fault, said):
    output, status = author.train(fault=fault)
    assert status == 1 and not output.exists()
    assert said in capsys.readouterr().err


def test_where_it_is_has_to_be_said(author, monkeypatch, capsys):
    monkeypatch.delenv("MUSUBI_DIR")
    _, status = author.train()
    assert status == 1
    assert "nothing says where musubi-tuner is. There are two ways" in capsys.readouterr().err
    _, status = author.train(f"--musubi-tuner={author.root}")
    assert "has no src/musubi_tuner/cache_latents.py, so musubi-tuner" in capsys.readouterr().err


def test_there_are_no_regularization_pictures(author, capsys):
    _, status = author.train(f"--reg={author.data}")
    assert status == 1
    assert "musubi-tuner has no regularization pictures" in capsys.readouterr().err
