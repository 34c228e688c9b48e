"""What is checked and measured on a GPU; `benchmarks.gpu` has the command."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
