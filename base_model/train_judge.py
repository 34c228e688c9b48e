"""Train the judge on drawings alone, made as soft as generated pictures are; resumes."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
import torch.nn.functional as F

from base_model import drawings, training
from base_model.inputs import positive
from base_model.judge import HEADS, NONE, Judge, as_input, labels, load, save
from base_model.world import CHARACTER, TARGET_STYLE, Scene
from lorabench import cli, files, parent
from lorabench.digests import digest

_TESTED = 1000
_TEST_SEED = 2**40
"""Beyond every seed that training.seed_of returns: the test drawings were never learnt from."""
_SHIFT = 3
_NOISE = 0.06
_BLOTCHES = 0.06
"""Largest deviations of a picture's noise, per pixel and per 8x8 box, of values from -1 to 1."""


def program(arguments: argparse.Namespace) -> None:
    """Train, write the weights, then measure them on unseen drawings."""
    parent.end_with_workflow()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    judge = Judge().to(training.device())
    optimizer = torch.optim.AdamW(judge.parameters(), lr=arguments.lr, weight_decay=0.02)
    purpose = digest([arguments.batch, arguments.lr, arguments.seed])
    training.check_state(arguments.state, purpose)
    start = training.load_state(arguments.state, judge=judge, optimizer=optimizer)
    bar = training.bar(0, start, arguments.steps)
    for step in bar:
        lr = training.learning_rate(step, arguments.steps, arguments.lr, 100, floor=0.005)
        optimizer.param_groups[0]["lr"] = lr
        seed = training.seed_of(arguments.seed, step)
        loss = _step(judge, optimizer, arguments.batch, seed)
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss:.3f}")
        if (step + 1) % arguments.save_every == 0:
            parts = {"judge": judge, "optimizer": optimizer}
            training.save_state(arguments.state, purpose, step + 1, **parts)
    save(judge, arguments.output)
    trained = load(arguments.output)
    figures = {style: accuracy(trained, unseen(style)) for style in ("flat", TARGET_STYLE)}
    shown = [replace(scene, subject=CHARACTER) for scene in unseen("flat")]
    figures[CHARACTER] = {"subject": accuracy(trained, shown)["subject"]}
    text = json.dumps({"drawings of each kind": _TESTED, **figures}, indent=2)
    files.write_text(arguments.output / "accuracy.json", text + "\n")
    cli.log.info("%s", text)


def unseen(style: str, count: int = _TESTED) -> list[Scene]:
    """Return `count` scenes in `style` that no judge has learnt from."""
    return drawings.scenes(count, _TEST_SEED, style)


def accuracy(judge: Judge, scenes: Sequence[Scene]) -> dict[str, float]:
    """Return the share (0 to 1) of drawings of `scenes` judged right, per head.

    The entry of TARGET_STYLE is whether that style is told from all others.
    """
    chosen = judge.verdicts(drawings.pictures(scenes))
    right = {}
    for name, indices in labels(scenes).items():
        pairs = [
            (HEADS[name][index], verdict)
            for index, verdict in zip(indices.tolist(), chosen[name], strict=True)
            if index != NONE
        ]
        if pairs:  # the character has no color
            right[name] = sum(true == verdict for true, verdict in pairs) / len(pairs)
    target = sum(
        (verdict == TARGET_STYLE) == (scene.style == TARGET_STYLE)
        for scene, verdict in zip(scenes, chosen["style"], strict=True)
    )
    return right | {TARGET_STYLE: target / len(scenes)}


def soften(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Return pictures [n, 3, h, w], -1 to 1, each shifted, blurred and made noisy a little."""
    n, _, height, width = x.shape
    padded = F.pad(x, (_SHIFT,) * 4, mode="replicate")
    corners = torch.randint(2 * _SHIFT + 1, (n, 2), generator=random).tolist()
    x = torch.stack(
        [p[:, y : y + height, z : z + width] for p, (y, z) in zip(padded, corners, strict=True)]
    )
    blurred = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    blurred = F.avg_pool2d(blurred, 3, 1, 1, count_include_pad=False)
    strengths = torch.rand((3, n, 1, 1, 1), generator=random).square()
    x = torch.lerp(x, blurred, strengths[0])
    blotches = torch.randn((n, 3, height // 8, width // 8), generator=random) * _BLOTCHES
    x = x + strengths[1] * F.interpolate(blotches, size=(height, width), mode="bilinear")
    return x + strengths[2] * _NOISE * torch.randn(x.shape, generator=random)


def _step(judge: Judge, optimizer: torch.optim.Optimizer, batch: int, seed: int) -> float:
    scenes = drawings.scenes(batch, seed)
    x = soften(as_input(drawings.pictures(scenes)), torch.Generator().manual_seed(seed))
    x = x.to(training.device(), memory_format=torch.channels_last)
    with torch.autocast(x.device.type, torch.bfloat16):
        scores = judge(x)
    losses = [
        F.cross_entropy(scores[name].float(), right.to(x.device), ignore_index=NONE)
        for name, right in labels(scenes).items()
    ]
    loss = torch.stack(losses).sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="folder of the weights and their accuracy")
    parser.add_argument("state", type=Path, help="file that a killed training goes on from")
    parser.add_argument("--steps", type=positive, default=2000)
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--save-every", type=positive, default=200)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
