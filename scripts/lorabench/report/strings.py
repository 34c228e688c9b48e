"""Every word of the page that the run does not bring along, in English and in Japanese.

Both the template and the scripts take them by key; `{name}` is filled in.
"""

TEXTS: dict[str, tuple[str, str]] = {
    # the frame
    "page.language": ("Language", "言語"),
    "page.sections": ("Sections", "目次"),
    "page.skip": ("Skip to the verdict", "判定へ移動"),
    "page.no_script": (
        "Pictures, comparison and plots need JavaScript; tables and settings are all here.",
        "画像・比較・グラフの表示には JavaScript が必要です。表と設定はこのまま読めます。",
    ),
    "page.made": ("made {when} by commit {commit}", "{when} 作成、コミット {commit}"),
    "page.missing": ("Left out, because it is not there", "次のファイルがないため省略しました"),
    "page.close": ("Close", "閉じる"),
    # verdict
    "verdict.title": ("Verdict", "判定"),
    "verdict.none": (
        "There is no verdict: bench/verdict.json is missing.",
        "判定はありません(bench/verdict.json がありません)。",
    ),
    "verdict.weight": ("Weight to use", "推奨する重み"),
    "verdict.no_weight": ("none", "なし"),
    "verdict.tie": (
        "A tie: {weights} cannot be told apart.",
        "{weights} の間に有意な差はありません(引き分け)。",
    ),
    "verdict.window": ("Usable window", "使える範囲"),
    "verdict.range": ("{low} to {high}", "{low}~{high}"),
    "verdict.below": ("Below it", "これより下"),
    "verdict.above": ("Above it", "これより上"),
    "verdict.sweep_begins": ("the sweep begins here", "ここから下は描画していません"),
    "verdict.sweep_ends": ("the sweep ends here", "ここから上は描画していません"),
    "verdict.leak": ("Without its trigger words", "トリガーワードなしの場合"),
    "verdict.leak_yes": ("It acts all the same: it leaks.", "それでも効きます(漏れています)。"),
    "verdict.leak_no": ("It stays out of the picture.", "影響しません。"),
    "verdict.leak_unknown": ("It is not known.", "分かりません。"),
    "verdict.unknown": ("Not judged", "判定できなかった点"),
    "verdict.ruler": ("Each weight by itself", "重みごとの判定"),
    "verdict.usable": ("usable", "使える"),
    "verdict.recommended": ("recommended", "推奨"),
    "verdict.thresholds": ("Thresholds", "しきい値"),
    "fault.title": ("Warnings", "警告"),
    "fault.dead_lora": ("Dead LoRA: it changes nothing", "LoRA が効いていません"),
    "fault.unchanged_picture": (
        "Some pictures are those of weight 0",
        "重み 0 と同じ画像があります",
    ),
    "fault.broken_render": ("A picture of one colour", "単色の画像があります"),
    # pictures
    "grid.title": ("Pictures", "画像"),
    "grid.hint": (
        "Click a picture to enlarge it. With the keyboard: arrows move, Enter enlarges, A and B "
        "put a picture on a side of the comparison.",
        "クリックで拡大します。キーボードでは矢印で移動、Enter で拡大、"
        "A・B で比較の左右に置きます。",
    ),
    "grid.prompt": ("Prompt", "プロンプト"),
    "grid.all_prompts": ("All prompts", "すべてのプロンプト"),
    "grid.own_prompt": ("workflow's prompt", "ワークフローのプロンプト"),
    "grid.as_workflow": ("as the workflow says", "ワークフローのまま"),
    "grid.trigger": ("trigger words alone", "トリガーワードのみ"),
    "grid.untriggered": ("{name}, without trigger", "{name}(トリガーなし)"),
    "grid.view": ("View", "表示"),
    "grid.by_weight": ("All weights", "すべての重み"),
    "grid.one_weight": ("One weight", "重みを 1 つずつ"),
    "grid.weight": ("Weight", "重み"),
    "grid.seed": ("Seed", "シード"),
    "grid.batch": ("Place in the batch", "バッチ内の番号"),
    "grid.no_lora": ("no LoRA", "LoRA なし"),
    "grid.missing": ("missing", "なし"),
    "grid.count": ("{count} pictures", "画像 {count} 枚"),
    "grid.none": ("There are no pictures.", "画像がありません。"),
    "grid.picture": (
        "{prompt}, seed {seed}, weight {weight}",
        "{prompt}、シード {seed}、重み {weight}",
    ),
    # comparison
    "compare.title": ("Compare two", "2 枚を比較"),
    "compare.mode": ("How", "方法"),
    "compare.side": ("Side by side", "並べる"),
    "compare.wipe": ("Wipe", "ワイプ"),
    "compare.divider": ("Where A ends and B begins", "A と B の境目"),
    "compare.linked": ("Same prompt and seed on both sides", "両側のプロンプトとシードを揃える"),
    "compare.a": ("A", "A"),
    "compare.b": ("B", "B"),
    "compare.placed": ("{picture} is now side {side}", "{picture} を {side} に置きました"),
    # the enlarged picture
    "zoom.title": ("Picture", "画像"),
    "zoom.file": ("File", "ファイル"),
    "zoom.original": ("Open the original", "元の画像を開く"),
    "zoom.probe": ("Probe", "プローブ"),
    "zoom.previous": ("Lower weight", "重みを下げる"),
    "zoom.next": ("Higher weight", "重みを上げる"),
    "zoom.up": ("Row above", "上の行"),
    "zoom.down": ("Row below", "下の行"),
    "zoom.to_a": ("Compare as A", "A として比較"),
    "zoom.to_b": ("Compare as B", "B として比較"),
    "zoom.metrics": ("Metrics", "指標"),
    "zoom.nearest": ("Nearest training picture", "最も近い学習画像"),
    "zoom.mirrored": ("mirrored", "左右反転"),
    "zoom.no_nearest": ("None was looked for.", "調べていません。"),
    "zoom.keys": (
        "← → weight, ↑ ↓ row, Esc closes",
        "← → 重み、↑ ↓ 行、Esc で閉じる",
    ),
    # blind test
    "blind.title": ("Blind test", "ブラインドテスト"),
    "blind.intro": (
        "Two pictures of one prompt and seed at two hidden weights, in random order. Choose the "
        "better one; {pairs} pairs are there. Votes stay in this browser until you export them.",
        "同じプロンプトとシードで重みの違う 2 枚を、重みを隠し、順不同で表示します。"
        "良い方を選んでください(全 {pairs} 組)。投票は、書き出すまでこのブラウザーに残ります。",
    ),
    "blind.too_few": (
        "It takes two weights of one prompt and seed.",
        "同じプロンプトとシードで 2 つ以上の重みが必要です。",
    ),
    "blind.start": ("Start", "始める"),
    "blind.go_on": ("Go on", "続ける"),
    "blind.question": ("Which is better?", "どちらが良いですか?"),
    "blind.left": ("Left", "左"),
    "blind.right": ("Right", "右"),
    "blind.tie": ("Tie", "引き分け"),
    "blind.left_picture": ("left picture", "左の画像"),
    "blind.right_picture": ("right picture", "右の画像"),
    "blind.keys": (
        "← left, → right, ↓ tie, Esc ends",
        "← 左、→ 右、↓ 引き分け、Esc で終了",
    ),
    "blind.end": ("End", "終了"),
    "blind.counter": ("{count} of {pairs} voted", "{pairs} 組中 {count} 組に投票済み"),
    "blind.result": ("Result", "結果"),
    "blind.won": ("won", "勝ち"),
    "blind.tied": ("tied", "引き分け"),
    "blind.lost": ("lost", "負け"),
    "blind.share": ("score", "得点率"),
    "blind.save_json": ("Save as JSON", "JSON で保存"),
    "blind.save_csv": ("Save as CSV", "CSV で保存"),
    "blind.clear": ("Delete the votes", "投票を消す"),
    "blind.clear_sure": ("Really delete {count} votes?", "投票 {count} 件を消しますか?"),
    # numbers
    "plots.title": ("Numbers", "数値"),
    "plots.none": (
        "There are no numbers: bench/summary.csv is missing.",
        "数値はありません(bench/summary.csv がありません)。",
    ),
    "plots.legend": (
        "Mean over prompts and seeds with its 95 % interval; shaded: the usable window; dashed: "
        "the recommended weight.",
        "プロンプトとシードにわたる平均と 95 % 区間。網掛けは使える範囲、破線は推奨する重み。",
    ),
    "plots.trade": ("Style gained against structure kept", "獲得した画風と構図の維持"),
    "plots.trade_hint": (
        "Up and to the right is better; the labels are weights.",
        "右上ほど良く、数字は重みです。",
    ),
    "plots.table": ("As a table", "表で見る"),
    "plots.more": ("Properties of the pictures themselves", "画像そのものの性質"),
    "plots.interval": ("{weight}: {mean} ({low} to {high})", "{weight}: {mean}({low}~{high})"),
    # copies
    "copies.title": ("Copies", "学習画像との類似"),
    "copies.hint": (
        "What the trigger words alone draw at weight {weight}, each beside the training picture "
        "that it is most like, the most similar first ({shown} of {drawn}). The number is their "
        "correlation; 1 is equal.",
        "重み {weight} でトリガーワードだけから描いた画像と、最も近い学習画像を、"
        "類似度の高い順に示します({drawn} 枚中 {shown} 枚)。数字は相関係数で、1 は同一です。",
    ),
    "copies.none": (
        "The trigger words alone were not drawn; probe=full draws them.",
        "トリガーワードのみの画像はありません。probe=full で描画します。",
    ),
    "copies.alone": (
        "What the trigger words alone drew was compared with no training picture.",
        "トリガーワードのみの画像は、学習画像と比較していません。",
    ),
    # training
    "train.title": ("Training", "学習"),
    "train.loss": ("Loss over the steps", "ステップごとの損失"),
    "train.step": ("step", "ステップ"),
    "train.loss_legend": ("Thin: as logged. Bold: running mean.", "細線は記録値、太線は移動平均。"),
    "train.loss_summary": (
        "{steps} steps, running mean {first} at the start and {last} at the end",
        "{steps} ステップ、移動平均は最初 {first}、最後 {last}",
    ),
    "train.file": ("LoRA file", "LoRA ファイル"),
    "train.set": ("Training pictures", "学習画像"),
    "train.some": ("{shown} of {count} are shown.", "{count} 枚中 {shown} 枚を表示しています。"),
    # rejected pictures
    "rejected.title": ("Rejected pictures", "除外した画像"),
    "rejected.none": (
        "None of {count} pictures was rejected.",
        "{count} 枚中、除外した画像はありません。",
    ),
    "rejected.count": (
        "{rejected} of {count} pictures were rejected.",
        "{count} 枚中 {rejected} 枚を除外しました。",
    ),
    "rejected.too small": ("too small", "小さすぎる"),
    "rejected.too many pixels": ("too many pixels", "大きすぎる"),
    "rejected.extreme aspect": ("extreme aspect ratio", "極端な縦横比"),
    "rejected.truncated": ("truncated", "途中で切れている"),
    "rejected.undecodable": ("cannot be read", "読み込めない"),
    "rejected.exact duplicate": ("exact duplicate", "同一画像の重複"),
    "rejected.near duplicate": ("near duplicate", "ほぼ同じ画像の重複"),
    "rejected.other": ("other", "その他"),
    # settings
    "settings.title": ("Settings and versions", "設定とバージョン"),
    "settings.again": ("To make it again", "もう一度作るには"),
    "settings.run": ("What went in", "学習の入力と設定"),
    "settings.sweep": ("What was rendered", "描画の設定"),
    "settings.prompts": ("Prompts", "プロンプト"),
    "settings.workflow": ("The graph of every picture", "各画像のワークフロー"),
}


def keyed() -> dict[str, dict[str, str]]:
    """Return the texts by language, as the page's scripts take them."""
    return {
        language: {key: pair[at] for key, pair in TEXTS.items()}
        for at, language in enumerate(("en", "ja"))
    }
