"""What is checked and measured on a GPU; `__main__.py` has the command."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
