"""The English that stands in a run's files, warnings and reasons, in Japanese.

The files have the whole sentence and no numbers by themselves; so it is known by its form.
"""

import re

FORMS = (
    # measures/faults.py
    (r"weight (\S+): (.+)", "重み {}: {}"),
    (r"the only picture is (.+)", "唯一の画像が{}"),
    (r"all (\d+) pictures (?:is|are) (.+)", "画像 {} 枚すべてが{}"),
    (r"(\d+) of (\d+) pictures (?:is|are) (.+)", "画像 {1} 枚のうち {0} 枚が{2}"),
    (r"of a single colour", "単色です"),
    (r"the same as at weight 0 \(to the bit\)", "重み 0 と完全に同じです"),
    (
        r"the same as at weight 0 \(mean absolute difference at most (\S+)\)",
        "重み 0 と同じです(平均絶対差は最大 {})",
    ),
    # picture.py, images.py
    (r"too small: (\S+), at least (\d+) on the shorter edge", "{}(短辺は {} 以上が必要)"),
    (
        r"too small: (\S+), at least (\S+) \(enlarged at most (\S+) times\)",
        "{}({} 以上が必要。拡大は {} 倍まで)",
    ),
    (
        r"too many pixels: (\S+) are (\S+) million, at most (\S+)",
        "{}({} 百万画素。上限は {} 百万画素)",
    ),
    (r"aspect (\S+), at most (\S+)", "縦横比 {}(上限 {})"),
    (r"truncated: the file ends too early", "ファイルが途中で終わっています"),
    (r"cannot be decoded: the file is empty", "ファイルが空です"),
    (r"cannot be decoded: not a picture that is known here", "対応している画像形式ではありません"),
    (r"cannot be decoded: not enough memory", "デコード中にメモリーが不足しました"),
    (r"cannot be decoded: a damaged or truncated (.+) file", "{} ファイルが壊れています"),
    (r"cannot be decoded: (.+)", "デコードできません({})"),
    (r"cannot be read: a link to a file that is not there", "リンク先のファイルがありません"),
    (r"cannot be read: not a file", "ファイルではありません"),
    (r"cannot be read: (.+)", "ファイルを開けません({})"),
    # duplicates.py
    (r"same picture as (.+)", "{} と同じ画像です"),
    (
        r"nearly the same picture as (.+) \(distance (\d+)\)",
        "{} とほぼ同じ画像です(ハッシュ距離 {})",
    ),
)
"""What a sentence, or a part of one, looks like; and the same in Japanese."""


def japanese(text: str) -> str:
    """Return a sentence in Japanese; as it is, if it has none of the forms."""
    for form, same in FORMS:
        if match := re.fullmatch(form, text, re.DOTALL):
            return same.format(*map(japanese, match.groups()))
    return text
