"""What is said of a raw set before it is used, and where it stops a run."""

from pathlib import Path

import pytest

from lorabench.dataset import raw
from lorabench.dataset.notes import check_captions, notes
from lorabench.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """A set of twelve pictures without captions."""
    folder = tmp_path / "my_set"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").touch()
    return folder


def said(folder, trigger=""):
    found = raw.read(folder)
    check_captions(found, trigger)
    return "\n".join(notes(found, found.trigger(trigger)))


def caption_all(folder, text="mofu, {}"):
    for path in folder.rglob("*.png"):
        path.with_suffix(".txt").write_text(text.format(path.stem))


def test_a_set_in_order_has_no_notes(folder):
    caption_all(folder)
    assert said(folder) == ""


def test_choices_in_braces_are_said_to_be_trained_as_they_stand(folder):
    caption_all(folder, "mofu, {{red|blue}} ball\nmofu, another line {}")
    assert said(folder).startswith("{red|blue}, in 12 captions, is trained as it stands")


def test_captions_without_a_first_tag_in_common_are_said_loudly(folder):
    caption_all(folder, "{}, a hat")
    assert "WITHOUT TRIGGER WORDS" in said(folder)
    assert "trigger=" in said(folder)
    assert said(folder, "mofu") == ""


def test_pictures_without_a_caption_are_counted_with_what_they_get(folder):
    assert "without a caption: 12 of 12 pictures, which are trained with 'my_set'" in said(folder)
    (folder / "0.txt").write_text("mofu, a hat")
    assert "without a caption: 11 of 12 pictures, which are trained with 'mofu'" in said(folder)


@pytest.mark.parametrize("suffix", [".txt", ".caption"])
def test_caption_files_of_which_none_fits_stop(folder, suffix):
    for number in range(12):
        (folder / f"caption{number:02}{suffix}").write_text("mofu")
    with pytest.raises(UserError, match="12 caption files, but none fits") as error:
        said(folder, "mofu")
    assert f"caption00{suffix}\n" in str(error.value) and "cat.png" in str(error.value)


def test_captions_named_after_the_whole_file_stop_with_how_to_rename_them(folder):
    for number in range(12):
        (folder / f"{number}.png.txt").write_text("mofu")
    with pytest.raises(UserError, match=r"Rename 0\.png\.txt to 0\.txt"):
        said(folder)


def test_some_captions_that_fit_none_are_a_line(folder):
    caption_all(folder)
    (folder / "README.txt").touch()
    assert "captions that fit no picture: 1 (README.txt)" in said(folder)


@pytest.mark.parametrize("name", ["metadata.jsonl", "0.json", "captions.csv"])
def test_captions_as_other_programs_keep_them_stop_where_there_are_no_others(folder, name):
    (folder / name).touch()
    with pytest.raises(UserError, match=f"files that are not read: 1 {Path(name).suffix}"):
        said(folder)
    assert "trained with 'mofu'" in said(folder, "mofu")
    caption_all(folder)
    assert f"not read: 1 {name[name.rindex('.') :]}" in said(folder)


def test_kohyas_folders_are_said(tmp_path):
    for name in ("10_sks girl", "2_other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").touch()
    assert "10_sks girl 10, 2_other 2;" in said(tmp_path)


def test_numbers_that_are_no_repeats_are_said_with_the_rule(tmp_path):
    (tmp_path / "2024_holiday").mkdir()
    (tmp_path / "2024_holiday" / "a.png").touch()
    assert "not taken for repeats" in said(tmp_path)
    assert "2024_holiday; repeats are meant where every picture lies in a folder" in said(tmp_path)


def test_regularization_pictures_are_said_to_be_unused(folder):
    (folder / "reg").mkdir()
    (folder / "reg" / "a.png").touch()
    assert "not used: regularization pictures in reg/ (1)" in said(folder)


def test_other_files_are_counted_by_kind_and_loudly_where_they_are_many(folder):
    caption_all(folder)
    (folder / "a.psd").touch()
    assert said(folder) == "not read: 1 .psd"
    (folder / "b.mp4").touch()
    (folder / "c.psd").touch()
    assert said(folder).startswith("NOT READ: 2 .psd, 1 .mp4; ")


def test_caches_beside_the_pictures_are_not_loud(folder):
    caption_all(folder)
    for number in range(12):
        (folder / f"{number}_sd.npz").touch()
    assert said(folder) == "not read: 12 .npz"


def test_a_place_for_the_trigger_that_nobody_fills_in_stops(folder):
    caption_all(folder, "[trigger], {}")
    with pytest.raises(UserError, match="write the trigger words instead"):
        said(folder, "mofu")


def test_captions_in_a_folder_of_their_own_stop(folder):
    (folder / "captions").mkdir()
    for number in range(12):
        (folder / "captions" / f"{number}.txt").write_text("mofu")
    with pytest.raises(UserError, match="lies beside its picture"):
        said(folder)


def test_pictures_without_a_suffix_are_counted_as_such(folder):
    caption_all(folder)
    for number in range(3):
        (folder / f"download{number}").touch()
    assert said(folder).startswith("NOT READ: 3 without a suffix; rename or save pictures as")
