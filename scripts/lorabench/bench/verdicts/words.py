"""A verdict in words, in English and Japanese."""

from typing import Literal

from lorabench.bench.verdicts.verdict import Finding, Verdict

Language = Literal["en", "ja"]

LABELS = {
    "works": ("works", "使えます"),
    "weak": ("weak", "効きが弱い"),
    "dead": ("dead", "効いていません"),
    "broken": ("broken", "壊れています"),
    "fried": ("fried", "焼けています"),
    "copies": ("copies its training pictures", "学習画像を丸写ししています"),
    "uncertain": ("uncertain", "判定できません"),
}

FINDINGS = {
    "style_low": (
        "at {weight:.2f} only {value:.0%} of the way to the training set (needed: {limit:.0%})",
        "{weight:.2f} では学習画像の画風への到達度が {value:.0%} にとどまります(必要: {limit:.0%})",
    ),
    "no_effect": (
        "the pictures are those of weight 0 (difference {value:.4f})",
        "重み 0 の画像と同じです(差 {value:.4f})",
    ),
    "off_range": (
        "at {weight:.2f} {value:.0%} of what was measured lies outside what the base model and "
        "the training set have (at most {limit:.0%})",
        "{weight:.2f} では測定値の {value:.0%} がベースモデルと学習画像の範囲を外れます"
        "(上限 {limit:.0%})",
    ),
    "beside": (
        "at {weight:.2f} the pictures change by {value:.2f} beside the style (at most {limit:.2f})",
        "{weight:.2f} では画風以外の変化が {value:.2f} になります(上限 {limit:.2f})",
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
    "copies": (
        "at {weight:.2f} the trigger words alone draw a training picture: their correlation is "
        "{value:.2f} (at most {limit:.2f})",
        "{weight:.2f} ではトリガーワードだけで学習画像そのものが描かれます。"
        "相関は {value:.2f} です(上限 {limit:.2f})",
    ),
    "leaks": (
        "without the trigger words it still gains {value:.0%} of what it gains with them",
        "トリガーワードなしでも、ありの場合の {value:.0%} の効果が出ます",
    ),
    "few_prompts": (
        "{value:.0f} of {limit:.0f} prompts: what the LoRA does to other prompts is not known; "
        "give more with prompts=",
        "プロンプトが {value:.0f} 個しかありません({limit:.0f} 個で判定が安定します)。"
        "prompts= で追加できます",
    ),
    "few_triggers": (
        "{value:.0f} of {limit:.0f} pictures of the trigger words alone: whether it copies its "
        "training pictures is not known; probe=full draws them",
        "トリガーワードのみの画像が {value:.0f} 枚です({limit:.0f} 枚必要)。"
        "丸写しの有無は判定できません。probe=full で描画します",
    ),
    "no_untriggered": (
        "no picture without the trigger words: whether it leaks is not known; "
        "probe=full draws them",
        "トリガーワードなしの画像がありません。漏れは判定できません。probe=full で描画します",
    ),
    "no_training_set": (
        "no training set to compare with: the style gained is not known",
        "比較する学習画像がありません。画風の獲得は判定できません",
    ),
    "no_baseline": (
        "no pictures at weight 0 to compare with: leave baseline as it is",
        "重み 0 の画像がないため比較できません。baseline は既定のままにしてください",
    ),
    "highest": (
        "{weight:.2f} is the highest weight that was drawn: a higher one may be better; "
        "draw more with weights=",
        "{weight:.2f} は描画した中で最も高い重みです。さらに高い重みのほうが良い可能性があります。"
        "weights= で追加できます",
    ),
    "prompts_needed": (
        "about {value:.0f} prompts would settle it",
        "およそ {value:.0f} 個のプロンプトで判定できます",
    ),
    "constant": (
        "at {weight:.2f} pictures are of a single colour (NaN or overflow)",
        "{weight:.2f} で単色の画像が出ています(NaN または桁あふれ)",
    ),
}
"""Finding.code -> English and Japanese, with the finding's weight, value and limit filled in."""


def label(name: str, language: Language = "en") -> str:
    """Return a verdict's label in words."""
    return LABELS[name][language == "ja"]


def lines(verdict: Verdict) -> list[str]:
    """Return the verdict as a few plain lines of English, for a terminal."""
    said = [f"Verdict: {label(verdict.label)}"]
    if verdict.weight is not None:
        said[0] += f"; use it at {verdict.weight:g}"
        others = [f"{weight:g}" for weight in verdict.tie if weight != verdict.weight]
        if others:
            said[0] += f" (a tie with {', '.join(others)})"
    if verdict.window:
        low, high = verdict.window
        said.append(f"  usable from {low:g} to {high:g}" if low != high else f"  only at {low:g}")
        for found in (verdict.below, verdict.above):
            if found:
                said.append(f"  {finding(found)}")
    said += [f"  {finding(found)}" for found in verdict.reasons]
    said += [f"  not judged: {finding(found)}" for found in verdict.unknown]
    return said


def finding(found: Finding, language: Language = "en") -> str:
    """Return a finding as a phrase."""
    text = FINDINGS[found.code][language == "ja"]
    return text.format(weight=found.weight, value=found.value, limit=found.limit)
