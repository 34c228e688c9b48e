"""Render the benchmark with one LoRA: the pictures, and the paths, that the pipeline would leave.

They are drawn in batches by diffusers, which is faster than one by one through the server. What
is drawn without the LoRA is the same for all of them and is kept.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image

from base_model.rendering import Renderer, as_images
from benchmarks.known_answers.recipe import CHARACTERS, TRIGGERS
from lorabench import cli, files, layout
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.sweep import variants

WEIGHTS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.2)
SEEDS = (123456789,)
_BATCH = 8


class Job(NamedTuple):
    """One picture."""

    path: Path
    text: str
    weight: float
    seed: int


def plan(taught: str) -> list[variants.Variant]:
    """Return what is drawn with a LoRA that was taught a style or a character."""
    trigger = TRIGGERS[taught]
    profile = "char" if taught in CHARACTERS else "style"
    lines = variants.read(Path("config/prompts") / f"drawnworld_{profile}.txt")
    return variants.plan(
        variants.filled(BUNDLED.benchmarks[0].example_prompts[profile], trigger, "positive"),
        variants.named(lines, trigger),
        trigger,
        variants.EXTENTS["full"],
        WEIGHTS,
        SEEDS,
    )


def jobs(taught: str, folder: Path) -> Iterator[Job]:
    """Yield every picture, those of a weight one after another."""
    for weight in WEIGHTS:
        for variant in plan(taught):
            if weight not in variant.weights:
                continue
            for seed in variant.seeds:
                name = layout.weight_name(weight)
                path = layout.picture(folder, variant.folder(weight), name, seed, 0)
                yield Job(path, variant.text or "", weight, seed)


def program(arguments: argparse.Namespace) -> None:
    """Render all pictures."""
    renderer = Renderer(arguments.model, threads=1, kept=arguments.kept)
    draw(renderer, arguments.lora, jobs(arguments.taught, arguments.folder))


def draw(renderer: Renderer, lora: Path, wanted: Iterable[Job]) -> None:
    """Render the pictures that are not there yet."""
    todo = [job for job in wanted if not job.path.exists()]
    base = [job for job in todo if job.weight == 0]
    pictures = renderer.render([job.text for job in base], [job.seed for job in base])
    for job, picture in zip(base, as_images(pictures), strict=True):
        _save(picture, job.path)
    with renderer.lora(lora), cli.bar(total=len(todo) - len(base), unit="picture") as bar:
        for weight in sorted({job.weight for job in todo} - {0}):
            renderer.strength(weight)
            at_weight = [job for job in todo if job.weight == weight]
            for start in range(0, len(at_weight), _BATCH):
                some = at_weight[start : start + _BATCH]
                drawn = renderer.draw([job.text for job in some], [job.seed for job in some])
                for job, picture in zip(some, as_images(drawn), strict=True):
                    _save(picture, job.path)
                bar.update(len(some))


def _save(picture: Image.Image, path: Path) -> None:
    with files.publish(path) as temporary:
        picture.save(temporary, "PNG")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="the base model")
    parser.add_argument("lora", type=Path)
    parser.add_argument("taught", choices=TRIGGERS, metavar="TAUGHT", help="a style, or mofu")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("kept", type=Path, help="folder of what is drawn without the LoRA")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
