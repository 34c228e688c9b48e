"""Draw the UNet's training pictures and keep only their latents and scenes, shard by shard."""

import argparse
import json
import sys
from itertools import islice
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from diffusers import AutoencoderTiny

from base_model import drawings, training, workers
from base_model.inputs import positive, present
from base_model.numbers import SHARD, shard_count
from base_model.world import Scene, held_out, sample
from lorabench import cli, files
from lorabench.digests import digest
from lorabench.errors import UserError

_POSED = 2.0
"""How often the animals with several poses come; as often as the rest they stayed mixed up."""


def shards(folder: Path) -> list[Path]:
    """Return the files of the encoded drawings in `folder`, in order.

    Raises:
        UserError: there are none.
    """
    found = sorted(folder.glob("*.npz"))
    if not found:
        raise UserError(f"{folder}: no encoded drawings there; encode_world.py makes them.")
    return found


def load(folder: Path) -> tuple[torch.Tensor, list[Scene]]:
    """Return the latents, float16 [pictures, channels, h, w], and the scenes of all shards.

    Raises:
        UserError: there are none.
    """
    latents, scenes = [], []
    for path in shards(folder):
        with np.load(path) as shard:
            latents.append(torch.from_numpy(shard["latents"]))
            scenes += [Scene(**fields) for fields in json.loads(str(shard["scenes"]))]
    return torch.cat(latents), scenes


def program(arguments: argparse.Namespace) -> None:
    """Write the shards that the folder still lacks, in `--processes` processes.

    A shard's name tells what it was made from; those of another autoencoder or seed are removed.
    """
    planned = _planned(arguments)
    for path in arguments.output.glob("*.npz"):
        if path not in planned:
            path.unlink()
    workers.run(arguments.processes, _encode, arguments)


def _planned(arguments: argparse.Namespace) -> list[Path]:
    count = shard_count(arguments.drawings)
    weights = arguments.vae / "diffusion_pytorch_model.safetensors"
    sha256 = files.sha256(present(weights, "a trained autoencoder"))
    source = digest([sha256, arguments.seed, _POSED])[:8]
    return [arguments.output / f"{number:04d}-{source}.npz" for number in range(count)]


def _encode(rank: int, arguments: argparse.Namespace) -> None:
    vae = AutoencoderTiny.from_pretrained(arguments.vae).to(
        training.device(), memory_format=torch.channels_last
    )
    mine = list(enumerate(_planned(arguments)))[rank :: arguments.processes]
    for number, path in cli.bar(mine, unit="picture", disable=rank > 0):
        if not path.exists():
            _write(path, vae, training.seed_of(arguments.seed, number))


def shown(seed: int) -> list[Scene]:
    """Return the scenes of a shard: what is held out for the evaluation is not among them."""
    rng = Random(seed)
    drawn = iter(lambda: sample(rng, posed=_POSED), None)
    return list(islice((scene for scene in drawn if not held_out(scene)), SHARD))


@torch.no_grad()
def _write(path: Path, vae: AutoencoderTiny, seed: int) -> None:
    scenes = shown(seed)
    latents = []
    for start in range(0, SHARD, 25):
        x = drawings.pictures(scenes[start : start + 25]).to(vae.device)
        with torch.autocast(vae.device.type, torch.bfloat16):
            latents.append(vae.encode(x.float() / 127.5 - 1).latents.half().cpu())
    fields = json.dumps([scene.as_dict() for scene in scenes])
    with files.publish(path) as temporary, temporary.open("wb") as file:
        np.savez(file, latents=torch.cat(latents).numpy(), scenes=fields)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vae", type=Path, help="folder of the trained autoencoder")
    parser.add_argument("output", type=Path, help="folder of the shards")
    parser.add_argument("--drawings", type=positive, default=40_000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--processes", type=positive, default=2, help="one thread each")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
