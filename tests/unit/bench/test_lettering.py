"""Words on pictures: that Japanese is drawn, and that lines fit their room."""

from lorabench.bench.lettering import font, shorten, wrap


def test_japanese_is_drawn_and_no_tofu():
    letters = font(32)

    def drawn(text):
        mask = letters.getmask(text)
        return mask.size, bytes(mask)

    text = "ぽにゅ水彩画髙橋カタカナ、・「」한汉"
    shapes = {drawn(character) for character in text}
    assert len(shapes) == len(set(text))
    assert drawn("\uffff") not in shapes


def test_lines_fit_their_room():
    letters = font(20)
    text = "a red cat on a blue background 水彩画のような柔らかい光の赤い猫と青い背景 " * 3
    lines = wrap(text, letters, 300, lines=4)
    assert len(lines) == 4
    assert max(letters.getlength(line) for line in lines) <= 300
    assert lines[0] == "a red cat on a blue background"
    assert lines[-1].endswith("…")


def test_short_text_stays_whole():
    letters = font(20)
    assert wrap("one line", letters, 300, lines=3) == ["one line"]
    assert wrap("", letters, 300, lines=3) == []
    assert shorten("one line", letters, 300) == "one line"
    assert "".join(wrap("x" * 90, letters, 300, lines=9)) == "x" * 90


def test_lines_of_a_name_break_after_its_hyphens_and_underscores():
    letters = font(20)
    width = letters.getlength("a-long-na")
    assert wrap("a-long-name_of-it", letters, width, lines=4) == ["a-long-", "name_of-", "it"]
