"""Export the trained parts as a diffusers folder in half precision."""

import argparse
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from diffusers import AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextModel

from base_model.inputs import present
from base_model.networks import save
from base_model.write_card import write_card
from lorabench import cli


def program(arguments: argparse.Namespace) -> None:
    """Write the folder beside its final place, then let it take that place."""
    output: Path = arguments.output
    for part in (arguments.vae, arguments.trained / "unet", arguments.trained / "text_encoder"):
        present(part / "config.json", "a trained network")
    fresh = output.with_name(f".{output.name}.tmp")
    old = output.with_name(f".{output.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    save(
        fresh,
        AutoencoderTiny.from_pretrained(arguments.vae),
        UNet2DConditionModel.from_pretrained(arguments.trained / "unet"),
        CLIPTextModel.from_pretrained(arguments.trained / "text_encoder"),
        arguments.trained / "tokenizer",
    )
    for path in fresh.rglob("*.safetensors"):
        path.chmod(0o644)  # the library leaves them to the owner alone
    for path in fresh.glob("*/config.json"):
        _forget_origin(path)
    write_card(arguments.card, "Not yet evaluated.", fresh / "README.md")
    if output.exists():
        output.rename(old)
    fresh.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def _forget_origin(path: Path) -> None:
    """Take the folder that the network was loaded from out of its config."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vae", type=Path, help="folder of the trained autoencoder")
    parser.add_argument("trained", type=Path, help="folder of tokenizer, text encoder and UNet")
    parser.add_argument("card", type=Path, help="text of the model card, still without figures")
    parser.add_argument("output", type=Path, help="the diffusers folder to write")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
