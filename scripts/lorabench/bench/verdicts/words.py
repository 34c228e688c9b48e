"""A verdict in words, in English and Japanese."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.text import phrases
from lorabench.text.phrases import Language

_NUMBER = re.compile(r"\{(value|limit):\.(\d)([f%])\}")

LABELS = {
    "works": ("works", "使えます"),
    "weak": ("weak", "効きが弱い"),
    "dead": ("dead", "効いていません"),
    "broken": ("broken", "壊れています"),
    "fried": ("fried", "焼けています"),
    "lost": ("loses the subject", "被写体が失われます"),
    "copies": ("copies its training pictures", "学習画像を丸写ししています"),
    "uncertain": ("uncertain", "判定できません"),
}

FINDINGS = {
    "style_low": (
        "at {weight:.2f} only {value:.0%} of the way to the training set (needed: {limit:.0%})",
        "{weight:.2f} では学習画像の画風への到達度が {value:.0%} にとどまります(必要: {limit:.0%})",
    ),
    "character_missing": (
        "at {weight:.2f} the character is not there: in colours and shape the figures come "
        "{value:.0%} of the way to the training set's (needed: {limit:.0%})",
        "{weight:.2f} ではキャラクターが再現されていません。色と形の到達度は {value:.0%} です"
        "(必要: {limit:.0%})",
    ),
    "embedding_missing": (
        "at {weight:.2f} the character is not there: by the embedding the pictures come "
        "{value:.0%} of the way to the training set (needed: {limit:.0%}, as it was found without "
        "one)",
        "{weight:.2f} ではキャラクターが再現されていません。埋め込みによる到達度は {value:.0%} です"
        "(必要: {limit:.0%}。埋め込みなしで定めた値)",
    ),
    "noise": (
        "at {weight:.2f} the pictures are noise: neighbouring parts of them correlate by "
        "{value:.2f} (a picture's by {limit:.2f} at least)",
        "{weight:.2f} では画像がノイズになっています。隣り合う部分の相関は {value:.2f} です"
        "(絵なら {limit:.2f} 以上)",
    ),
    "no_effect": (
        "at {weight:.2f} the pictures are those of weight 0 (difference {value:.4f})",
        "重み {weight:.2f} の画像は重み 0 と同じです(差 {value:.4f})",
    ),
    "off_range": (
        "at {weight:.2f}, {value:.0%} of what was measured lies outside what the base model and "
        "the training set have (at most {limit:.0%})",
        "{weight:.2f} では測定値の {value:.0%} がベースモデルと学習画像の範囲を外れます"
        "(上限 {limit:.0%})",
    ),
    "beside": (
        "at {weight:.2f} the pictures change by {value:.1f} standard deviations beside the "
        "style (at most {limit:.1f})",
        "{weight:.2f} では画風以外の変化が標準偏差の {value:.1f} 倍になります(上限 {limit:.1f})",
    ),
    "prompt_lost": (
        "at {weight:.2f} the pictures no longer show what was asked for: {value:.0%} of what tells "
        "a prompt from the others is left (needed: {limit:.0%})",
        "{weight:.2f} では指示した被写体が描かれません。プロンプトごとの違いは {value:.0%} "
        "しか残っていません(必要: {limit:.0%})",
    ),
    "prompt_lost_twice": (
        "at {weight:.2f} the pictures no longer show what was asked for: {value:.0%} of what tells "
        "a prompt from the others is left (needed: {limit:.0%}), and the embedding, which compares "
        "them with the prompts' texts, agrees",
        "{weight:.2f} では指示した被写体が描かれません。プロンプトごとの違いは {value:.0%} "
        "しか残っていません(必要: {limit:.0%})。画像とプロンプトの文を比べる埋め込みも"
        "同じ結果です",
    ),
    "prompt_lost_disputed": (
        "at {weight:.2f} the pictures may no longer show what was asked for: {value:.0%} of what "
        "tells a prompt from the others is left (needed: {limit:.0%}), but the embedding, which "
        "compares them with the prompts' texts, still finds it in them: look at them",
        "{weight:.2f} では指示した被写体が描かれていない可能性があります。プロンプトごとの違いは "
        "{value:.0%} しか残っていません(必要: {limit:.0%})。ただし、画像とプロンプトの文を比べる"
        "埋め込みでは被写体が残っています。画像で確かめてください",
    ),
    "structure_lost": (
        "at {weight:.2f} only {value:.0%} of the composition is kept (needed: {limit:.0%})",
        "{weight:.2f} では構図が {value:.0%} しか保たれません(必要: {limit:.0%})",
    ),
    "prompts_ignored": (
        "at {weight:.2f} different prompts give nearly the same picture: they differ by "
        "{value:.0%} of what they do without the LoRA (needed: {limit:.0%})",
        "{weight:.2f} では異なるプロンプトがほぼ同じ画像になります。"
        "違いは LoRA なしの {value:.0%} です(必要: {limit:.0%})",
    ),
    "little_change": (
        "at {weight:.2f} the pictures hardly change: by {value:.0%} in structural similarity "
        "(needed: {limit:.0%})",
        "{weight:.2f} では画像がほとんど変わりません。"
        "構造的類似度の変化は {value:.0%} です(必要: {limit:.0%})",
    ),
    "out_of_order": (
        "at {weight:.2f} the numbers are too close to their limits to differ from the weights "
        "beside it",
        "{weight:.2f} の数値はしきい値に近く、隣の重みと違うとは言えません",
    ),
    "works_above": (
        "at {weight:.2f} it works: train it longer, or use it there",
        "{weight:.2f} では効きます。学習を延ばすか、その重みで使ってください",
    ),
    "weak_below": (
        "up to {weight:.2f} it does too little, so that no weight will do",
        "{weight:.2f} までは弱すぎるため、使える重みがありません",
    ),
    "copies": (
        "at {weight:.2f} the trigger words alone render training pictures: {value:.0%} of what "
        "they render correlates with one by more than {similarity:.2f} (limit: {limit:.0%})",
        "{weight:.2f} ではトリガーワードだけで学習画像そのものが描かれます。"
        "{value:.0%} の画像で相関が {similarity:.2f} を超えます(上限 {limit:.0%})",
    ),
    "prompts_copied": (
        "at {weight:.2f}, {value:.0%} of the prompts render a training picture, with a correlation "
        "of more than {similarity:.2f} (limit: {limit:.0%})",
        "{weight:.2f} ではプロンプトの {value:.0%} で学習画像そのものが描かれます"
        "(相関が {similarity:.2f} を超えます。上限 {limit:.0%})",
    ),
    "trigger_unsaid": (
        "{value:.0%} of the captions have the trigger words (needed: {limit:.0%}), so the LoRA did "
        "not learn them: add them to the captions, or give the words that are there with trigger=",
        "トリガーワードを含むキャプションは {value:.0%} です(必要: {limit:.0%})。"
        "トリガーワードは学習されていません。キャプションに加えるか、"
        "実際の語を trigger= で指定してください",
    ),
    "captions_alike": (
        "all training pictures have the same caption, so that it stands for everything they show: "
        "say in each caption what that picture shows",
        "すべての学習画像のキャプションが同じため、画像の内容全体がその語に結び付いています。"
        "画像ごとに内容をキャプションに書いてください",
    ),
    "subject_alike": (
        "{value:.0%} of the training captions name '{word}', so the LoRA learns it with the style "
        "and draws it where a prompt asks for another: add pictures of other subjects in this "
        "style",
        "学習キャプションの {value:.0%} に「{word}」があります。"
        "この題材が画風と一緒に学習され、ほかの題材を求めても描かれます。"
        "同じ画風で題材の異なる画像を足してください",
    ),
    "few_pictures": (
        "it was trained on {value:.0f} {value:picture|pictures} only: it learns so few by heart, "
        "and draws their subjects where others are asked for; add a dozen that differ",
        "学習画像が {value:.0f} 枚しかありません。丸暗記され、指示とは別の被写体として現れます。"
        "内容の異なる画像を 10 枚以上加えてください",
    ),
    "detail_lost": (
        "the base model's autoencoder gives back {value:.0%} of the fine detail in the training "
        "pictures (needed: {limit:.0%}), and no LoRA can draw the rest: compare them with "
        "bench/reference/",
        "ベースモデルのオートエンコーダーでは、学習画像の細部の {value:.0%} しか再現できません"
        "(必要: {limit:.0%})。残りはどの LoRA でも描けません。bench/reference/ と比べてください",
    ),
    "no_style": (
        "as the base model's autoencoder gives them back (bench/reference/), the training pictures "
        "differ from what it draws anyway by {value:.1f} standard deviations (needed: "
        "{limit:.1f}): there is hardly a style to learn",
        "オートエンコーダーを通した学習画像(bench/reference/)とベースモデルの画像の差は、"
        "標準偏差の {value:.1f} 倍です(必要: {limit:.1f})。学習できる画風がほとんどありません",
    ),
    "leaks": (
        "without the trigger words it still gains {value:.0%} of what it gains with them, although "
        "it was trained on pictures without them, too (at most {limit:.0%})",
        "トリガーワードのない画像でも学習したのに、トリガーワードなしで、ありの場合の "
        "{value:.0%} の効果が出ます(上限 {limit:.0%})",
    ),
    "other_base": (
        "whether the limits hold for this base model: they were calibrated on the bundled one, "
        "drawnworld; hold the label against the pictures",
        "しきい値は同梱のベースモデル drawnworld で定めたもので、このベースモデルに合うかどうかは"
        "未確認です。判定は画像と見比べてください",
    ),
    "text_lost": (
        "whether the pictures at {weight:.2f} show what was asked for: the composition is kept, "
        "but by the embedding {value:.0%} of what ties them to their own prompts' texts is left "
        "(needed: {limit:.0%}); look at them",
        "{weight:.2f} で指示した被写体が描かれているかは確かめられません。構図は保たれていますが、"
        "埋め込みでは自分のプロンプトの文との結び付きが {value:.0%} しか残っていません"
        "(必要: {limit:.0%})。画像で確かめてください",
    ),
    "text_blind": (
        "what the embedding says of the prompts: without the LoRA, too, it does not tell their "
        "pictures apart by their texts",
        "埋め込みは LoRA なしの画像でも、どのプロンプトの画像かを見分けられません。"
        "プロンプトの維持は埋め込みでは判定できません",
    ),
    "few_prompts": (
        "what the LoRA does to other prompts: only {value:.0f} {value:was|were} rendered, and "
        "{limit:.0f} are needed; add more with prompts=",
        "プロンプトが {value:.0f} 個しかありません({limit:.0f} 個で判定が安定します)。"
        "prompts= で追加できます",
    ),
    "few_triggers": (
        "whether it copies its training pictures: {value:no pictures|only 1 picture|only "
        "{value:.0f} pictures} of the trigger words alone {value:was|were} rendered, and "
        "{limit:.0f} are needed at each weight; probe=full renders them",
        "トリガーワードのみの画像が{value:ありません| 1 枚です| {value:.0f} 枚です}"
        "(重みごとに {limit:.0f} 枚必要)。丸写しの有無は判定できません。probe=full で描画します",
    ),
    "no_pictures_to_copy": (
        "whether it copies its training pictures: there are none to compare with",
        "比較する学習画像がありません。丸写しの有無は判定できません",
    ),
    "no_trigger": (
        "whether it copies its training pictures, and whether it leaks: no trigger words are "
        "known; give them with trigger=",
        "トリガーワードが分かりません。丸写しと漏れは判定できません。trigger= で指定してください",
    ),
    "no_untriggered": (
        "whether it leaks: nothing was rendered without the trigger words; probe=full renders the "
        "prompts that hold them without them",
        "トリガーワードなしの画像がありません。漏れは判定できません。"
        "probe=full で、トリガーワードを含むプロンプトについて描画します",
    ),
    "no_style_to_leak": (
        "whether it leaks: it gains no style that could",
        "漏れるほどの画風を獲得していません",
    ),
    "no_training_set": (
        "the style gained: there is no training set to compare with (name it with raw_set= or "
        "training_set= beside lora=; with skip_train, raw_set only names the LoRA's file)",
        "比較する学習画像がありません。画風の獲得は判定できません"
        "(lora= と一緒に raw_set= か training_set= で指定できます。"
        "skip_train では、raw_set は LoRA のファイル名を示すだけです)",
    ),
    "no_baseline": (
        "no pictures at weight 0 to compare with: leave baseline as it is",
        "重み 0 の画像がないため比較できません。baseline は既定のままにしてください",
    ),
    "only_baseline": (
        "only weight 0, which is without the LoRA, was rendered: add other weights with weights=",
        "重み 0(LoRA なし)しか描画していません。weights= でほかの重みを指定してください",
    ),
    "base_constant": (
        "without the LoRA, too, pictures are of a single colour: the base model, its VAE or the "
        "workflow fails, not the LoRA",
        "LoRA なしでも単色の画像が出ています。原因は LoRA ではなく、ベースモデル、VAE、"
        "またはワークフローです",
    ),
    "base_alike": (
        "without the LoRA, too, {value:.0%} of the prompts give nearly the picture of the others: "
        "the base model or the workflow fails, not the LoRA, or the prompts ask for the same",
        "LoRA なしでも、プロンプトの {value:.0%} がほかとほぼ同じ画像になります。原因は LoRA "
        "ではなく、ベースモデルかワークフローの不具合、または似すぎたプロンプトです",
    ),
    "base_noise": (
        "without the LoRA, too, pictures are noise (neighbouring parts correlate by {value:.2f}; a "
        "picture's by {limit:.2f} at least): the base model, its VAE or the workflow fails, not "
        "the LoRA",
        "LoRA なしでも画像がノイズになっています(隣り合う部分の相関 {value:.2f}、絵なら "
        "{limit:.2f} 以上)。原因は LoRA ではなく、ベースモデル、VAE、またはワークフローです",
    ),
    "highest": (
        "weights above {weight:.2f}: it is the highest that was rendered, and a higher one may be "
        "better; add more with weights=",
        "{weight:.2f} は描画した中で最も高い重みです。さらに高い重みのほうが良い可能性があります。"
        "weights= で追加できます",
    ),
    "prompts_needed": (
        "the label for certain, since at each weight some number is close to its limit; about "
        "{value:.0f} more {value:prompt|prompts} would settle {weight:.2f}, the clearest",
        "どの重みでもしきい値に近い数値があるため、判定は確実ではありません。"
        "最も明確な {weight:.2f} は、プロンプトをあと {value:.0f} 個ほど増やすと判定できます",
    ),
    "never_settled": (
        "the label for certain, since at each weight some number is close to its limit; even "
        "{limit:.0f} prompts would not settle {weight:.2f}, the clearest",
        "どの重みでもしきい値に近い数値があるため、判定は確実ではありません。"
        "最も明確な {weight:.2f} でも、プロンプト {limit:.0f} 個では決まりません",
    ),
    "tie": (
        "which of the tied weights is best: about {value:.0f} more {value:prompt|prompts} would "
        "settle it",
        "プロンプトをあと {value:.0f} 個ほど増やすと、同点の重みに差がつきます",
    ),
    "constant": (
        "at {weight:.2f} pictures are of a single colour (NaN or overflow)",
        "{weight:.2f} で単色の画像が出ています(NaN または桁あふれ)",
    ),
}
"""Finding.code -> English and Japanese, with the finding's weight, value and limit filled in."""

ADVICE = {
    "baseline": ("render weight 0 too, to compare with", "比較のため重み 0 も描画する"),
    "weights": ("render other weights than 0", "0 以外の重みで描画する"),
    "lower_weights": ("render a lower weight too", "さらに低い重みでも描画する"),
    "higher_weights": ("render higher weights too", "さらに高い重みでも描画する"),
    "between_weights": (
        "render a weight between the last that does too little and the first that does too much",
        "弱すぎる重みと強すぎる重みの間でも描画する",
    ),
    "longer": ("train twice as long", "学習を 2 倍に延ばす"),
    "shorter": (
        "train half as long; more varied pictures and captions help too",
        "学習を半分にする。画像とキャプションの種類を増やすのも有効です",
    ),
    "higher_rate": ("train with three times the learning rate", "学習率を 3 倍にする"),
    "lower_rate": ("train with a third of the learning rate", "学習率を 3 分の 1 にする"),
    "reg_set": (
        "train beside pictures of ordinary things, captioned without the trigger words "
        "(regularization pictures, a raw set such as plain): it learns to leave alone what does "
        "not call it",
        "トリガーワードを書かないキャプション付きの、ありふれたものの画像"
        "(正則化画像、plain などの素材フォルダ)を添えて学習する。"
        "呼ばれないときは絵を変えないことを学習します",
    ),
    "probes": (
        "render the probes, which show copies and leaks",
        "丸写しと漏れを調べる画像(プローブ)を描画する",
    ),
    "prompts": ("render more prompts", "プロンプトを増やす"),
    "seeds": ("render two more seeds", "シードを 2 つ増やす"),
    "look": (
        "look at the grid and judge by eye: the LoRA cannot be judged by numbers without its "
        "training pictures; two more seeds show more",
        "比較表を目で見て判断する。学習画像がないと、この LoRA は数値では判定できません。"
        "シードを 2 つ増やすと見やすくなります",
    ),
}
"""Advice.code -> what to try next, in English and Japanese."""

TRY_NEXT = ("Try next", "次に試すこと")

_MORE = (
    " (up to {pictures} more {pictures:picture|pictures})",
    "(最大あと {pictures} 枚)",
)

NO_WEIGHT = ("none", "なし")
NOT_JUDGED = ("not judged", "未判定")
UNJUDGED = {
    "only_baseline": ("only weight 0 was rendered", "重み 0 の画像しかありません"),
    "no_baseline": (
        "there are no pictures at weight 0 to compare with",
        "比較する重み 0 の画像がありません",
    ),
    "base_constant": (
        "the base model fails without the LoRA, too",
        "LoRA なしでもベースモデルの画像が壊れています",
    ),
    "base_alike": (
        "without the LoRA, too, prompts make no difference",
        "LoRA なしでもプロンプトによる違いがありません",
    ),
    "base_noise": (
        "the base model draws noise without the LoRA, too",
        "LoRA なしでもベースモデルの画像がノイズです",
    ),
    "no_training_set": (
        "there is no training set to compare with",
        "比較する学習画像がありません",
    ),
    "prompts_needed": (
        "too few prompts for an answer this close",
        "僅差の判定にはプロンプトが足りません",
    ),
}
"""Finding.code -> why no weight could be judged, in English and Japanese, the gravest first."""


def label(name: str, language: Language = "en") -> str:
    """Return a verdict's label in words."""
    return phrases.say(LABELS[name], language)


def no_weight(verdict: Verdict, language: Language = "en") -> str:
    """Return why a verdict has no weight to use; an unknown weight is not "none"."""
    at = language == "ja"
    if verdict.label != "uncertain":
        return NO_WEIGHT[at]
    codes = {found.code for found in verdict.unknown}
    why = next((texts[at] for code, texts in UNJUDGED.items() if code in codes), "")
    brackets = ("{} ({})", "{}({})")[at]
    return brackets.format(NOT_JUDGED[at], why) if why else NOT_JUDGED[at]


def no_window(verdict: Verdict, language: Language = "en") -> str:
    """Return in a word that no weight is usable, or that this is unknown."""
    return phrases.say(NOT_JUDGED if verdict.label == "uncertain" else NO_WEIGHT, language)


def lines(verdict: Verdict) -> list[str]:
    """Return the verdict as a few plain lines of English, for a terminal."""
    said = [f"Verdict: {label(verdict.label)}"]
    if verdict.weight is not None:
        said[0] += f"; use it at {verdict.weight:g}"
        others = [f"{weight:g}" for weight in verdict.tie if weight != verdict.weight]
        if others:
            said[0] += f" (a tie with {', '.join(others)})"
    elif verdict.label == "uncertain":
        said.append(f"  weight to use: {no_weight(verdict)}")
    if verdict.window:
        low, high = verdict.window
        said.append(f"  usable from {low:g} to {high:g}" if low != high else f"  only at {low:g}")
        for found in (verdict.below, verdict.above):
            if found:
                said.append(f"  {finding(found)}")
    said += [f"  {finding(found)}" for found in verdict.reasons]
    said += [f"  not judged: {finding(found)}" for found in verdict.unknown]
    return said


def try_next(code: str, language: Language = "en") -> str:
    """Return what to try next, by the code of an `advice.Advice`."""
    at = language == "ja"
    return f"{TRY_NEXT[at]}{(': ', ':')[at]}{ADVICE[code][at]}"


def finding(found: Finding, language: Language = "en") -> str:
    """Return a finding as a phrase."""
    text = FINDINGS[found.code][language == "ja"]
    if found.pictures:
        text += _MORE[language == "ja"]
    return _filled(text, asdict(found))


def _filled(text: str, numbers: Mapping[str, Any]) -> str:
    """Fill in the numbers, with enough digits to show a value apart from its limit."""
    for _ in range(2):
        shown = [match[0].format(**numbers) for match in _NUMBER.finditer(text)]
        if len(set(shown)) == len(shown) or numbers["value"] == numbers["limit"]:
            break
        text = _NUMBER.sub(lambda match: f"{{{match[1]}:.{int(match[2]) + 1}{match[3]}}}", text)
    return phrases.fill(text, **numbers)
