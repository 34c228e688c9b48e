"""A normalized set with something of everything that its page shows."""

from typing import NamedTuple

from lorabench.dataset.normalize import normalize_set
from lorabench.dataset.raw import read
from tests.pictures import photo, settings

USE = {
    "profile": "style", "trigger": "zw", "batch_size": 8, "pictures_a_step": 8,
    "steps": 380, "epochs": None, "usual": 3040, "tokens": 75,
}  # fmt: skip


WHERE = ("beach", "forest", "kitchen")


class Normalized(NamedTuple):
    """Where it lies, and what it was made of."""

    folder: object
    raw: object


def normalized(root, pictures=9):
    """Make it of so many pictures and five odd ones."""
    raw = root / "my_set"
    raw.mkdir()
    for seed in range(pictures):
        photo(seed, 200 + 8 * (seed % 3), 200).save(raw / f"{seed}.png")
        (raw / f"{seed}.txt").write_text(f"zw, a mushroom, {WHERE[seed % len(WHERE)]} {seed}")
    photo(101, 300, 160).save(raw / "wide.png")
    (raw / "wide.txt").write_text("zw, a mushrom and a teapot <b>")
    photo(102, 100, 100).save(raw / "small.png")
    photo(103, 160, 160).save(raw / "slim.png")
    (raw / "slim.txt").write_text("zw, 茸, a bicycle")
    (raw / "double.png").write_bytes((raw / "0.png").read_bytes())
    (raw / "broken.png").write_bytes((raw / "1.png").read_bytes()[:900])
    normalize_set(read(raw), root / "set", settings(), root / "store")
    return Normalized(root / "set", raw)
