"""The trigger words, as the captions of a raw set tell them."""

import pytest

from lorabench.captions import trigger


def a_set(folder, captions):
    for number, caption in enumerate(captions):
        (folder / f"{number}.png").touch()
        if caption is not None:
            (folder / f"{number}.txt").write_text(caption, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("captions", "found"),
    [
        (["mofu, a hat", "mofu , red", "mofu"], "mofu"),
        (["zwirbl  style, a cat"] * 9 + ["a cat"], "zwirbl style"),
        (["zwirbl style, a cat"] * 8 + ["a cat"] * 2, ""),
        (["a cat in zwirbl style", "a dog in zwirbl style"], ""),
        ([None, None], "my_set"),
        (["my_set, a cat", None], "my_set"),
        (["", None], "my_set"),
        ([], ""),
    ],
)
def test_the_first_tag_that_nearly_all_share(tmp_path, captions, found):
    assert trigger(a_set(tmp_path, captions), "my_set") == found
