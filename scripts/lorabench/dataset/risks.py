"""What will spoil a training: a code and fields in files, words where it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from lorabench.text import phrases
from lorabench.text.phrases import Language


class Words(NamedTuple):
    """What is so, why that spoils a training, and what to do about it."""

    what: str
    reason: str
    remedy: str


TEXTS: dict[str, tuple[Words, Words]] = {
    "few_pictures": (
        Words(
            "{count} {count:picture is|pictures are} all there is to learn from",
            "a LoRA learns so few by heart and draws them again",
            "Add pictures, a dozen at least, that differ in subject, pose and background",
        ),
        Words(
            "学習に使える画像が {count} 枚しかありません",
            "枚数がこれほど少ないと、LoRA は画像を丸暗記し、そのまま描くようになります",
            "題材・ポーズ・背景の異なる画像を足し、12 枚以上にしてください",
        ),
    ),
    "trigger_nowhere": (
        Words(
            "the trigger words {trigger!r} stand in none of {count} {count:caption|captions}",
            "the LoRA does not learn to listen to them, and the benchmark calls it by them",
            "Begin each caption with them, or give with trigger= the words that the captions have",
        ),
        Words(
            "トリガーワード {trigger!r} を含むキャプションが 1 つもありません({count} 個中)",
            "LoRA はこの語に結び付かず、ベンチマークはこの語で LoRA を呼び出します",
            "各キャプションの先頭に書くか、実際に使っている語を trigger= で指定してください",
        ),
    ),
    "trigger_missing": (
        Words(
            "{missing} of {count} captions {missing:lacks|lack} the trigger words {trigger!r} "
            "({names})",
            "what these pictures show is learnt without the words, so the LoRA acts unasked",
            "Begin these captions with the trigger words, too",
        ),
        Words(
            "{count} 個中 {missing} 個のキャプションにトリガーワード {trigger!r} が"
            "ありません({names})",
            "その画像はトリガーワードなしで学習され、LoRA が呼ばれなくても作用します",
            "これらのキャプションの先頭にもトリガーワードを書いてください",
        ),
    ),
    "trigger_unsure": (
        Words(
            "no trigger words are known: {times} of {count} captions begin with {tag!r}, others do "
            "not ({names})",
            "the prompts then have none, the probes are left out, and neither copies nor leaks "
            "are judged",
            "If {tag!r} calls the LoRA, begin these captions with it, too; if not, give the words "
            "that do with trigger=",
        ),
        Words(
            "トリガーワードが不明です。{count} 個中 {times} 個のキャプションは {tag!r} で"
            "始まりますが、そうでないものがあります({names})",
            "このままではプロンプトにトリガーワードが入らず、プローブが省かれ、丸写しと漏れを"
            "判定できません",
            "{tag!r} がトリガーワードなら、これらのキャプションの先頭にも書いてください。"
            "違う場合は trigger= で指定してください",
        ),
    ),
    "captions_alike": (
        Words(
            "{same} of {count} pictures have the same caption, {caption!r}",
            "nothing tells what to learn from what only happens to be in a picture, so subjects "
            "and backgrounds come with the LoRA and prompts are passed over",
            "Write for each picture what it shows: subject, pose, background",
        ),
        Words(
            "{count} 枚中 {same} 枚のキャプションが同じです({caption!r})",
            "何を覚え、何を覚えないかの区別がつかず、題材や背景まで LoRA に混ざり、"
            "プロンプトが無視されます",
            "画像ごとに、写っているもの(題材、ポーズ、背景)を書いてください",
        ),
    ),
    "trait_named": (
        Words(
            "{share:.0%} of the captions or more name {traits}",
            "{what:a character's traits that captions name are|a style that captions name is} "
            "learnt with these words and not with the trigger words, which alone do not call "
            "{number:it|them}",
            "Take out of the captions what the trigger words alone should bring, or write it into "
            "every prompt",
        ),
        Words(
            "{traits} がキャプションの {share:.0%} 以上にあります",
            "キャプションに書いた特徴はその語に結び付き、トリガーワードだけでは現れません",
            "トリガーワードだけで出したい特徴はキャプションから消すか、毎回プロンプトに"
            "書いてください",
        ),
    ),
    "background_unnamed": (
        Words(
            "{same} of {count} pictures have the same plain background, {colour}, and captions do "
            "not name it",
            "it is learnt as a part of the character and comes with it into every picture",
            "Name it in the captions, such as {example!r}, or add pictures with others",
        ),
        Words(
            "{count} 枚中 {same} 枚が同じ単色の背景({colour})で、キャプションに書かれていません",
            "背景がキャラクターの一部として学習され、どの絵にも現れます",
            "キャプションに {example!r} のように書くか、背景の異なる画像を足してください",
        ),
    ),
    "mark": (
        Words(
            "all pictures have the same edges in one place, from {left:.0%} to {right:.0%} of the "
            "width and {top:.0%} to {bottom:.0%} of the height, such as a frame, a watermark or a "
            "grid",
            "it is learnt with the rest, and may be drawn into every picture",
            "If it does not belong to the style, cut it off or paint it over",
        ),
        Words(
            "すべての画像の同じ位置(幅の {left:.0%}~{right:.0%}、高さの {top:.0%}~{bottom:.0%})に"
            "同じ輪郭があります(枠・透かし・格子など)",
            "これも一緒に学習され、どの絵にも現れることがあります",
            "画風の一部でなければ、切り取るか塗りつぶしてください",
        ),
    ),
    "subject_alike": (
        Words(
            "{times} of {count} captions name {subject!r}",
            "the LoRA learns the subject with the style and draws it where a prompt asks for "
            "another",
            "Add pictures of other subjects in this style",
        ),
        Words(
            "{count} 個中 {times} 個のキャプションに {subject!r} があります",
            "題材が画風と一緒に学習され、ほかの題材を求めても描かれてしまいます",
            "同じ画風で題材の異なる画像を足してください",
        ),
    ),
    "pictures_alike": (
        Words(
            "the pictures look much alike: two of them differ in {distance:.0f} of 64 bits of the "
            "perceptual hash in the mean",
            "a LoRA learns one composition by heart, and prompts change little of it",
            "Add other poses, distances and backgrounds",
        ),
        Words(
            "どの画像も互いによく似ています(知覚ハッシュの差は平均 {distance:.0f}/64 ビット)",
            "1 つの構図を丸暗記し、プロンプトを変えても絵があまり変わらなくなります",
            "ポーズ・距離・背景の異なる画像を足してください",
        ),
    ),
    "not_given_back": (
        Words(
            "the base model's autoencoder gives back {share:.0%} of these pictures' fine detail",
            "no LoRA can draw what the autoencoder cannot, such as a weave, hatching or thick "
            "strokes: it stays out of all pictures, however long you train",
            "Look at the pictures beside what the base makes of them; use larger shapes, a higher "
            "preprocess.resolution or another base model",
        ),
        Words(
            "ベースモデルのオートエンコーダーを通すと、細部の {share:.0%} しか残りません",
            "布目・ハッチング・厚塗りの筆跡など、オートエンコーダーが再現できないものは LoRA でも"
            "描けません。どれだけ学習しても、どの画像にも現れません",
            "元の画像と再現した画像を見比べ、大きな形の画像、高い preprocess.resolution、"
            "別のベースモデルを検討してください",
        ),
    ),
    "captions_long": (
        Words(
            "{long} of {count} captions are longer than the {limit} tokens that the text encoder "
            "reads",
            "their ends are not learnt, as if they were not there",
            "Shorten them, what matters first, or with trainer=kohya set train: {{kohya_args: "
            "{{max_token_length: 225}}}}",
        ),
        Words(
            "{count} 個中 {long} 個のキャプションが、テキストエンコーダーの読む {limit} トークンを"
            "超えています",
            "超えた部分は、書かれていないものとして学習されます",
            "重要なことから順に書き、短くしてください。trainer=kohya では train: {{kohya_args: "
            "{{max_token_length: 225}}}} でも読めます",
        ),
    ),
    "lone_buckets": (
        Words(
            "{alone} of {count} pictures are alone in their bucket",
            "a batch holds one size, so each of them makes a step of its own and counts as much as "
            "{batch} others",
            "Crop them to the shapes of the others, or set train: {{batch_size: 1}}",
        ),
        Words(
            "{count} 枚中 {alone} 枚は、同じ大きさ(バケット)の画像がほかにありません",
            "1 つのバッチには 1 つの大きさしか入らないため、こうした画像は 1 枚で 1 ステップを"
            "占め、ほかの {batch} 枚分の重みを持ちます",
            "ほかの画像と同じ縦横比に切り抜くか、train: {{batch_size: 1}} にしてください",
        ),
    ),
    "steps_few": (
        Words(
            "the training shows {shown} pictures in all; the preset shows {usual}",
            "with so few the LoRA stays weak",
            "Set train: {{steps: {steps}}}, or leave steps to the preset",
        ),
        Words(
            "学習で見せる画像は延べ {shown} 枚です(既定の設定では {usual} 枚)",
            "これほど少ないと、LoRA の効きは弱いままです",
            "train: {{steps: {steps}}} とするか、ステップ数を既定のままにしてください",
        ),
    ),
    "steps_many": (
        Words(
            "the training shows each of {count} pictures {each} times",
            "far fewer are usual, some 100 to 300: more learns pictures by heart and fries the "
            "LoRA",
            "Set train: {{steps: {steps}}}, or add pictures",
        ),
        Words(
            "{count} 枚の画像をそれぞれ {each} 回見せる設定です",
            "普通は 100~300 回ほどです。多すぎると画像を丸暗記し、LoRA が焼けます(過学習)",
            "train: {{steps: {steps}}} とするか、画像を足してください",
        ),
    ),
}
"""Risk.code -> its words in English and Japanese."""


@dataclass(frozen=True)
class Risk:
    """One thing that will spoil a training."""

    code: str
    """A key of `TEXTS`."""
    fields: Mapping[str, Any]
    """What its texts name."""
    pictures: tuple[str, ...] = ()
    """The pictures that it is about, by their names in the raw set; empty: all."""

    def words(self, language: Language = "en") -> Words:
        """Return what is so, why it matters and what to do, in plain words."""
        texts = TEXTS[self.code][language == "ja"]
        return Words(*(phrases.fill(text, **self.fields) for text in texts))

    def line(self) -> str:
        """Return it as the terminal has it."""
        what, reason, remedy = self.words()
        return f"BEFORE YOU TRAIN: {what}: {reason}. {remedy}"

    def contents(self) -> dict[str, Any]:
        """Return it as files have it."""
        return asdict(self)


def refusal(risks: Sequence[Risk]) -> str:
    """Return why a training does not begin where `strict` is set."""
    lines = phrases.indented([risk.words().what for risk in risks])
    return (
        f"strict: this would spoil the training:\n{lines}\nMend it, or leave out strict; "
        "`snakemake dataset` makes a page on the set, with reasons and remedies"
    )
