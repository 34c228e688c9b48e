"""A raw folder becomes a training set; what is done is not done again."""

import csv
import shutil
import zlib
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from lorabench import files
from lorabench.dataset import normalize, picture
from lorabench.dataset.normalize import normalize_set
from lorabench.dataset.raw import read
from lorabench.errors import UserError
from tests.pictures import photo, settings


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw" / "ponnyu"
    folder.mkdir(parents=True)
    return folder


def put(raw, name, image=None, caption=None, **options):
    path = raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or photo(name_seed(name))).save(path, **options)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return path


def name_seed(name):
    return zlib.crc32(name.encode())


def normalized(raw, tmp_path, output="set", workers=1, **changes):
    """Normalize and return the rows by source."""
    out = tmp_path / output
    rows = normalize_set(read(raw), out, settings(**changes), tmp_path / "store", workers)
    return {row.source: row for row in rows}


def log_of(output):
    with (output / "preprocess_log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def snapshot(folder):
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


def test_every_suffix_in_any_case_in_subfolders_with_any_name(raw, tmp_path):
    names = ["a.png", "b.JPG", "c.Jpeg", "d.webp", "e.bmp", "f.GIF", "g.tif", "sub/深い/h.TIFF"]
    names += ["with space/i j.png", "猫とうさぎ.png", "[k]*?{}.png", "dots.in.name.png"]
    for name in names:
        put(raw, name)
    (raw / ".hidden.png").write_bytes(b"")
    (raw / "notes.pdf").write_bytes(b"")
    rows = normalized(raw, tmp_path)
    assert sorted(rows) == sorted(names)
    assert all(row.ok for row in rows.values())
    results = {path.name for path in (tmp_path / "set/images").glob("*.png")}
    assert results == {row.result for row in rows.values()}
    assert len(results) == len(names)
    assert rows["sub/深い/h.TIFF"].result.startswith("sub_深い_h-")
    assert not any(set(name) & set(" []*?{}/") for name in results)


def test_pictures_of_one_stem_do_not_collide(raw, tmp_path):
    for seed, name in enumerate(["a.png", "a.jpg", "A.png", "sub/a.png", "sub_a.png", "a b.png"]):
        put(raw, name, photo(seed))
    rows = normalized(raw, tmp_path)
    assert len({row.result.lower() for row in rows.values() if row.ok}) == 6


def test_a_name_that_is_too_long_for_a_suffix_is_cut(raw, tmp_path):
    put(raw, "猫" * 80 + ".png")
    (row,) = normalized(raw, tmp_path).values()
    assert (tmp_path / "set/images" / row.result).is_file()


def test_results_have_the_size_of_their_bucket(raw, tmp_path):
    put(raw, "square.png", photo(1, 300, 310))
    put(raw, "wide.jpg", photo(2, 320, 200))
    put(raw, "tall.webp", photo(3, 100, 290))
    rows = normalized(raw, tmp_path)
    assert {name: (row.width, row.height) for name, row in rows.items()} == {
        "square.png": (128, 128),
        "wide.jpg": (160, 96),
        "tall.webp": (64, 192),
    }
    for row in rows.values():
        with Image.open(tmp_path / "set/images" / row.result) as image:
            assert (image.size, image.mode, image.info) == ((row.width, row.height), "RGB", {})


def test_a_picture_of_a_buckets_size_keeps_its_pixels(raw, tmp_path):
    image = photo(1, 160, 96)
    put(raw, "a.png", image)
    (row,) = normalized(raw, tmp_path).values()
    assert row.scale == 1
    with Image.open(tmp_path / "set/images" / row.result) as result:
        assert result.tobytes() == image.tobytes()


def test_the_log_says_what_was_done(raw, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    put(raw, "a.jpg", photo(1, 200, 400).convert("L"), "a cat", exif=exif)
    normalized(raw, tmp_path)
    (row,) = log_of(tmp_path / "set")
    result = tmp_path / "set/images" / row["result"]
    assert (row["source"], row["ok"], row["reason"]) == ("a.jpg", "True", "")
    assert (row["format"], row["mode"], row["caption"]) == ("JPEG", "L", "own")
    assert (row["original_width"], row["original_height"]) == ("400", "200")
    assert (row["width"], row["height"], row["crop"]) == ("160", "96", "33,0,333,200")
    assert float(row["scale"]) == pytest.approx(0.48)
    assert row["source_sha256"] == picture.files.sha256(raw / "a.jpg")
    assert row["result_sha256"] == picture.files.sha256(result)
    assert len(row["phash"]) == 16


@pytest.mark.parametrize(
    ("size", "changes", "reason"),
    [
        ((60, 40), {}, "too small: 60×40, at least 64 on the shorter edge"),
        ((80, 80), {}, "too small: 80×80, at least 86×86 (enlarged at most 1.5 times)"),
        ((80, 80), {"max_upscale": 1}, "too small: 80×80, at least 128×128"),
        ((520, 100), {}, "aspect 5.2:1, at most 3:1"),
        ((100, 520), {}, "aspect 1:5.2, at most 1:3"),
        ((1200, 1000), {"max_pixels": 1}, "too many pixels: 1200×1000 are 1.2 million, at most 1"),
    ],
)
def test_what_is_out_of_limits_is_refused(raw, tmp_path, size, changes, reason):
    put(raw, "good.png", photo(1))
    put(raw, "bad.png", photo(2, *size))
    row = normalized(raw, tmp_path, **changes)["bad.png"]
    assert not row.ok
    assert row.reason.startswith(reason)
    assert (row.original_width, row.original_height) == size
    assert (row.width, row.scale, row.crop, row.result) == (None, None, "", "")
    copy = tmp_path / "set/rejected/bad.png"
    assert copy.read_bytes() == (raw / "bad.png").read_bytes()
    assert not [p for p in (tmp_path / "set/images").iterdir() if p.name.startswith("bad")]


def test_what_may_just_be_enlarged_is_not_refused(raw, tmp_path):
    put(raw, "a.png", photo(1, 86, 86))
    (row,) = normalized(raw, tmp_path).values()
    assert row.ok
    assert 1 < row.scale <= 1.5


def test_a_broken_picture_is_refused_and_copied_with_its_folder(raw, tmp_path):
    put(raw, "good.png")
    broken = put(raw, "sub/bad 猫.jpg")
    broken.write_bytes(broken.read_bytes()[:-900])
    row = normalized(raw, tmp_path)["sub/bad 猫.jpg"]
    assert row.reason == "truncated: the file ends too early"
    assert (tmp_path / "set/rejected/sub/bad 猫.jpg").read_bytes() == broken.read_bytes()


def test_what_is_no_picture_is_named_and_never_copied(raw, tmp_path):
    put(raw, "good.png")
    secret = tmp_path / "id_rsa"
    secret.write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    (raw / "sub").mkdir()
    (raw / "sub/a.png").symlink_to(secret)
    row = normalized(raw, tmp_path)["sub/a.png"]
    assert row.reason == "cannot be decoded: not a picture that is known here"
    assert list((tmp_path / "set/rejected").rglob("*")) == []
    assert b"PRIVATE" not in b"".join(p.read_bytes() for p in tmp_path.glob("s*/**/*.*"))


def test_duplicates_are_refused_and_the_larger_one_stays(raw, tmp_path):
    put(raw, "a.png", photo(1, 160, 160))
    put(raw, "b.jpg", photo(1, 320, 320), quality=90)
    shutil.copy(raw / "b.jpg", raw / "c.jpg")
    put(raw, "d.png", photo(2))
    rows = normalized(raw, tmp_path)
    assert [name for name, row in rows.items() if row.ok] == ["b.jpg", "d.png"]
    assert rows["c.jpg"].reason == "same picture as b.jpg"
    assert rows["a.png"].reason.startswith("nearly the same picture as b.jpg (distance ")
    rows = normalized(raw, tmp_path, duplicate_distance=-1)
    assert [name for name, row in rows.items() if row.ok] == ["a.png", "b.jpg", "d.png"]


def test_one_drawing_in_two_colours_is_two_pictures(raw, tmp_path):
    for colour in ("red", "blue"):
        put(raw, f"{colour}.png", Image.new("RGB", (160, 160), colour))
    rows = normalized(raw, tmp_path)
    assert rows["red.png"].phash == rows["blue.png"].phash
    assert {name: row.colour for name, row in rows.items() if row.ok} == {
        "blue.png": "#0000ff",
        "red.png": "#ff0000",
    }


def test_captions_travel_along(raw, tmp_path):
    put(raw, "own.png", caption="a girl, 猫耳\n")
    put(raw, "none.png")
    put(raw, "blank.png", caption=" \n\t")
    put(raw, "zero.png", caption="")
    put(raw, "bom.png").with_suffix(".TXT").write_bytes("\ufeffa hat\r\n".encode())
    put(raw, "bom_only.png").with_suffix(".txt").write_bytes("\ufeff".encode())
    put(raw, "lines.png", caption="a,\n\nb\nc")
    rows = normalized(raw, tmp_path, trigger="ponnyu style")
    texts = {
        name: (tmp_path / "set/images" / row.result).with_suffix(".txt").read_bytes().decode()
        for name, row in rows.items()
    }
    missing = ("none.png", "blank.png", "zero.png", "bom_only.png")
    assert texts == dict.fromkeys(missing, "ponnyu style") | {
        "own.png": "a girl, 猫耳",
        "bom.png": "a hat",
        "lines.png": "a, b, c",
    }
    states = {name: row.caption for name, row in rows.items() if row.caption != "own"}
    assert states == dict.fromkeys(missing, "empty") | {"none.png": "missing"}


def test_kohyas_folders_give_class_words_and_repeats(raw, tmp_path):
    put(raw, "10_sks girl/a.png")
    put(raw, "2_other/b.png", caption="mine")
    rows = normalized(raw, tmp_path, trigger="ponnyu style")
    log = {row["source"]: (row["caption"], row["repeats"]) for row in log_of(tmp_path / "set")}
    assert log == {"10_sks girl/a.png": ("folder", "10"), "2_other/b.png": ("own", "2")}
    result = tmp_path / "set/images" / rows["10_sks girl/a.png"].result
    assert result.with_suffix(".txt").read_text() == "sks girl"


def test_without_trigger_words_the_name_of_the_set_is_taken(raw, tmp_path):
    put(raw, "a.png")
    (row,) = normalized(raw, tmp_path).values()
    assert (tmp_path / "set/images" / row.result).with_suffix(".txt").read_text() == "ponnyu"


def test_a_set_without_usable_pictures_stops_with_the_counts(raw, tmp_path):
    put(raw, "a.png", photo(1, 40, 40))
    put(raw, "b.png", photo(2, 40, 40))
    (raw / "c.png").write_bytes(b"")
    with pytest.raises(UserError, match="2 too small, 1 undecodable"):
        normalized(raw, tmp_path)
    assert not (tmp_path / "set").exists()


def test_the_raw_folder_is_only_read(raw, tmp_path):
    put(raw, "a.png", caption="a")
    put(raw, "sub/b.jpg")
    (raw / "c.png").write_bytes(b"broken")
    before = snapshot(raw)
    normalized(raw, tmp_path)
    assert snapshot(raw) == before


def test_one_process_and_several_give_the_same_bytes(raw, tmp_path):
    for index in range(2 * normalize._PER_WORKER):
        put(raw, f"{index:02}.jpg", photo(index))
    (raw / "bad.png").write_bytes(b"broken")
    one = normalized(raw, tmp_path, "one")
    shutil.rmtree(tmp_path / "store")
    two = normalized(raw, tmp_path, "two", workers=2)
    assert one == two

    def contents(name):
        root = tmp_path / name
        return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    assert contents("one") == contents("two")


def count_decodings(monkeypatch):
    decoded = []
    real = picture.decoding.decode
    monkeypatch.setattr(
        picture.decoding, "decode", lambda *args: decoded.append(args) or real(*args)
    )
    return decoded


def test_what_is_done_is_not_done_again(raw, tmp_path, monkeypatch):
    decoded = count_decodings(monkeypatch)
    put(raw, "a.png")
    put(raw, "b.jpg")
    first = normalized(raw, tmp_path)
    assert len(decoded) == 2
    assert normalized(raw, tmp_path) == first
    assert len(decoded) == 2
    put(raw, "c.jpg")
    put(raw, "moved/a.png").write_bytes((raw / "a.png").read_bytes())
    (raw / "a.png").unlink()
    assert len(normalized(raw, tmp_path, "next")) == 3
    assert len(decoded) == 3


def test_limits_hold_for_what_was_done_under_others(raw, tmp_path, monkeypatch):
    decoded = count_decodings(monkeypatch)
    put(raw, "a.png", photo(1, 100, 100))
    put(raw, "b.png", photo(2, 200, 200))
    assert all(row.ok for row in normalized(raw, tmp_path).values())
    again = normalized(raw, tmp_path, min_size=150)
    assert len(decoded) == 2
    shutil.rmtree(tmp_path / "store")
    assert normalized(raw, tmp_path, min_size=150) == again
    assert not again["a.png"].ok and again["b.png"].ok


@pytest.mark.parametrize("change", [{"resolution": 64}, {"background": "#000000"}])
def test_other_settings_make_other_pictures(raw, tmp_path, monkeypatch, change):
    decoded = count_decodings(monkeypatch)
    put(raw, "a.png")
    normalized(raw, tmp_path)
    normalized(raw, tmp_path, **change)
    assert len(decoded) == 2


@pytest.mark.parametrize("damage", ["edited", "facts"])
def test_a_damaged_store_never_shows(raw, tmp_path, damage):
    put(raw, "a.png")
    (row,) = normalized(raw, tmp_path).values()
    (stored,) = (tmp_path / "store").rglob("*.png")
    if damage == "edited":  # through the hard link, as a paint program may do
        (tmp_path / "set/images" / row.result).write_bytes(b"edited")
        assert stored.read_bytes() == b"edited"
    else:
        stored.with_suffix(".json").write_text("{")
    assert list(normalized(raw, tmp_path).values()) == [row]
    assert picture.files.sha256(tmp_path / "set/images" / row.result) == row.result_sha256


def test_a_store_on_another_file_system_is_copied_from(raw, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr(files.os, "link", refuse)
    put(raw, "a.png")
    (row,) = normalized(raw, tmp_path).values()
    assert picture.files.sha256(tmp_path / "set/images" / row.result) == row.result_sha256


def test_an_output_is_replaced_whole_and_leaves_nothing_beside_it(raw, tmp_path):
    put(raw, "a.png")
    put(raw, "b.png")
    normalized(raw, tmp_path)
    (tmp_path / ".set.tmp").mkdir()  # of a killed run
    (raw / "b.png").unlink()
    normalized(raw, tmp_path)
    assert len(list((tmp_path / "set/images").glob("*.png"))) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "set", "store"}


@pytest.mark.parametrize("foreign", ["letter.odt", "images/photo.png"])
def test_a_folder_that_is_not_a_set_is_not_replaced(raw, tmp_path, foreign):
    put(raw, "a.png")
    path = tmp_path / "set" / foreign
    path.parent.mkdir(parents=True)
    path.write_bytes(b"precious")
    with pytest.raises(UserError, match="would be lost"):
        normalized(raw, tmp_path)
    assert path.read_bytes() == b"precious"


def test_what_a_workflow_left_of_an_output_is_replaced(raw, tmp_path):
    put(raw, "a.png")
    (tmp_path / "set/rejected").mkdir(parents=True)
    assert normalized(raw, tmp_path)["a.png"].ok


def test_an_unreadable_file_has_a_reason(raw, tmp_path, monkeypatch):
    put(raw, "a.png")
    put(raw, "b.png")
    real = Path.open

    def open_but(path, *args, **options):
        if path.name == "b.png":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)

    monkeypatch.setattr(Path, "open", open_but)
    assert normalized(raw, tmp_path)["b.png"].reason == "cannot be read: Permission denied"


def test_a_link_to_nothing_is_refused_with_a_reason(raw, tmp_path):
    put(raw, "b.png", caption="mine")
    (raw / "a.png").symlink_to(tmp_path / "moved away.png")
    (raw / "b.jpg").symlink_to("b.jpg")
    rows = normalized(raw, tmp_path)
    reason = "cannot be read: a link to a file that is not there"
    assert {name: row.reason for name, row in rows.items()} == {
        "b.png": "",
        "a.png": reason,
        "b.jpg": reason,
    }
    assert [row["source"] for row in log_of(tmp_path / "set")] == ["b.png", "a.png", "b.jpg"]
    assert list((tmp_path / "set/rejected").iterdir()) == []
