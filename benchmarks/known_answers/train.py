"""Train a LoRA of the suite, with the options of scripts/train_lora.py.

Some are ruined on purpose, so a training whose loss has risen and stays there goes on.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import train_lora
from lorabench import cli
from lorabench.train import divergence

if __name__ == "__main__":
    divergence.WINDOW = sys.maxsize  # no training is so long
    sys.exit(cli.run(train_lora.parser(), train_lora.main))
