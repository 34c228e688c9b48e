"""What a LoRA's metadata say of its training pictures, as trainers write it or get it wrong."""

import json

import pytest

from lorabench.lora import trained_on


def kohyas(tags, **images):
    """sd-scripts' records of folders: counts of tags, numbers of pictures."""
    folders = {name: {"n_repeats": 10, "img_count": count} for name, count in images.items()}
    return {"ss_tag_frequency": json.dumps(tags), "ss_dataset_dirs": json.dumps(folders)}


def test_the_phrase_that_the_file_names_comes_first():
    tags = kohyas({"set": {"ink": 10}}, set=10)
    assert trained_on.trigger({"modelspec.trigger_phrase": "my ink", **tags}) == "my ink"
    assert trained_on.trigger({"modelspec.trigger_phrase": "", **tags}) == "ink"
    damaged = {"modelspec.trigger_phrase": "my ink", "ss_tag_frequency": "["}
    assert trained_on.trigger(damaged) == "my ink"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"ink": 10, "a cat": 10}, "ink"),
        ({"a cat": 3, "ink": 9, "blue": 10}, "ink"),
        ({"a cat": 3, "ink": 8}, ""),
        ({" mika \\(moon\\) ": 10}, "mika (moon)"),
        ({"": 10, "ink": 10}, "ink"),
        ({}, ""),
    ],
)
def test_else_it_is_the_first_tag_that_nine_captions_in_ten_share(tags, found):
    assert trained_on.trigger(kohyas({"set": tags}, set=10)) == found


def test_folders_count_together_and_those_for_regularization_not():
    tags = {"10_a": {"cat": 4, "ink": 4}, "1_b": {"ink": 6}, "1_reg": {"cat": 100}}
    assert trained_on.trigger(kohyas(tags, **{"10_a": 4, "1_b": 6})) == "ink"


def test_a_number_of_pictures_without_folders_will_do():
    tags = {"ss_tag_frequency": json.dumps({"set": {"ink": 10}}), "ss_num_train_images": "10"}
    assert (trained_on.trigger(tags), trained_on.pictures(tags)) == ("ink", 10)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"ss_tag_frequency": json.dumps({"set": {"ink": 10}})},  # of how many?
        {"ss_tag_frequency": "{not json", "ss_num_train_images": "10"},
        {"ss_tag_frequency": "[]", "ss_num_train_images": "10"},
        {"ss_tag_frequency": '{"set": {"ink": "many"}}', "ss_num_train_images": "10"},
        {"ss_tag_frequency": '{"set": []}', "ss_num_train_images": "None"},
        {"ss_tag_frequency": "[" * 100_000, "ss_dataset_dirs": "[" * 100_000},
    ],
)
def test_from_what_is_missing_or_odd_nothing_is_concluded(metadata):
    assert trained_on.trigger(metadata) == ""
