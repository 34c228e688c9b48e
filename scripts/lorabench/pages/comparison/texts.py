"""The words of the page, in English and Japanese."""

from lorabench.text import phrases

TEXTS = {
    "title": ("Runs compared", "実行の比較"),
    "language": ("日本語", "English"),
    "verdicts": ("Verdicts", "判定"),
    "verdict": ("Verdict", "判定"),
    "no_verdict": ("not judged yet", "未判定"),
    "weight": ("Weight to use", "推奨の重み"),
    "tie": ("a tie between", "優劣なし:"),
    "window": ("Usable window", "使える範囲"),
    "leaks": ("Acts without its trigger", "トリガーなしでの作用"),
    "yes": ("yes, it leaks", "あり(漏れています)"),
    "no": ("no", "なし"),
    "not_probed": ("not judged", "未判定"),
    "extent": ("Rendered", "描画した画像"),
    "extent_value": (
        "{pictures} {pictures:picture|pictures}: {prompts} {prompts:prompt|prompts}, "
        "{seeds} {seeds:seed|seeds}, {weights} {weights:weight|weights}"
        "{without: and no LoRA|}",
        "{pictures} 枚(プロンプト {prompts}、シード {seeds}、重み {weights}{without:、LoRA なし|})",
    ),
    "extent_probes": ("; {n} {n:probe|probes}", "、プローブ {n} 枚"),
    "reasons": ("Why", "理由"),
    "other_base": (
        "These runs have different base models: their pictures differ by more than the LoRA.",
        "ベースモデルが異なります。画像の違いは LoRA だけによるものではありません。",
    ),
    "other_graph": (
        "These runs were rendered with different workflows or checkpoints: their pictures differ "
        "by more than the LoRA.",
        "ワークフローまたはチェックポイントが異なります。画像の違いは LoRA だけによるものでは"
        "ありません。",
    ),
    "other_sweep": (
        "Their sweeps differ: means over different prompts or seeds are not strictly comparable.",
        "スイープが異なります。異なるプロンプトやシードの平均は厳密には比較できません。",
    ),
    "only_benched": (
        "Only benched: {runs}. What it was trained on, and how, is not recorded, and is left out "
        "below.",
        "ベンチマークのみの実行: {runs}。学習データと学習設定の記録がないため、"
        "以下では省いています。",
    ),
    "differences": ("What differs", "違い"),
    "all_equal": ("Nothing in data or settings.", "データにも設定にも違いはありません。"),
    "group_data": ("Data", "データ"),
    "group_training": ("Training", "学習"),
    "group_sweep": ("Benchmark", "ベンチマーク"),
    "group_made": ("Program and machine", "プログラムと実行環境"),
    "trained_on": ("pictures trained on", "学習画像"),
    "not_recorded": ("not recorded", "記録なし"),
    "rejected": ("{n} rejected", "除外 {n}"),
    "against": ("against {first}", "{first} との差"),
    "same_pictures": ("the same", "同じ"),
    "pictures": ("Pictures", "画像"),
    "show": ("LoRA weight", "LoRA の重み"),
    "each_best": ("each at its recommended weight", "それぞれの推奨の重み"),
    "each_nearest": ("each at the weight nearest to 0.80", "それぞれ 0.80 に最も近い重み"),
    "no_shared_rows": (
        "These runs share no prompt and seed, so no pictures stand side by side.",
        "共通のプロンプトとシードがないため、画像は並べられません。",
    ),
    "no_shared_weights": (
        "These runs share no weight but 0; where one was not rendered, its place is empty.",
        "0 以外に共通の重みがありません。描画していない重みは空欄です。",
    ),
    "some_shared": (
        "Only the prompts and seeds that all of them have are shown: {n} {n:row|rows}.",
        "すべてに共通するプロンプトとシードのみを表示しています({n} 行)。",
    ),
    "fallback": (
        "* Without a recommended weight, the one nearest to 0.80 is shown.",
        "* 推奨の重みがない場合は、0.80 に最も近い重みを表示しています。",
    ),
    "not_rendered": ("not rendered", "描画なし"),
    "seed": ("seed", "シード"),
    "metrics": ("Metrics", "評価指標"),
    "other_metrics": ("All other metrics ({n})", "そのほかの指標({n})"),
    "no_metrics": (
        "None of the runs has a summary.csv yet.",
        "summary.csv がまだありません。",
    ),
    "interval": (
        "Mean over the prompts with its 95 % interval. Where intervals overlap, it is open which "
        "run is higher.",
        "プロンプト全体の平均と 95 % 信頼区間です。"
        "区間が重なる場合、どちらが高いかは決まりません。",
    ),
    "close": ("Close", "閉じる"),
    "made": ("made", "作成"),
}
"""Key -> English and Japanese, with what {} names filled in."""


def both(key: str, **values: object) -> tuple[str, str]:
    """Return a text in English and Japanese."""
    english, japanese = (phrases.fill(text, **values) for text in TEXTS[key])
    return english, japanese
