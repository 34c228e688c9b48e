"""Measure an exported model and LoRAs made on it; write figures, a table and a contact sheet.

The judge decides what a picture shows. Figures whose LoRA is not given are not measured.
"""

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from base_model import judge, measures
from base_model.contact_sheet import Strip, draw_sheet, save_sheet
from base_model.goals import STRENGTHS, table
from base_model.inputs import positive, present
from base_model.measures import Prompts
from base_model.rendering import GUIDANCE, STEPS, Renderer, as_images
from lorabench import cli, files

_COLUMNS = 2 * len(STRENGTHS)
_SHOWN = 3 * _COLUMNS
_SWEPT = 8
_LORA_PROMPTS = 100
_DIVERSITY_PROMPTS = 24
_TIMED = 10
_DRAWINGS = 200


def program(arguments: argparse.Namespace) -> None:
    """Measure everything there is to measure and write the three files."""
    for path in (arguments.style_lora, arguments.character_lora):
        if path:
            present(path, "a LoRA")
    if arguments.train_log:
        present(arguments.train_log, "the log of a training")
    renderer = Renderer(arguments.model, arguments.threads, arguments.kept)
    jury = judge.load(arguments.judge)
    prompts = measures.unseen_prompts(arguments.prompts)

    figures = measures.autoencoder(renderer, min(_DRAWINGS, arguments.prompts))
    timed = prompts.first(_TIMED)
    figures["seconds a picture"] = measures.seconds_a_picture(renderer, timed)
    followed, strips = _prompts(renderer, jury, prompts)
    figures |= followed
    figures["diversity"] = measures.diversity(renderer, prompts.first(_DIVERSITY_PROMPTS))
    if arguments.style_lora:
        some = prompts.first(_LORA_PROMPTS)
        styled, pictures = measures.style(renderer, jury, arguments.style_lora, some)
        figures |= styled
        strips += _sweep(some, pictures)
    if arguments.character_lora:
        some = measures.character_prompts(min(_LORA_PROMPTS, arguments.prompts))
        figures["character"] = measures.character(renderer, jury, arguments.character_lora, some)
    if arguments.train_log:
        figures["seconds of training"] = training_seconds(arguments.train_log)

    conditions = {"prompts": arguments.prompts, "threads": arguments.threads}
    accuracy = json.loads((arguments.judge / "accuracy.json").read_text("utf-8"))
    write(arguments.output, figures, conditions, accuracy)
    save_sheet(draw_sheet(strips, _COLUMNS), arguments.sheet)


def write(
    output: Path, figures: Mapping[str, float], conditions: Mapping[str, int], accuracy: Any
) -> None:
    """Write `output`, a JSON, and the table beside it, with `accuracy` of the judge above it."""
    content = {"conditions": conditions, "figures": figures, "judge": accuracy}
    files.write_text(output, json.dumps(content, indent=2) + "\n")
    words = ", ".join(f"{name} {100 * share:.1f} %" for name, share in accuracy["flat"].items())
    text = (
        f"{conditions['prompts']} unseen prompts, {STEPS} steps, guidance {GUIDANCE}, "
        f"on the CPU with threads: {conditions['threads']}. LoRAs are judged on up to "
        f"{_LORA_PROMPTS} prompts, the autoencoder on up to {_DRAWINGS} drawings of each kind, the "
        f"difference of seeds on up to {_DIVERSITY_PROMPTS} prompts with {measures.SEEDS_A_PROMPT} "
        f"seeds each. "
        f"On unseen flat drawings the judge itself is right in: {words}."
        "\n\n"
    )
    files.write_text(output.with_suffix(".md"), text + table(figures))
    cli.log.info("%s", table(figures))


def training_seconds(train_log: Path) -> float:
    """Return how long a LoRA's training took, by the last row of its train_log.csv."""
    with train_log.open(encoding="utf-8", newline="") as file:
        return float(list(csv.DictReader(file))[-1]["seconds"])


def _prompts(
    renderer: Renderer, jury: judge.Judge, prompts: Prompts
) -> tuple[dict[str, float], list[Strip]]:
    """Return how the base follows prompts, alone and behind unknown words; and the first few."""
    seeds = range(len(prompts.texts))
    plain = renderer.render(prompts.texts, seeds, "prompts")
    figures = measures.prompts_followed(jury, prompts, plain)
    strange = measures.behind_unknown_words(prompts)
    pictures = renderer.render(strange.texts, seeds, "behind unknown words")
    disturbed = measures.prompts_followed(jury, strange, pictures)
    figures |= {f"{name} unknown": share for name, share in disturbed.items()}
    shown = zip(prompts.texts[:_SHOWN], as_images(plain[:_SHOWN]), strict=True)
    return figures, [(text, [image]) for text, image in shown]


def _sweep(prompts: Prompts, pictures: Mapping[float, torch.Tensor]) -> list[Strip]:
    """Return the first prompts, each at all strengths from left to right."""
    columns = [as_images(pictures[weight][:_SWEPT]) for weight in STRENGTHS]
    weights = ", ".join(f"{weight:g}" for weight in STRENGTHS)
    return [
        (f"style LoRA at {weights}: {text}", row)
        for text, row in zip(prompts.texts, zip(*columns, strict=True), strict=False)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="the exported diffusers folder")
    parser.add_argument("judge", type=Path, help="folder of the judge")
    parser.add_argument("output", type=Path, help="JSON of the figures; a table, .md, beside it")
    parser.add_argument("sheet", type=Path, help="the contact sheet, a PNG")
    parser.add_argument("kept", type=Path, help="folder of the pictures, to go on after a kill")
    parser.add_argument("--style-lora", type=Path, help="trained on the style's example set")
    parser.add_argument("--character-lora", type=Path, help="trained on the character's set")
    parser.add_argument("--train-log", type=Path, help="the style LoRA's train_log.csv")
    parser.add_argument("--prompts", type=positive, default=500, help="fewer for a quick look")
    parser.add_argument("--threads", type=positive, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
