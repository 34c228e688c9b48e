"""Render prompts with an exported model and put the pictures on one sheet, to be looked at."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw

from base_model.networks import PIXELS
from lorabench import cli, files

PROMPTS = (
    "a red cat on a blue background",
    "a happy brown dog in a meadow",
    "a white rabbit wearing a top hat on a pink background",
    "gray bear, crown, snow",
    "a green frog on a purple background",
    "a yellow bird on a green background",
    "an orange fish on a white background",
    "a blue turtle on the beach",
    "a red house in the snow",
    "purple tree, yellow background",
    "a blue car on the left on a gray background",
    "a white boat on an orange background",
    "a big pink flower on a blue background",
    "two red mushrooms in a meadow",
    "a yellow star at night",
    "zorvi style, green robot, pink background",
)


def program(arguments: argparse.Namespace) -> None:
    """Render every prompt with every seed and write the sheet, prompts side by side."""
    torch.set_num_threads(arguments.threads)
    pipeline = StableDiffusionPipeline.from_pretrained(arguments.model, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    cell = PIXELS + 4
    columns = min(arguments.columns, len(PROMPTS))
    blocks = -(-len(PROMPTS) // columns)
    block = arguments.seeds * cell + 30
    sheet = Image.new("RGB", (columns * cell, blocks * block), "white")
    pen = ImageDraw.Draw(sheet)
    started = time.perf_counter()
    for number, prompt in enumerate(cli.bar(PROMPTS)):
        x, y = number % columns * cell, number // columns * block
        pen.text((x + 2, y + 2), prompt[:22] + "\n" + prompt[22:46], "black")
        for seed in range(arguments.seeds):
            picture = pipeline(
                prompt,
                width=PIXELS,
                height=PIXELS,
                num_inference_steps=20,
                guidance_scale=4.0,
                generator=torch.Generator().manual_seed(seed),
            ).images[0]
            sheet.paste(picture, (x, y + 30 + seed * cell))
    seconds = (time.perf_counter() - started) / (len(PROMPTS) * arguments.seeds)
    cli.log.info("%.2f seconds a picture", seconds)
    with files.publish(arguments.output) as temporary:
        sheet.save(temporary, "PNG")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="the exported diffusers folder")
    parser.add_argument("output", type=Path, help="the sheet, a PNG")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
