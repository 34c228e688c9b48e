from collections import Counter

import numpy as np
import pytest

from lorabench.errors import UserError
from lorabench.train import data
from tests.training import make_set, settings

SIZES = [(32, 32)] * 5 + [(48, 24)] * 3


@pytest.fixture
def folder(tmp_path):
    return make_set(tmp_path / "set", SIZES)


def test_an_epoch_shows_every_picture_once_in_batches_of_one_size(folder):
    pictures = data.read_set(folder, settings(batch_size=2))
    assert pictures.batches_per_epoch == 5
    for epoch in range(3):
        batches = [pictures.batch(5 * epoch + number) for number in range(5)]
        assert all(len({picture.size for picture in batch.pictures}) == 1 for batch in batches)
        assert Counter(picture for batch in batches for picture in batch.pictures) == Counter(
            pictures.pictures
        )


def log_repeats(folder, **repeats):
    """Give the set a log that says of some pictures how often they count."""
    lines = [f"{path.name},{repeats.get(path.stem, '')}" for path in folder.glob("images/*.png")]
    (folder / "preprocess_log.csv").write_text("\n".join(["result,repeats", *lines]))


def test_repeats_count_in_an_epoch(folder):
    log_repeats(folder, p0=3, p1=1, p7=3)
    pictures = data.read_set(folder, settings(batch_size=2))
    assert pictures.count == "8 pictures (12 with repeats)"
    assert pictures.batches_per_epoch == 7  # 7 of one size, 5 of the other
    batches = [pictures.batch(number) for number in range(7)]
    seen = Counter(picture.path.name for batch in batches for picture in batch.pictures)
    assert seen == Counter(f"p{n}.png" for n in range(8)) + Counter({"p0.png": 2, "p7.png": 2})


def test_a_set_without_repeats_is_dealt_and_digested_as_before_there_were_any(folder):
    plain = data.read_set(folder, settings())
    log_repeats(folder, p0=1)
    once = data.read_set(folder, settings())
    log_repeats(folder, p0=3)
    repeating = data.read_set(folder, settings())
    assert plain.digest() == once.digest() != repeating.digest()
    assert [once.batch(n) for n in range(9)] == [plain.batch(n) for n in range(9)]


def test_a_batch_depends_on_its_number_and_the_seed_alone(folder):
    options = {"flip": True, "shuffle_caption": True, "caption_dropout": 0.3}
    one = data.read_set(folder, settings(**options))
    other = data.read_set(folder, settings(**options))
    straight = [one.batch(number) for number in range(12)]
    assert [other.batch(number) for number in (7, 3, 11)] == [straight[n] for n in (7, 3, 11)]
    another = data.read_set(folder, settings(**options, seed=7))
    assert [another.batch(number) for number in range(12)] != straight


def test_epochs_come_in_different_orders(folder):
    pictures = data.read_set(folder, settings())
    first, second = (
        [pictures.batch(5 * epoch + number).pictures for number in range(5)] for epoch in (0, 1)
    )
    assert first != second


def test_shuffling_keeps_the_first_tags_and_all_others(folder):
    pictures = data.read_set(folder, settings(shuffle_caption=True, keep_tokens=2))
    captions = [caption for number in range(20) for caption in pictures.batch(number).captions]
    assert all(caption.startswith("ponnyu, cat ") for caption in captions)
    assert {frozenset(caption.split(", ")[2:]) for caption in captions} == {
        frozenset({"red", "立っている"})
    }
    assert len({tuple(caption.split(", ")[2:]) for caption in captions}) == 2


def test_dropout_and_flips_strike_their_share(folder):
    pictures = data.read_set(folder, settings(caption_dropout=0.25, flip=True))
    batches = [pictures.batch(number) for number in range(500)]
    captions = [caption for batch in batches for caption in batch.captions]
    mirrored = [flag for batch in batches for flag in batch.mirrored]
    assert captions.count("") / len(captions) == pytest.approx(0.25, abs=0.05)
    assert np.mean(mirrored) == pytest.approx(0.5, abs=0.05)


def test_nothing_is_dropped_shuffled_or_flipped_unasked(folder):
    pictures = data.read_set(folder, settings())
    for number in range(20):
        batch = pictures.batch(number)
        assert batch.captions == [picture.caption for picture in batch.pictures]
        assert not any(batch.mirrored)


def test_pixels_are_between_minus_one_and_one_and_mirrored_on_demand(folder):
    picture = data.read_set(folder, settings()).pictures[-1]
    pixels = picture.pixels(mirrored=False)
    assert pixels.shape == (3, 24, 48) and pixels.dtype == np.float32
    assert -1 <= pixels.min() < -0.9 and 0.9 < pixels.max() <= 1
    assert np.array_equal(picture.pixels(mirrored=True), pixels[:, :, ::-1])


def test_the_digest_knows_pictures_and_captions(folder):
    before = data.read_set(folder, settings()).digest()
    assert data.read_set(folder, settings(seed=7)).digest() == before
    (folder / "images" / "p0.txt").write_text("another")
    assert data.read_set(folder, settings()).digest() != before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda images: [path.unlink() for path in images.iterdir()], "no picture"),
        (lambda images: (images / "p0.txt").unlink(), "p0.txt"),
        (lambda images: (images / "p0.txt").write_text(" \n"), "caption is empty"),
        (lambda images: (images / "p0.txt").write_bytes(b"\xff\xfe\x00"), "unreadable"),
        (lambda images: (images / "p0.png").write_bytes(b"garbage"), "unreadable"),
    ],
)
def test_a_broken_set_is_refused_with_the_reason(folder, spoil, message):
    spoil(folder / "images")
    with pytest.raises(UserError, match=message):
        data.read_set(folder, settings())


def test_a_picture_of_no_buckets_size_is_refused(tmp_path):
    with pytest.raises(UserError, match="33x32 px"):
        data.read_set(make_set(tmp_path / "set", [(33, 32)]), settings())


def reg_set(folder, repeats=(1, 1)):
    made = make_set(folder, [(32, 32)] * len(repeats))
    for path in (made / "images").glob("*.txt"):
        path.write_text("cat")
    rows = [f"p{number}.png,{count}" for number, count in enumerate(repeats)]
    (made / "preprocess_log.csv").write_text("\n".join(["result,repeats", *rows]))
    return made


@pytest.mark.parametrize(
    ("repeats", "dealt"),
    [
        ((1, 1), {"p0.png": 2, "p1.png": 2}),  # four are learnt
        ((1, 3), {"p0.png": 1, "p1.png": 3}),
        ((1,) * 8, {"p0.png": 1, "p2.png": 1, "p4.png": 1, "p6.png": 1}),
        ((1, 1, 1), {"p0.png": 2, "p1.png": 1, "p2.png": 1}),
    ],
)
def test_an_epoch_shows_as_many_regularization_pictures_as_are_learnt(tmp_path, repeats, dealt):
    learnt = make_set(tmp_path / "set")
    reg = reg_set(tmp_path / "reg", repeats)
    pictures = data.read_set(learnt, settings(batch_size=2), reg)
    assert {one.path.name: one.repeats for one in pictures.regularization} == dealt
    shown = [one for n in range(pictures.batches_per_epoch) for one in pictures.batch(n).pictures]
    assert len(shown) == 8
    assert sum(one.regularizes for one in shown) == 4
    assert {one.caption for one in shown if one.regularizes} == {"cat"}
    assert pictures.digest() != data.read_set(learnt, settings()).digest()


def test_pictures_are_held_out_by_content_and_never_shown(tmp_path):
    folder = make_set(tmp_path / "set", [(32, 32)] * 10)
    assert data.read_set(folder, settings()).held_out == []
    pictures = data.read_set(folder, settings(validation=0.2))
    assert (len(pictures.pictures), len(pictures.held_out)) == (8, 2)
    shown = {one for n in range(pictures.batches_per_epoch) for one in pictures.batch(n).pictures}
    assert shown == set(pictures.pictures)
    held_out = {one.path.read_bytes() for one in pictures.held_out}
    for path in sorted((folder / "images").glob("p*")):
        path.rename(path.with_name(f"{9 - int(path.stem[1:])}-renamed{path.suffix}"))
    again = data.read_set(folder, settings(validation=0.2, seed=7))
    assert {one.path.read_bytes() for one in again.held_out} == held_out


def test_of_few_pictures_one_is_held_out_and_of_one_none(tmp_path):
    three = make_set(tmp_path / "three", [(32, 32)] * 3)
    assert len(data.read_set(three, settings(validation=0.1)).held_out) == 1
    with pytest.raises(UserError, match=r"train.validation: 0.1, but the set has one picture"):
        data.read_set(make_set(tmp_path / "one", [(32, 32)]), settings(validation=0.1))


@pytest.mark.parametrize(("epochs", "every"), [(3, 1), (99, 1), (100, 2), (1000, 20)])
def test_held_out_pictures_are_looked_at_some_fifty_times(tmp_path, epochs, every):
    folder = make_set(tmp_path / "set")
    assert data.read_set(folder, settings(validation=0.3)).validated_every(epochs) == every
    assert data.read_set(folder, settings()).validated_every(epochs) == 0


@pytest.mark.parametrize(
    ("epochs", "given", "every"),
    [(80, 0, 10), (12, 0, 2), (9, 0, 1), (3, 0, 1), (1, 0, 1), (1000, 0, 125), (80, 5, 5)],
)
def test_about_so_many_epochs_are_kept_where_the_settings_say_none(folder, epochs, given, every):
    pictures = data.read_set(folder, settings(save_every_epochs=given))
    kept = pictures.keeping(8, epochs)
    assert kept.settings.save_every_epochs == every
    assert 6 <= epochs // every <= 12 or epochs < 8 or given
    assert kept.digest() == pictures.digest(), "the training stays the same"
    assert pictures.keeping(0, epochs) is pictures
