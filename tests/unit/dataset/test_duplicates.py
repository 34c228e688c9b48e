"""Duplicates: which of them stays, and that nothing else goes."""

import random

import pytest

from lorabench.dataset.duplicates import Candidate, find_duplicates


def words(pictures, distance):
    return {name: why.words() for name, why in find_duplicates(pictures, distance).items()}


def candidate(
    name, phash=0, sha256=None, pixels=100, captioned=False, file_size=1000, colour=(9, 9, 9)
):
    return Candidate(name, sha256 or name, f"{phash:016x}", colour, pixels, captioned, file_size)


def test_equal_files_are_exact_duplicates_at_any_distance():
    pictures = [candidate("a", sha256="1"), candidate("b", sha256="1")]
    for distance in (-1, 0, 4):
        assert words(pictures, distance) == {"b": "same picture as a"}


@pytest.mark.parametrize(("distance", "found"), [(-1, False), (0, False), (2, False), (3, True)])
def test_near_ones_count_up_to_the_distance(distance, found):
    pictures = [candidate("a", 0), candidate("b", 0b10101)]
    reason = {"b": "nearly the same picture as a (distance 3)"} if found else {}
    assert words(pictures, distance) == reason


@pytest.mark.parametrize(
    "better", [{"pixels": 101}, {"captioned": True}, {"file_size": 1001}], ids=str
)
def test_the_better_one_stays(better):
    pictures = [candidate("a"), candidate("b", **better)]
    assert words(pictures, 4) == {"a": "nearly the same picture as b (distance 0)"}


def test_size_counts_before_captions():
    pictures = [candidate("a", pixels=101), candidate("b", captioned=True)]
    assert list(find_duplicates(pictures, 4)) == ["b"]


def test_a_chain_is_not_one_picture():
    pictures = [candidate("a", 0b0), candidate("b", 0b111), candidate("c", 0b111111)]
    assert list(find_duplicates(pictures, 3)) == ["b"]


def test_the_nearest_is_named():
    pictures = [candidate("a", 0b1111), candidate("b", 0b1), candidate("c", 0, pixels=7)]
    assert words(pictures, 2) == {"c": "nearly the same picture as b (distance 1)"}


def test_the_highest_bit_is_a_bit():
    pictures = [candidate("a", 0), candidate("b", 2**63), candidate("c", 2**64 - 1)]
    assert words(pictures, 1) == {"b": "nearly the same picture as a (distance 1)"}


def test_the_order_of_the_candidates_does_not_matter():
    shuffle = random.Random(0)
    pictures = [candidate(f"p{i}", shuffle.getrandbits(6), pixels=i % 7) for i in range(60)]
    first = find_duplicates(pictures, 1)
    assert 0 < len(first) < 60
    for _ in range(5):
        shuffle.shuffle(pictures)
        assert find_duplicates(pictures, 1) == first


def test_agrees_with_counting_every_pair():
    shuffle = random.Random(1)
    pictures = [candidate(f"{i:03}", shuffle.getrandbits(12)) for i in range(200)]
    kept = []
    for picture in pictures:
        distances = [(int(picture.phash, 16) ^ int(k.phash, 16)).bit_count() for k in kept]
        if min(distances, default=99) > 2:
            kept.append(picture)
    dropped = {p.name for p in pictures} - {p.name for p in kept}
    assert set(find_duplicates(pictures, 2)) == dropped


@pytest.mark.parametrize(("blue", "found"), [(9, True), (41, True), (42, False), (255, False)])
def test_another_colour_is_another_picture(blue, found):
    pictures = [candidate("a"), candidate("b", colour=(9, 9, blue))]
    assert bool(find_duplicates(pictures, 4)) is found


def test_no_picture_has_no_duplicate():
    assert find_duplicates([], 4) == {}
