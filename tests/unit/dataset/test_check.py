"""A normalized set that was edited is not trained on in silence."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from lorabench.dataset.check import check_unchanged
from lorabench.dataset.normalize import normalize_set
from lorabench.dataset.raw import read
from lorabench.errors import UserError
from lorabench.train.data import read_set
from tests.pictures import photo, settings
from tests.training import make_set
from tests.training import settings as train_settings

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def made(tmp_path):
    """A normalized set of three pictures, one without a caption of its own."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for seed, name in enumerate("abc"):
        photo(seed).save(raw / f"{name}.png")
    (raw / "a.txt").write_text("ぽにゅ, a cat")
    normalize_set(read(raw), tmp_path / "set", settings(), tmp_path / "store")
    return tmp_path / "set"


def find(made, start, suffix=".png"):
    (path,) = (made / "images").glob(f"{start}-*{suffix}")
    return path


def refusal(made):
    with pytest.raises(UserError) as error:
        check_unchanged(made)
    return str(error.value)


def test_a_set_as_it_was_made_passes(made):
    check_unchanged(made)
    (made / "images" / ".DS_Store").touch()
    check_unchanged(made)


def test_every_change_is_named_with_what_to_do(made):
    find(made, "a").unlink()
    photo(7).save(find(made, "b"))
    caption = find(made, "a", ".txt")
    caption.write_text("another one")
    photo(8).save(made / "images" / "more.JPG")
    said = refusal(made)
    for change in (f"{caption.stem}.png is missing", f"{caption.name} was changed",
                   f"{find(made, 'b').name} was changed", "more.JPG was added"):  # fmt: skip
        assert f"\n  {change}\n" in said
    assert "Add captions beside the raw pictures" in said
    assert f"delete {made} and repeat the command" in said
    assert find(made, "c").name not in said


def test_a_caption_that_the_trigger_stands_in_for_is_compared_too(made):
    find(made, "b", ".txt").unlink()
    assert f"{find(made, 'b').stem}.txt is missing" in refusal(made)


def test_the_trainers_refuse_it(made):
    with pytest.raises(UserError, match="is not as it was made"):
        find(made, "a", ".txt").write_text("another one")
        read_set(made, train_settings())


def rewrite_log(made, columns):
    path = made / "preprocess_log.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def test_in_an_older_log_the_pictures_are_compared(made):
    rewrite_log(made, ["source", "result", "result_sha256"])
    find(made, "a", ".txt").write_text("another one")
    check_unchanged(made)
    photo(7).save(find(made, "a"))
    assert "was changed" in refusal(made)


def test_without_a_log_or_with_that_of_another_program_nothing_is_compared(made, tmp_path):
    rewrite_log(made, ["source", "ok"])
    find(made, "a").unlink()
    check_unchanged(made)
    check_unchanged(make_set(tmp_path / "bare"))


def test_many_changes_are_counted(made):
    for number in range(12):
        photo(8).save(made / "images" / f"{number:02d}.png")
    assert "\n  09.png was added\n  and 2 more\n" in refusal(made)


def test_it_needs_no_torch():
    code = "import sys, lorabench.dataset.check; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)
