"""Train the judge of the series on drawings, half of them as the autoencoder gives them back.

It starts from the base model's judge. Drawings and the training's state are kept: a killed one
goes on.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import load_file

from base_model import judge as base_judge
from base_model import training
from base_model.inputs import positive, present
from base_model.judge import NONE, Judge, as_input
from base_model.rendering import Renderer
from base_model.train_judge import soften
from base_model.world import STYLES, SUBJECTS, Scene, sample
from benchmarks.known_answers import draw_set
from benchmarks.known_answers.other_characters import DRAWN_BY
from benchmarks.known_answers.recipe import CHARACTERS
from benchmarks.known_answers.series_judge import HEADS
from lorabench import cli, files, parent
from lorabench.digests import digest

_PART = 200
_SHARE_OF_CHARACTERS = 0.25
_SAVED_EVERY = 50
_TEST_PARTS = 2
"""How many parts, the first ones, are kept from the training to measure it on."""


def scenes(part: int) -> list[Scene]:
    """Return the scenes of one part: styles and characters in turn, all else by chance."""
    rng = Random(1_000_000 + part)
    found = []
    for number in range(_PART):
        scene = sample(rng)
        style = HEADS["style"][number % len(HEADS["style"])]
        if rng.random() < _SHARE_OF_CHARACTERS:
            who = CHARACTERS[number % len(CHARACTERS)]
            found.append(replace(scene, subject=who, style="flat"))
        else:
            found.append(replace(scene, style=style))
    return found


def labels(shown: Sequence[Scene]) -> dict[str, list[int]]:
    """Return the right index per head; NONE where a hand hides the background."""
    found: dict[str, list[int]] = {head: [] for head in HEADS}
    for scene in shown:
        true = {
            "subject": scene.subject,
            "background": scene.background,
            "style": DRAWN_BY.get(scene.subject, scene.style),
        }
        plain = scene.subject in CHARACTERS or scene.style in STYLES
        for head, value in true.items():
            known = head != "background" or plain
            found[head].append(HEADS[head].index(value) if known else NONE)
    return found


@torch.no_grad()
def part_of(number: int, folder: Path, vae: AutoencoderTiny) -> np.ndarray:
    """Return the drawings of a part and what the autoencoder makes of them, kept in `folder`."""
    path = folder / f"{number}.npy"
    if not path.exists():
        drawn = np.stack([np.asarray(draw_set.draw(scene)) for scene in scenes(number)])
        pixels = as_input(torch.from_numpy(drawn).permute(0, 3, 1, 2))
        back = torch.cat([vae.decode(vae.encode(some).latents).sample for some in pixels.split(20)])
        again = ((back.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
        with files.publish(path) as temporary, temporary.open("wb") as file:
            np.save(file, np.stack([drawn, again.numpy()]))
    return np.load(path)


def program(arguments: argparse.Namespace) -> None:
    """Draw, train, write the weights, and how often they are right on unseen drawings."""
    parent.end_with_workflow()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    vae = Renderer(arguments.model, threads=1).vae
    numbers = range(_TEST_PARTS + arguments.parts)
    parts = [
        torch.from_numpy(part_of(number, arguments.drawings, vae)).permute(0, 1, 4, 2, 3)
        for number in cli.bar(numbers, desc="drawing", unit="part")
    ]
    learnt = torch.cat(parts[_TEST_PARTS:], 1)
    true = labels([scene for number in numbers[_TEST_PARTS:] for scene in scenes(number)])
    judge = Judge(HEADS)
    known = load_file(present(arguments.start / base_judge.WEIGHTS, "a trained judge"))
    body = {name: value for name, value in known.items() if name.startswith("body.")}
    judge.load_state_dict(body, strict=False)
    _train(judge, learnt, {head: torch.tensor(rows) for head, rows in true.items()}, arguments)
    base_judge.save(judge, arguments.output)
    shown = [scene for number in numbers[:_TEST_PARTS] for scene in scenes(number)]
    right = accuracy(judge.eval(), torch.cat(parts[:_TEST_PARTS], 1)[1], shown)
    text = json.dumps({"drawings": len(shown), "right": right}, indent=2)
    files.write_text(arguments.output / "accuracy.json", text + "\n")
    cli.log.info("%s", text)


def _train(
    judge: Judge, drawn: torch.Tensor, true: dict[str, torch.Tensor], arguments: argparse.Namespace
) -> None:
    optimizer = torch.optim.AdamW(judge.parameters(), lr=arguments.lr, weight_decay=0.02)
    state = arguments.drawings / "state.pt"
    purpose = digest([arguments.parts, arguments.steps, arguments.batch, arguments.lr])
    training.check_state(state, purpose)
    start = training.load_state(state, judge=judge, optimizer=optimizer)
    for step in training.bar(0, start, arguments.steps):
        lr = training.learning_rate(step, arguments.steps, arguments.lr, 50, floor=0.005)
        optimizer.param_groups[0]["lr"] = lr
        random = torch.Generator().manual_seed(training.seed_of(5, step))
        chosen = torch.randint(drawn.shape[1], (arguments.batch,), generator=random)
        which = torch.randint(2, (arguments.batch,), generator=random)
        x = soften(as_input(drawn[which, chosen]), random)
        with torch.autocast("cpu", torch.bfloat16):
            scores = judge(x.contiguous(memory_format=torch.channels_last))
        losses = [
            F.cross_entropy(scores[head].float(), right[chosen], ignore_index=NONE)
            for head, right in true.items()
        ]
        loss = torch.stack(losses).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if (step + 1) % _SAVED_EVERY == 0:
            training.save_state(state, purpose, step + 1, judge=judge, optimizer=optimizer)
            cli.log.info("after step %d: loss %.3f", step + 1, loss.item())


def accuracy(judge: Judge, pictures: torch.Tensor, shown: Sequence[Scene]) -> dict[str, float]:
    """Return the share of pictures judged right: of subjects, backgrounds, and each style and
    character."""
    chosen = judge.verdicts(pictures)
    hits: dict[str, list[bool]] = {}
    for head, rows in labels(shown).items():
        for row, right in enumerate(rows):
            if right == NONE:
                continue
            value = HEADS[head][right]
            each = head == "style" or value not in (*SUBJECTS, *HEADS["background"])
            hits.setdefault(value if each else head, []).append(chosen[head][row] == value)
    return {name: round(sum(some) / len(some), 3) for name, some in hits.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="the base model, for its autoencoder")
    parser.add_argument("start", type=Path, help="folder of the base model's judge")
    parser.add_argument("drawings", type=Path, help="folder where drawings are kept")
    parser.add_argument("output", type=Path, help="folder of the weights and their accuracy")
    parser.add_argument("--parts", type=positive, default=36)
    parser.add_argument("--steps", type=positive, default=3000)
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
