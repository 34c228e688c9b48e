"""Show the training pictures as the base model could draw them: through its autoencoder.

The benchmark's pictures are compared with these, for no LoRA can do better.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from lorabench import cli, files
from lorabench.errors import UserError


def main(arguments: argparse.Namespace) -> None:
    """Write the pictures; the folder appears when it is whole."""
    paths = sorted(arguments.images.glob("*.png"))
    if not paths:
        raise UserError(f"{arguments.images}: holds no PNG; give the images/ of a normalized set")
    from lorabench.bench.measures import reference
    from lorabench.sweep.pictures import open_rgb

    autoencoder = _autoencoder(arguments) if arguments.base_model else None
    chosen = reference.chosen(paths, arguments.trigger)
    unfinished = arguments.output.with_name(f"{arguments.output.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    pictures = map(open_rgb, chosen)
    if autoencoder:
        pictures = reference.given_back(pictures, autoencoder)
    bar = cli.bar(
        zip(chosen, pictures, strict=True), desc="reference", total=len(chosen), unit="picture"
    )
    for path, picture in bar:
        with files.publish(unfinished / path.name) as temporary:
            picture.save(temporary, "PNG")
    shutil.rmtree(arguments.output, ignore_errors=True)
    unfinished.rename(arguments.output)


def _autoencoder(arguments: argparse.Namespace) -> Any:
    import torch  # only once all else is right

    from lorabench.base.model import load_autoencoder, usable_device

    torch.set_num_threads(arguments.threads)
    return load_autoencoder(arguments.base_model, usable_device(arguments.device))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("images", type=Path, help="images/ of the normalized set")
    add("--base-model", type=Path, help="a .safetensors file or diffusers folder; without one, the "
        "pictures are copied as they are")  # fmt: skip
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--trigger", default="", help="only pictures whose caption has these words, if any has")
    add("--threads", type=int, default=1, help="CPU threads (default: 1)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
