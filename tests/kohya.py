"""What the tests of kohya's trainer share: checkpoints that are only recognised, and settings."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from lorabench import cli
from lorabench.base import checkpoint
from lorabench.base.family import LDM_UNET
from lorabench.base.stable_diffusion import SD15, SDXL
from lorabench.train import data
from lorabench.train.external import limits
from lorabench.train.external.installation import Installation
from lorabench.train.external.training import Training
from lorabench.train.kohya.tool import TOOL
from tests import records, training, transformer_files

FAKE = Path(__file__).parent / "fake_kohya"
FAKE_DOCKER = f'#!/bin/sh\nexec "{sys.executable}" "{FAKE / "docker.py"}" "$@"\n'
SIZES = ((64, 64), (64, 64), (64, 64), (128, 64))
HERE = Installation(TOOL, "/sd", "python", (), (), ())


def save_checkpoint(
    path: Path, family: str = "sd15", autoencoder: dict[str, np.ndarray] | None = None
) -> Path:
    """Write a file that is recognised as a full checkpoint of the family; it renders nothing.

    With the tensors of an `autoencoder`, training pictures can be passed through it.
    """
    sdxl = family == "sdxl"
    parts = (SDXL if sdxl else SD15).parts
    encoders = [prefix for part, prefix in parts.items() if part.startswith("text")]
    unet = "model.diffusion_model"
    attention = f"input_blocks.{4 if sdxl else 1}.1.transformer_blocks.0.attn2.to_k.weight"
    tensors = {
        f"{unet}.{attention}": np.zeros((1, 2048 if sdxl else 768), np.float16),
        f"{unet}.input_blocks.0.0.weight": np.zeros((1, 4, 1, 1), np.float16),
        f"{unet}.out.2.weight": np.zeros((4, 1, 1, 1), np.float16),
        "first_stage_model.x": np.zeros(1, np.float16),
        **{f"{prefix}x": np.zeros(1, np.float16) for prefix in encoders},
        # The layers that the stand-in of sd-scripts trains.
        f"{unet}.middle_block.1.proj_in.weight": np.zeros((8, 8, 1, 1), np.float16),
        "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight": np.zeros(
            (8, 8), np.float16
        ),
        **(autoencoder or {}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    return path


def without_docker() -> str:
    """Return the PATH without the folders that have a `docker`."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(one for one in folders if not Path(one, "docker").exists())


def with_docker(folder: Path) -> str:
    """Return the PATH with the stand-in for `docker`, put into `folder`, in front."""
    folder.mkdir()
    (folder / "docker").write_text(FAKE_DOCKER)
    (folder / "docker").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def make_training(
    folder: Path, family: str = "sd15", sizes=SIZES, trainer="kohya", **changes
) -> Training:
    """Return a training of a new set in `folder` by the tiny settings, some of them changed.

    A transformer's family is named by its title; it has every further file that it reads.
    """
    path = folder / "base.safetensors"
    if family in transformer_files.CASES:
        transformer_files.save(path, family, LDM_UNET if family == "SD3.5" else "")
        changes = {"text_encoder_lr": 0, "min_snr_gamma": 0, "noise_offset": 0, **changes}
    else:
        save_checkpoint(path, family)
    base = checkpoint.inspect(path)
    by = limits.of(base, trainer)
    pictures = data.read_set(training.make_set(folder / "set", sizes), training.settings(**changes))
    models = save_models(folder, by.models)
    return Training("style_x", pictures, base, by, models)


def save_models(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Write a file for each of these names, which holds nothing that is recognized."""
    save = transformer_files.save_tensors
    return {name: save(folder / f"{name}.safetensors", {name: (1,)}) for name in names}


class Author:
    """A project with the fake sd-scripts, in which `train` runs the program."""

    def __init__(self, root: Path, monkeypatch):
        self.root, self._monkeypatch = root, monkeypatch
        self.data = training.make_set(root / "datasets" / "some set", SIZES)
        self.base = save_checkpoint(root / "models" / "base.safetensors")
        self.kohya = root / "output" / "kohya"
        monkeypatch.chdir(root)
        monkeypatch.setenv("SD_SCRIPTS_DIR", str(FAKE / "sd_scripts"))
        path = [str(FAKE / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
        bins = [str(Path(sys.executable).parent), os.environ["PATH"]]
        monkeypatch.setenv("PATH", os.pathsep.join(bins))
        monkeypatch.setenv("FAKE_RECORD", str(root / "options.json"))

    def arguments(self, run="run", **settings):
        """Return output and command line of a training of the run `run`."""
        record = records.run(train={**training.TINY, **settings}, run_id=run)
        output = self.root / "runs" / run / "train" / f"style_x__{run}.safetensors"
        options = {
            "--data": self.data,
            "--settings": records.write(record, self.root / "runs" / run / "run.yaml"),
            "--output": output,
            "--base-model": self.base,
            "--log": self.root / f"{run}.log",
        }
        return output, [f"{name}={value}" for name, value in options.items()]

    def train(self, *options, fault="", **settings):
        """Train, with a fault of the fake's if one is named; return output and exit status."""
        import train_kohya  # by now the fake packages are on the children's path alone

        self._monkeypatch.setenv("FAKE_KOHYA", fault)
        output, arguments = self.arguments(**settings)
        return output, cli.run(train_kohya.parser(), train_kohya.main, [*arguments, *options])
