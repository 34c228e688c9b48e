"""The page on the families has every trainer, program and file that the records have."""

import re
from pathlib import Path

import pytest

from lorabench.base.families import PUBLIC

PAGE = (Path(__file__).parents[2] / "docs" / "families.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## Which trainer, and which files")[1].split("##")[0]
ROWS = {row.split("|")[1].strip(): row for row in TABLE.splitlines() if row.startswith("| ")}
TRAINED = [family for family in PUBLIC if family.kohya or family.musubi]


def test_each_family_that_can_be_trained_has_a_row_and_no_other():
    assert ROWS.keys() - {"family", "---"} == {family.title for family in TRAINED}


@pytest.mark.parametrize("family", TRAINED, ids=lambda family: family.title)
def test_a_row_names_the_program_and_the_files(family):
    trainer = family.kohya or family.musubi
    _, _, program, files, _ = ROWS[family.title].split("|")
    assert f"`{trainer.program}`" in program
    assert program.strip().startswith("kohya" if family.kohya else "musubi")
    assert set(re.findall(r"`(\w+)`", files)) == set(trainer.models)


@pytest.mark.parametrize("family", TRAINED, ids=lambda family: family.title)
def test_the_page_names_every_option(family):
    for option in (family.kohya or family.musubi).options.keys() - {"no_half_vae"}:
        assert f"`{option}" in PAGE, option


@pytest.mark.parametrize("family", TRAINED[1:], ids=lambda family: family.title)
def test_the_page_has_the_presets(family):
    train = family.preset["train"]
    table = PAGE.split("## Presets")[1].split("\n## ")[0]
    row = next(
        row
        for row in table.splitlines()
        if row.startswith("| ") and family.title in row.split("|")[1]
    )
    rank, alpha = (f"{train[key]:g}" for key in ("rank", "alpha"))
    assert f"| {rank}, {alpha} |" in row and f"| {train['steps']} |" in row
    assert f"{train['unet_lr']:.0e}".replace("e-0", "e-") in row
