"""What a raw set holds: pictures, captions, the trigger words, and kohya's folders."""

import codecs
import os
import unicodedata
from pathlib import Path

import pytest

from lorabench.dataset import raw
from lorabench.errors import UserError


def put(folder: Path, name: str, caption: str | bytes | None = None, suffix=".txt") -> Path:
    """Lay an empty picture into the set, with a caption if one is given; nothing is decoded."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    if caption is not None:
        data = caption if isinstance(caption, bytes) else caption.encode()
        path.with_suffix(suffix).write_bytes(data)
    return path


def a_set(folder, captions):
    folder.mkdir(parents=True, exist_ok=True)
    for number, caption in enumerate(captions):
        put(folder, f"{number}.png", caption)
    return raw.read(folder)


def captions_of(folder):
    return {picture.name: picture.caption for picture in raw.read(folder).pictures}


def refusal(folder):
    with pytest.raises(UserError) as error:
        raw.read(folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("captions", "found"),
    [
        (["mofu, a hat", "mofu , red", "mofu"], "mofu"),
        (["zwirbl  style, a cat"] * 9 + ["a cat"], "zwirbl style"),
        (["zwirbl style, a cat"] * 8 + ["a cat"] * 2, ""),
        (["a cat in zwirbl style", "a dog in zwirbl style"], ""),
        ([None, None], "my_set"),
        (["", None], "my_set"),
        (["mofu、帽子", "mofu，红色"], "mofu"),
        (["mofu\na hat", "mofu\nred"], "mofu"),  # lines are tags, as in the training
        (["mofu, a hat", "mofu, red", None, None, None], "mofu"),  # found among the captioned
    ],
)
def test_the_trigger_is_the_first_tag_that_nearly_all_captions_share(tmp_path, captions, found):
    assert a_set(tmp_path / "my_set", captions).trigger() == found


def test_words_that_are_given_are_the_trigger(tmp_path):
    found = a_set(tmp_path / "my_set", ["mofu, a hat", None])
    assert (found.trigger("zwirbl"), found.stand_in("zwirbl")) == ("zwirbl", "zwirbl")


def test_pictures_without_a_caption_get_the_trigger_or_else_the_sets_name(tmp_path):
    shared = a_set(tmp_path / "one", ["mofu, a hat", None])
    assert (shared.lacks_captions, shared.stand_in()) == (True, "mofu")
    differing = a_set(tmp_path / "two", ["a hat", "a cat", None])
    assert (differing.trigger(), differing.stand_in()) == ("", "two")


def test_captions_are_txt_or_caption_in_any_case(tmp_path):
    put(tmp_path, "a.png", "mofu, a")
    put(tmp_path, "b.png", "mofu, b", ".caption")
    put(tmp_path, "c.png", "mofu, c", ".Caption")
    assert captions_of(tmp_path) == {"a.png": "mofu, a", "b.png": "mofu, b", "c.png": "mofu, c"}


def test_a_picture_and_its_caption_pair_however_unicode_is_spelt(tmp_path):
    put(tmp_path, unicodedata.normalize("NFD", "がぎ.png"))
    (tmp_path / unicodedata.normalize("NFC", "がぎ.txt")).write_text("mofu, a hat")
    assert captions_of(tmp_path) == {"がぎ.png": "mofu, a hat"}
    assert raw.read(tmp_path).trigger() == "mofu"


def test_a_picture_with_two_captions_is_refused(tmp_path):
    put(tmp_path, "a.png", "mofu")
    put(tmp_path, "a.png", "a photo of a cat", ".caption")
    said = refusal(tmp_path)
    assert str(tmp_path / "a.caption") in said and str(tmp_path / "a.txt") in said
    assert "move one of each" in said


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding):
    put(tmp_path, "a.png", "猫耳, a hat".encode(encoding))
    assert captions_of(tmp_path) == {"a.png": "猫耳, a hat"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("mofu, a hat".encode("utf-16-le"), "NUL bytes"),
        ("mofu, a hat".encode("utf-16-be"), "NUL bytes"),
        ("猫、かわいい".encode("cp932"), "not UTF-8"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "not UTF-8"),
    ],
)
def test_a_caption_that_is_no_text_is_refused_with_its_name(tmp_path, data, why):
    put(tmp_path, "a.png", data)
    said = refusal(tmp_path)
    assert why in said and str(tmp_path / "a.txt") in said


def test_a_caption_that_leads_nowhere_is_refused(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "a.txt").symlink_to(tmp_path / "away.txt")
    assert f"{tmp_path / 'a.txt'}: No such file" in refusal(tmp_path)


def test_a_caption_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path):
    put(tmp_path, "a.png")
    os.mkfifo(tmp_path / "a.txt")
    assert f"{tmp_path / 'a.txt'}: is not a file" in refusal(tmp_path)


def test_captions_that_fit_no_picture_are_told_apart(tmp_path):
    put(tmp_path, "a.png", "mofu")
    (tmp_path / "README.txt").write_text("of somebody")
    assert raw.read(tmp_path).stray_captions == [tmp_path / "README.txt"]


def test_pictures_behind_links_count_once_each(tmp_path):
    archive, folder = tmp_path / "archive", tmp_path / "set"
    put(archive, "deep/a.png", "mofu, a")
    put(folder, "own/b.png", "mofu, b")
    for link in ("far", "far_again"):
        (folder / link).symlink_to(archive)
    (archive / "deep" / "back").symlink_to(archive)
    (folder / "a_link_to_own").symlink_to(folder / "own")
    assert captions_of(folder) == {"far/deep/a.png": "mofu, a", "own/b.png": "mofu, b"}


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_link_that_leads_back_up_is_not_followed(tmp_path, target):
    put(tmp_path / "style" / "other_set", "x.png")
    put(tmp_path / "style" / "my_set", "a.png", "mofu")
    (tmp_path / "style" / "my_set" / "up").symlink_to(target)
    assert list(captions_of(tmp_path / "style" / "my_set")) == ["a.png"]


def test_a_set_that_is_itself_a_link_has_the_links_name(tmp_path):
    put(tmp_path / "archive", "a.png")
    (tmp_path / "my_set").symlink_to(tmp_path / "archive")
    assert raw.read(tmp_path / "my_set").trigger() == "my_set"


def test_what_is_no_file_is_no_picture(tmp_path):
    put(tmp_path, "a.png", "mofu")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "away.png").symlink_to(tmp_path / "nowhere.png")
    found = raw.read(tmp_path)
    assert [source.name for source in found.unreadable] == ["away.png", "pipe.png"]
    assert [path.name for path in found.files] == ["a.png", "a.txt"]


def test_the_order_is_that_of_the_names(tmp_path):
    for name in ("b.png", "a/z.png", "a.png", "c.png", ".hidden.png", ".hidden/d.png"):
        put(tmp_path, name)
    assert list(captions_of(tmp_path)) == ["a.png", "a/z.png", "b.png", "c.png"]


def test_a_name_that_is_not_utf8_is_refused_with_what_to_do(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + "/猫.png".encode("cp932"))).touch()
    said = refusal(tmp_path)
    assert r"b'\x94L.png'" in said and "rename" in said
    said.encode()  # it can be printed


def test_a_name_that_does_not_count_may_be_anything(tmp_path):
    put(tmp_path, "a.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x94.pdf")).touch()
    assert raw.read(tmp_path).left_out == {".pdf": 1}


def test_a_set_without_pictures_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    assert "holds no picture (png, jpg" in refusal(tmp_path)


def kohya(folder):
    """Return how often each picture counts and the caption that it gets."""
    return {
        picture.name: (picture.folder.repeats, picture.words)
        for picture in raw.read(folder).pictures
    }


def test_kohyas_folders_tell_repeats_and_class_words(tmp_path):
    put(tmp_path, "10_sks girl/a.png")
    put(tmp_path, "10_sks girl/b.png", "sks girl, a hat")
    put(tmp_path, "2_other_style/c.png", "")
    assert kohya(tmp_path) == {
        "10_sks girl/a.png": (10, "sks girl"),
        "10_sks girl/b.png": (10, "sks girl, a hat"),
        "2_other_style/c.png": (2, "other_style"),
    }
    found = raw.read(tmp_path)
    assert found.repeats == {"10_sks girl": 10, "2_other_style": 2}
    assert not found.lacks_captions


def test_the_class_words_of_one_folder_are_the_trigger(tmp_path):
    put(tmp_path, "10_sks girl/a.png")
    put(tmp_path, "10_sks girl/b.png")
    assert raw.read(tmp_path).trigger() == "sks girl"


def test_a_whole_project_of_kohyas_gui_is_one_set(tmp_path):
    put(tmp_path, "img/10_sks girl/a.png")
    put(tmp_path, "reg/1_girl/r.png", "girl")
    put(tmp_path, "Regularization images/s.png")
    put(tmp_path, "model/sample/x_e000001.png")
    found = raw.read(tmp_path)
    assert kohya(tmp_path) == {"img/10_sks girl/a.png": (10, "sks girl")}
    assert found.unused == {
        "regularization pictures in reg/": 1,
        "regularization pictures in Regularization images/": 1,
        "results of kohya's GUI in model/": 1,
    }
    assert [path.name for path in found.files] == ["a.png"]


def test_a_folder_called_model_is_no_result_elsewhere(tmp_path):
    put(tmp_path, "model/a.png")
    put(tmp_path, "img/b.png")
    assert len(raw.read(tmp_path).pictures) == 2


@pytest.mark.parametrize(
    "names",
    [
        ["2024_holiday/a.png"],
        ["512_crops/a.png", "768_crops/b.png"],
        ["10_sks girl/a.png", "beside.png"],
        ["10_sks girl/a.png", "more/b.png"],
        ["01_front/a.png", "02_back/b.png"],
        ["0_off/a.png"],
        ["10_/a.png"],
        ["3 cats/a.png"],
    ],
)
def test_other_numbers_are_no_repeats(tmp_path, names):
    for name in names:
        put(tmp_path, name)
    assert set(kohya(tmp_path).values()) == {(1, "")}
    assert raw.read(tmp_path).repeats == {}


def test_a_set_of_regularization_pictures_alone_is_refused(tmp_path):
    put(tmp_path, "reg/1_girl/a.png")
    assert "besides regularization pictures" in refusal(tmp_path)


def test_one_of_kohyas_folders_made_a_set_itself_has_its_words(tmp_path):
    put(tmp_path / "10_sks girl", "a.png")
    assert raw.read(tmp_path / "10_sks girl").trigger() == "sks girl"
    put(tmp_path / "2024_holiday", "a.png")
    assert raw.read(tmp_path / "2024_holiday").trigger() == "2024_holiday"


def test_masks_in_a_folder_of_theirs_are_no_pictures_to_learn(tmp_path):
    for name in ("a.png", "b.jpg", "masks/a.png", "masks/b_mask.png", "Mask/sub/a.webp"):
        put(tmp_path, name)
    put(tmp_path, "mask/b.png", "mika, wearing a mask")
    put(tmp_path, "mask/venice.png")
    found = raw.read(tmp_path)
    assert found.unused == {"masks in masks/": 2, "masks in Mask/": 1}
    names = {picture.name for picture in found.pictures}
    assert names == {"a.png", "b.jpg", "mask/b.png", "mask/venice.png"}


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        ("ぽにゅ, 青い髪", "cp932", "Shift_JIS"),
        ("ぽにゅ, 青い髪", "euc_jp", "EUC-JP"),
        ("一个女孩, 蓝色头发", "gbk", "GBK"),
        ("一個女孩, 藍色頭髮", "gbk", "GBK"),
        ("café, Mädchen", "cp1252", "Windows-1252"),
    ],
)
def test_the_encoding_of_a_caption_is_named(tmp_path, text, codec, name):
    put(tmp_path, "a.png", text.encode(codec))
    said = refusal(tmp_path)
    assert said.startswith("captions must be UTF-8 text; save these as UTF-8:")
    assert said.endswith(f"{tmp_path / 'a.txt'}: is not UTF-8; it may be {name}")


def test_a_link_to_a_key_is_no_caption(tmp_path):
    key = tmp_path.with_name("id_key")
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret")
    put(tmp_path, "a.png").with_suffix(".txt").symlink_to(key)
    assert "is a key or certificate" in refusal(tmp_path)
    assert "secret" not in refusal(tmp_path)


def test_masks_are_no_pictures_to_learn(tmp_path):
    put(tmp_path, "a.png", "mofu")
    put(tmp_path, "a-masklabel.png")
    put(tmp_path, "a-masklabel2.png")
    found = raw.read(tmp_path)
    assert list(captions_of(tmp_path)) == ["a.png"]
    assert found.unused == {"OneTrainer's masks": 2}
    assert not found.lacks_captions


@pytest.mark.parametrize("folder", ["__MACOSX", "@eaDir", "$RECYCLE.BIN"])
def test_folders_of_systems_are_left_out(tmp_path, folder):
    put(tmp_path, "a.png", "mofu")
    put(tmp_path, f"{folder}/b.png")
    assert list(captions_of(tmp_path)) == ["a.png"]
