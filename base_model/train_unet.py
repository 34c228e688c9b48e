"""Train UNet and text encoder together on the encoded drawings; resumes where it was killed."""

import argparse
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from base_model import captions, encode_world, tokenizer, training, workers
from base_model.inputs import positive
from base_model.networks import new_scheduler, new_text_encoder, new_unet
from base_model.world import Scene, sample
from lorabench import cli
from lorabench.digests import digest

_NOISE_OFFSET = 0.2
_MIN_SNR = 5.0
_UNKNOWN_WORDS = 0.4
"""Share of captions behind a made-up word, so that a new trigger word disturbs nothing."""
_AVERAGED = 10
"""The averaged weights look back over about one part in so many of the steps."""
_EMPTY = 0.1
"""Share of empty captions, for classifier-free guidance."""


class Model(nn.Module):
    """UNet and text encoder as one network to train."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel) -> None:
        """Join the two, laid out for the fastest step on a CPU.

        PyTorch's fused attention is slow backwards in bfloat16 there; matrix products are not.
        """
        super().__init__()
        self.unet = unet.to(memory_format=torch.channels_last)
        self.unet.set_attn_processor(AttnProcessor())
        self.text_encoder = text_encoder

    def forward(self, noisy: torch.Tensor, t: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Return the noise predicted in `noisy` [n, c, h, w] at steps `t` [n] for tokens `ids`."""
        with torch.autocast(noisy.device.type, torch.bfloat16):
            words = self.text_encoder(ids).last_hidden_state
            return self.unet(noisy, t, words).sample.float()


def caption_of(scene: Scene, rng: Random) -> str:
    """Return a training caption, worded anew each time; some begin with a meaningless word."""
    point = rng.random()
    if point < _EMPTY:
        return ""
    text = captions.caption(scene, rng)
    return captions.with_unknown_word(text, rng) if point < _EMPTY + _UNKNOWN_WORDS else text


def program(arguments: argparse.Namespace) -> None:
    """Train in `--processes` processes, then write the averaged weights to `--output`."""
    purpose = _purpose(arguments)
    training.check_state(_state(arguments), purpose)
    folder = arguments.output / "tokenizer"
    if not (folder / "tokenizer.json").exists():
        rng = Random(arguments.seed)
        texts = [captions.caption(sample(rng), rng) for _ in range(6000)]
        tokenizer.build(texts, folder)
    workers.run(arguments.processes, _train, arguments, purpose)


def _train(rank: int, arguments: argparse.Namespace, purpose: str) -> None:
    torch.manual_seed(arguments.seed)
    words = CLIPTokenizer.from_pretrained(arguments.output / "tokenizer")
    latents, scenes = encode_world.load(arguments.world)
    model = Model(new_unet(), new_text_encoder(words)).to(training.device())
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=arguments.lr, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    average = training.Average(model, 1 - _AVERAGED / arguments.steps)
    state = _state(arguments)
    start = training.load_state(state, model=model, optimizer=optimizer, average=average)
    alphas = new_scheduler().alphas_cumprod.to(training.device())
    bar = training.bar(rank, start, arguments.steps)
    smooth = 0.0
    for step in bar:
        lr = training.learning_rate(step, arguments.steps, arguments.lr, 200)
        optimizer.param_groups[0]["lr"] = lr
        rng = Random(training.seed_of(arguments.seed, step * arguments.processes + rank))
        chosen = rng.choices(range(len(scenes)), k=arguments.batch // arguments.processes)
        texts = [caption_of(scenes[i], rng) for i in chosen]
        ids = words(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        loss = _step(model, optimizer, latents[chosen].float(), ids, alphas, rng.getrandbits(31))
        average.update()
        smooth = loss if not smooth else 0.98 * smooth + 0.02 * loss
        bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
        if rank == 0 and (step + 1) % arguments.save_every == 0:
            parts = {"model": model, "optimizer": optimizer, "average": average}
            training.save_state(state, purpose, step + 1, **parts)
            training.note(arguments.output, f"step {step + 1}: loss {smooth:.4f}")
    if rank == 0:
        model.load_state_dict(average.weights)
        training.save_folder(model.unet, arguments.output / "unet")
        training.save_folder(model.text_encoder, arguments.output / "text_encoder")


def _state(arguments: argparse.Namespace) -> Path:
    return arguments.output / "training.state"


def _purpose(arguments: argparse.Namespace) -> str:
    shown = [path.name for path in encode_world.shards(arguments.world)]
    return digest([shown, arguments.batch, arguments.lr, arguments.seed, arguments.processes])


def _step(
    model: Model,
    optimizer: torch.optim.Optimizer,
    latents: torch.Tensor,
    ids: torch.Tensor,
    alphas: torch.Tensor,
    seed: int,
) -> float:
    """Learn from one batch: epsilon prediction with min-SNR weights; return the loss."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(latents.shape, generator=random)
    noise += _NOISE_OFFSET * torch.randn((*latents.shape[:2], 1, 1), generator=random)
    t = torch.randint(len(alphas), (len(latents),), generator=random)
    latents, noise, t, ids = (x.to(alphas.device) for x in (latents, noise, t, ids))
    alpha = alphas[t][:, None, None, None]
    noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
    snr = alphas[t] / (1 - alphas[t])
    weight = snr.clamp(max=_MIN_SNR) / snr
    error = (model(noisy, t, ids) - noise).square().mean((1, 2, 3))
    loss = (weight * error).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    workers.average_gradients(model.parameters())
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", type=Path, help="folder of the encoded drawings")
    parser.add_argument("output", type=Path, help="folder of tokenizer, text encoder and UNet")
    parser.add_argument("--steps", type=positive, default=15_000)
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--processes", type=positive, default=2, help="one thread each")
    parser.add_argument("--save-every", type=positive, default=250)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
