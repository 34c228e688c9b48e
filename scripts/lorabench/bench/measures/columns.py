"""The metrics: their columns, titles, units and groups.

For formulas, sources and uses see docs/metrics.md; a test compares the names.
"""

from dataclasses import dataclass
from typing import Literal

_JAPANESE = {
    "1: as the training set": "1: 学習セットと同じ",
    "1: as without": "1: LoRAなしと同じ",
    "1: as with the trigger": "1: トリガーありと同じ",
    "standard deviations": "標準偏差",
    "1 is equal": "1: 同一",
    "−1 to 1": "−1〜1",
    "octaves": "オクターブ",
    "0 to 0.5": "0〜0.5",
    "0 to 1": "0〜1",
    "share, 0 to 1": "割合 0〜1",
    "correlation": "相関係数",
    "bits of 64": "64ビット中",
    "bits, 0 to 8": "ビット 0〜8",
    "grey levels": "階調",
    "grey levels²": "階調²",
    "59 is quite colourful": "59でかなり鮮やか",
}
"""Units and ranges in Japanese."""


@dataclass(frozen=True)
class Metric:
    """One column of metrics.csv that holds a measurement."""

    column: str
    title: str
    title_ja: str
    unit: str
    group: Literal["style", "prompt", "effect", "damage", "copies", "picture"]

    @property
    def unit_ja(self) -> str:
        """The unit or range in Japanese."""
        return _JAPANESE[self.unit]


METRICS = (
    Metric("style_gained", "style gained", "獲得した画風", "1: as the training set", "style"),
    Metric("style_beside", "beside the style", "画風以外の変化", "standard deviations", "style"),
    Metric(
        "likeness",
        "likeness of the figure",
        "キャラクターの再現",
        "1: as the training set",
        "style",
    ),
    Metric("prompt_kept", "prompt kept", "プロンプトの維持", "1: as without", "prompt"),
    Metric("structure", "structure kept", "構図の維持", "1: as without", "prompt"),
    Metric("difference", "difference", "差", "0 to 1", "effect"),
    Metric("ssim", "SSIM", "SSIM", "1 is equal", "effect"),
    Metric("hash_distance", "hash distance", "ハッシュ距離", "bits of 64", "effect"),
    Metric("outside", "out of range", "範囲外", "share, 0 to 1", "damage"),
    Metric("coherence", "coherence", "絵のまとまり", "−1 to 1", "damage"),
    Metric("sharpness_drift", "sharpness drift", "鮮鋭度の変化", "octaves", "damage"),
    Metric("noise_drift", "noise drift", "ノイズの変化", "grey levels", "damage"),
    Metric("saturation_drift", "saturation drift", "彩度の変化", "−1 to 1", "damage"),
    Metric(
        "copy_similarity", "nearest training picture", "最も近い学習画像", "correlation", "copies"
    ),
    Metric("copy_excess", "nearer than without", "LoRAなしとの差", "correlation", "copies"),
    Metric("sharpness", "sharpness", "鮮鋭度", "grey levels²", "picture"),
    Metric("noise", "noise", "ノイズ", "grey levels", "picture"),
    Metric("banding", "banding", "階調の段差", "grey levels", "picture"),
    Metric("contrast", "contrast", "コントラスト", "0 to 0.5", "picture"),
    Metric("brightness", "brightness", "明るさ", "0 to 1", "picture"),
    Metric("saturation", "saturation", "彩度", "0 to 1", "picture"),
    Metric("colourfulness", "colourfulness", "色彩豊かさ", "59 is quite colourful", "picture"),
    Metric("clipped", "clipped", "白飛び・黒潰れ", "share, 0 to 1", "picture"),
    Metric("entropy", "entropy", "エントロピー", "bits, 0 to 8", "picture"),
)
"""In the order of the table; columns of an embedding follow them, named after its model."""

LATER = ("coherence",)
"""Metrics that an older table may lack; nothing is known of them there."""

OF_A_WEIGHT = (
    Metric("diversity", "diversity over seeds", "シード間の多様性", "1: as without", "prompt"),
    Metric("prompts_apart", "prompts apart", "プロンプト間の違い", "1: as without", "prompt"),
    Metric(
        "trigger_similarity",
        "trigger words alone: nearest training picture",
        "トリガーワードのみ: 最も近い学習画像",
        "correlation",
        "copies",
    ),
    Metric("leak", "leak", "漏れ", "1: as with the trigger", "style"),
)
"""Measurements of several pictures together: only in summary.csv."""

COURSE = ("style_gained", "prompt_kept", "structure", "prompts_apart", "trigger_similarity")
"""What is shown of several LoRAs side by side."""

PLACE = ("variant", "prompt", "probe", "weight", "seed", "index", "file")
"""These identify a row's picture."""

LORA = "lora"
"""Comes first where there are several: the LoRA's key, and at weight 0 that of what they share."""

BESIDE = ("nearest", "nearest_mirrored", "hash")
"""Not measurements: the nearest training picture, and whether it is nearer mirrored; the 64-bit
perceptual hash in hex, from which the diversity is computed."""
