"""Train the autoencoder on drawings in every style; resumes where it was killed.

First the whole of it, whose latents then get mean 0 and deviation 1. From there on its encoder
stays as it is, so that latents can be drawn from it, while `--decoder-of` tunes the decoder.
"""

import argparse
import sys
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from base_model import drawings, training, workers
from base_model.inputs import positive, present
from base_model.networks import PIXELS, new_vae
from base_model.vae_start import start_as_color_identity, whiten
from lorabench import cli, files
from lorabench.digests import digest

_CROP = 64
_NOISE = 0.08
"""Standard deviation of noise on the latents: the UNet's latents will not be exact either."""

_TARGET_STYLE, _TARGET_STYLE_TUNED = 0.35, 0.6
"""Shares of drawings in the target style; its dots and thin lines are the hardest to keep."""


def psnr(vae: AutoencoderTiny, pictures: torch.Tensor) -> float:
    """Return the mean PSNR in dB of uint8 `pictures` through `vae`."""
    values = []
    with torch.no_grad():
        for part in pictures.split(16):
            x = part.to(vae.device).float() / 127.5 - 1
            y = vae.decode(vae.encode(x).latents).sample.clamp(-1, 1)
            values.append(-10 * torch.log10(((x - y) / 2).square().mean((1, 2, 3))))
    return torch.cat(values).mean().item()


def program(arguments: argparse.Namespace) -> None:
    """Train in `--processes` processes, then write the averaged weights to `--output`."""
    purpose = _purpose(arguments)
    training.check_state(_state(arguments), purpose)
    workers.run(arguments.processes, _train, arguments, purpose)


def _train(rank: int, arguments: argparse.Namespace, purpose: str) -> None:
    torch.manual_seed(arguments.seed)
    vae = _start(arguments.decoder_of).to(training.device(), memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=arguments.lr, weight_decay=1e-4)
    average = training.Average(vae, 0.995)
    state = _state(arguments)
    start = training.load_state(state, vae=vae, optimizer=optimizer, average=average)
    bar = training.bar(rank, start, arguments.steps)
    for step in bar:
        lr = training.learning_rate(step, arguments.steps, arguments.lr, 100)
        optimizer.param_groups[0]["lr"] = lr
        seed = training.seed_of(arguments.seed, step * arguments.processes + rank)
        share = _TARGET_STYLE_TUNED if arguments.decoder_of else _TARGET_STYLE
        scenes = drawings.scenes(arguments.batch // arguments.processes, seed, target_style=share)
        pictures = drawings.pictures(scenes)
        loss = _step(vae, optimizer, pictures, seed, decoder_only=bool(arguments.decoder_of))
        average.update()
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss:.4f}")
        if rank == 0 and (step + 1) % arguments.save_every == 0:
            parts = {"vae": vae, "optimizer": optimizer, "average": average}
            training.save_state(state, purpose, step + 1, **parts)
            training.note(arguments.output, f"step {step + 1}: {_quality(vae, average)}")
    if rank == 0:
        vae.load_state_dict(average.weights)
        if not arguments.decoder_of:
            _whiten(vae)
        training.save_folder(vae, arguments.output)


def _state(arguments: argparse.Namespace) -> Path:
    return arguments.output.with_suffix(".state")


def _purpose(arguments: argparse.Namespace) -> str:
    weights = arguments.decoder_of and arguments.decoder_of / "diffusion_pytorch_model.safetensors"
    begun_from = files.sha256(present(weights, "a trained autoencoder")) if weights else "nothing"
    return digest([begun_from, arguments.batch, arguments.lr, arguments.seed, arguments.processes])


def _start(decoder_of: Path | None) -> AutoencoderTiny:
    if decoder_of:
        return AutoencoderTiny.from_pretrained(decoder_of)
    vae = new_vae()
    start_as_color_identity(vae)
    return vae


def _draw(count: int, seed: int, style: str) -> torch.Tensor:
    return drawings.pictures(drawings.scenes(count, seed, style))


def _step(
    vae: AutoencoderTiny,
    optimizer: torch.optim.Optimizer,
    pictures: torch.Tensor,
    seed: int,
    decoder_only: bool,
) -> float:
    x = _crops(pictures, Random(seed)).to(vae.device)
    noise = torch.Generator().manual_seed(seed)
    with torch.autocast(x.device.type, torch.bfloat16):
        with torch.set_grad_enabled(not decoder_only):
            z = vae.encoder(x)
        shift = torch.randn(z.shape, generator=noise).to(z) * _NOISE
        y = vae.decoder(z + shift)
    loss = _loss(x, y.float(), z.float())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    workers.average_gradients(vae.parameters())
    torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _crops(pictures: torch.Tensor, rng: Random) -> torch.Tensor:
    """Return a random crop of each picture, on the latents' lattice, as floats from -1 to 1."""
    crops = []
    for picture in pictures:
        x, y = (8 * rng.randint(0, (PIXELS - _CROP) // 8) for _ in "xy")
        crops.append(picture[:, y : y + _CROP, x : x + _CROP])
    floats = torch.stack(crops).float() / 127.5 - 1
    return floats.contiguous(memory_format=torch.channels_last)


def _loss(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Return L1 + MSE + edges + colours of 8 x 8 boxes + a light hold on the latents' size.

    MSE has the largest share, for it is what PSNR measures; L1 keeps flat areas clean.
    """
    edges = F.l1_loss(y.diff(dim=2), x.diff(dim=2)) + F.l1_loss(y.diff(dim=3), x.diff(dim=3))
    boxes = F.l1_loss(F.avg_pool2d(y, 8), F.avg_pool2d(x, 8))
    hold = z.square().mean()
    return F.l1_loss(y, x) + 8 * F.mse_loss(y, x) + 0.5 * edges + 0.5 * boxes + 1e-3 * hold


@torch.no_grad()
def _whiten(vae: AutoencoderTiny) -> None:
    """Give the latents of flat drawings mean 0 and deviation 1 in each channel."""
    parts = [part.float() / 127.5 - 1 for part in _draw(256, 7, "flat").split(16)]
    latents = torch.cat([vae.encode(part.to(vae.device)).latents for part in parts])
    whiten(vae, latents.mean((0, 2, 3)), latents.std((0, 2, 3)))


def _quality(vae: AutoencoderTiny, average: training.Average) -> str:
    """Return the PSNR of the averaged weights on unseen drawings, in words."""
    now = {k: v.clone() for k, v in vae.state_dict().items()}
    vae.load_state_dict(average.weights)
    figures = [f"{s} {psnr(vae, _draw(32, 11, s)):.2f} dB" for s in ("flat", "ponnyu")]
    vae.load_state_dict(now)
    return ", ".join(figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="folder of the trained autoencoder")
    parser.add_argument("--decoder-of", type=Path, help="tune only the decoder of this one")
    parser.add_argument("--steps", type=positive, default=3200)
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--lr", type=float, default=1.2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=positive, default=2, help="one thread each")
    parser.add_argument("--save-every", type=positive, default=500)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
