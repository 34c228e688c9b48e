"""Warnings and reasons in Japanese, from the very programs that write them in English."""

import os
import re

import pandas as pd

from lorabench.bench.measures import faults
from lorabench.config import resolve
from lorabench.dataset import kind, normalize_set
from lorabench.raw import read
from lorabench.report.prose import japanese
from tests.pictures import photo


def english(text):
    """The English words of a text, names of files left out."""
    return re.findall(r"[A-Za-z]{3,}", re.sub(r"\S+\.(png|jpg)", "", text))


def table(*rows):
    """Rows of weight, seed, contrast, difference."""
    frame = pd.DataFrame(rows, columns=["weight", "seed", "contrast", "difference"])
    frame["file"] = [f"w{row[0]:.2f}/seed{row[1]}_00.png" for row in rows]
    return frame


def test_every_warning_is_translated_and_keeps_its_numbers():
    found = faults.find(
        table(
            *((0.2, seed, 0.2, 0.0) for seed in (1, 2)),
            *((0.4, seed, 0.2, difference) for seed, difference in ((1, 0.001), (2, 0.1))),
            *((0.6, seed, contrast, 0.1) for seed, contrast in ((1, 0.0), (2, 0.2))),
            (0.8, 1, 0.2, 0.002),
            (1.0, 1, 0.0, 0.1),
        )
    )
    assert {fault.kind for fault in found} == set(faults.KINDS)
    said = [japanese(fault.message) for fault in found]
    assert [text for text in said if english(text)] == []
    assert said[:2] == [
        "重み 0.2: 画像 2 枚すべてが重み 0 と完全に同じです",
        "重み 0.4: 画像 2 枚のうち 1 枚が重み 0 と同じです(平均絶対差は最大 0.001)",
    ]


def test_every_reason_is_translated_and_keeps_its_numbers_and_names(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    sizes = {"small": (32, 40), "enlarged": (70, 70), "long": (600, 100), "many": (800, 800)}
    for at, (name, size) in enumerate(sizes.items()):
        photo(at, *size).save(raw / f"{name}.png")
    photo(9, 200, 200).save(raw / "good.png")
    photo(9, 200, 200).save(raw / "twin.png")
    photo(9, 200, 200).save(raw / "near.jpg", quality=95)
    (raw / "cut.png").write_bytes((raw / "good.png").read_bytes()[:2000])
    (raw / "empty.png").touch()
    (raw / "words.png").write_text("words, no picture")
    (raw / "link.png").symlink_to(raw / "gone.png")
    os.mkfifo(raw / "pipe.png")
    settings = resolve({"raw_set": "raw"}, "bundled").preprocess
    settings = settings.model_copy(update={"max_pixels": 0.5})
    rows = normalize_set(read(raw), tmp_path / "set", settings, tmp_path / "store")
    reasons = {row.source: row.reason for row in rows if not row.ok}
    assert len(reasons) == 11
    assert "other" not in set(map(kind, reasons.values()))
    said = {name: japanese(reason) for name, reason in reasons.items()}
    assert {name: text for name, text in said.items() if english(text)} == {}
    assert said["small.png"] == "32×40(短辺は 64 以上が必要)"
    assert said["near.jpg"].startswith("good") and "ハッシュ距離" in said["near.jpg"]


def test_what_has_no_form_stays_as_it_is():
    assert japanese("my own program said no") == "my own program said no"
    assert japanese("cannot be decoded: bad marker") == "デコードできません(bad marker)"
