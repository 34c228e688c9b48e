"""Every word of the pages that a run does not bring along, in English and in Japanese.

Both the templates and the scripts take them by key; `{name}` is filled in, and of
`{count:picture|pictures}` the first word where the count is 1.
"""

from lorabench.text import phrases
from lorabench.text.phrases import Language

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
    "verdict.tie": (
        "A tie by score, which is style gained less composition lost: {weights}.",
        "スコア(得た画風から失われた構図を引いた値)では {weights} は引き分けです。",
    ),
    "verdict.over_prompts": ("mean of {n} {n:prompt|prompts}", "プロンプト {n} 個の平均"),
    "verdict.spread": ("standard deviation {spread}", "標準偏差 {spread}"),
    "verdict.of_pictures": ("of {n} {n:picture|pictures}", "画像 {n} 枚中"),
    "verdict.usable_range": ("usable from {low} to {high}", "{low}~{high} で使えます"),
    "verdict.usable_only": ("usable at this weight only", "この重みでのみ使えます"),
    "verdict.window": ("Usable window", "使える範囲"),
    "verdict.range": ("{low} to {high}", "{low}~{high}"),
    "verdict.below": ("Below it", "これより下"),
    "verdict.above": ("Above it", "これより上"),
    "verdict.sweep_begins": ("the sweep begins here", "ここから下は描画していません"),
    "verdict.sweep_ends": ("the sweep ends here", "ここから上は描画していません"),
    "verdict.leak": ("Without its trigger words", "トリガーワードなしの場合"),
    "verdict.leak_yes": (
        "It changes these pictures, too: it leaks.",
        "トリガーワードがなくても画像が変わります(漏れています)。",
    ),
    "verdict.leak_usual": (
        "It changes these pictures, too, as most LoRAs do.",
        "トリガーワードがなくても画像が変わります(多くの LoRA と同様です)。",
    ),
    "verdict.leak_share": (
        "At {weight} it adds {share} of the style that it adds with them.",
        "{weight} で、ありの場合の {share} が現れます。",
    ),
    "verdict.leak_no": ("It stays out of the picture.", "影響しません。"),
    "verdict.leak_unknown": ("Not judged.", "未判定です。"),
    "verdict.unknown": ("Not judged", "判定できなかった点"),
    "verdict.ruler": ("Each weight by itself", "重みごとの判定"),
    "verdict.usable": ("usable", "使える"),
    "verdict.recommended": ("recommended", "推奨"),
    "verdict.thresholds": ("Thresholds", "しきい値"),
    "fault.title": ("Warnings", "警告"),
    "verdict.drawn_elsewhere": (
        "The LoRA was trained on {base}, and the pictures were rendered with {checkpoint}, "
        "another checkpoint: they show less of what it learnt.",
        "LoRA の学習に使ったモデルは {base} ですが、画像は別のチェックポイント {checkpoint} で"
        "描画しました。学習の成果が十分に表れていない可能性があります。",
    ),
    # several LoRAs
    "loras.map": ("LoRAs by weights", "LoRA × 重み"),
    "loras.hint": (
        "A click shows the pictures; with the keyboard, arrows move. Framed: each LoRA's weight to "
        "use. The numbers are scores: style gained less composition lost, to compare the weights "
        "of a LoRA. LoRAs are compared by the style gained.",
        "クリックすると画像を表示します(キーボードでは矢印で移動)。枠は各 LoRA の推奨する重み、"
        "数字は同じ LoRA の重みどうしを比べるスコア(得た画風から失われた構図を引いた値)です。"
        "LoRA どうしは得た画風で比べます。",
    ),
    "loras.curves": ("All LoRAs at {weight}", "すべての LoRA({weight})"),
    "loras.curves_hint": (
        "The mean over prompts and seeds with its 95 % interval. Dashed: the LoRA to use. Red: the "
        "limit.",
        "プロンプトとシードにわたる平均と 95 % 区間。破線は推奨する LoRA、赤線は限界値。",
    ),
    "loras.few": ("only {n} {n:prompt|prompts}", "プロンプト {n} 個のみ"),
    "loras.tied": ("as good", "同等"),
    # pictures of an earlier, wider sweep
    "earlier.prompts": ("of the {count:prompt|prompts} {words}", "プロンプト {words}"),
    "earlier.seeds": ("of {count:seed|seeds} {words}", "シード {words}"),
    "earlier.weights": ("at {count:weight|weights} {words}", "重み {words}"),
    "earlier.sentence": (
        "Pictures {parts} were rendered earlier and lie in {folder}; this command shows them, too:",
        "{parts}の画像は以前に描画済みで、{folder} にあります。次のコマンドで表示に加わります:",
    ),
    # the first screen's pictures
    "glance.title": ("At a glance", "ひと目で"),
    "glance.recommended": ("use this", "推奨"),
    "glance.training": (
        "Training {count:picture|pictures} ({count})",
        "学習画像({count} 枚)",
    ),
    "glance.more": ("See more", "もっと見る"),
    # pictures
    "grid.title": ("Pictures", "画像"),
    "grid.hint": (
        "Click a picture to enlarge it. With the keyboard: arrows move, Enter enlarges, A and B "
        "put a picture on a side of the comparison.",
        "クリックで拡大します。キーボードでは矢印で移動、Enter で拡大、"
        "A・B で比較の左右に置きます。",
    ),
    "grid.lora": ("LoRA", "LoRA"),
    "grid.all_loras": ("All LoRAs", "すべての LoRA"),
    "grid.prompt": ("Prompt", "プロンプト"),
    "grid.all_prompts": ("All prompts", "すべてのプロンプト"),
    "grid.as_workflow": ("as in the workflow file", "ワークフローファイルのまま"),
    "grid.view": ("View", "表示"),
    "grid.by_weight": ("All weights", "すべての重み"),
    "grid.one_weight": ("One weight", "重みを 1 つずつ"),
    "grid.weight": ("Weight", "重み"),
    "grid.seed": ("Seed", "シード"),
    "grid.batch": ("Place in the batch", "バッチ内の番号"),
    "grid.no_lora": ("no LoRA", "LoRA なし"),
    "grid.missing": ("missing", "なし"),
    "grid.count": ("{count} {count:picture|pictures}", "画像 {count} 枚"),
    "grid.none": ("There are no pictures.", "画像がありません。"),
    "grid.picture": (
        "{prompt}, seed {seed}, weight {weight}",
        "{prompt}、シード {seed}、重み {weight}",
    ),
    "grid.picture_of": (
        "{lora}, {prompt}, seed {seed}, weight {weight}",
        "{lora}、{prompt}、シード {seed}、重み {weight}",
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
    "metrics.title": ("Metrics", "指標"),
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
        "better one. {pairs} {pairs:pair is|pairs are} waiting. Votes stay in this browser until "
        "you export them.",
        "同じプロンプトとシードで重みの違う 2 枚を、重みを隠し、順不同で表示します。"
        "良い方を選んでください(全 {pairs} 組)。投票は、書き出すまでこのブラウザーに残ります。",
    ),
    "blind.intro_loras": (
        "Two pictures of one prompt and seed, by one LoRA at two weights or by two LoRAs at one "
        "weight, hidden and in random order. Choose the better one. {pairs} {pairs:pair is|pairs "
        "are} waiting. Votes stay in this browser until you export them.",
        "同じプロンプトとシードの 2 枚を、LoRA と重みを隠し、順不同で表示します。"
        "1 つの LoRA の 2 つの重みか、同じ重みの 2 つの LoRA です。"
        "良い方を選んでください(全 {pairs} 組)。投票は、書き出すまでこのブラウザーに残ります。",
    ),
    "blind.of": ("{lora} at {weight}", "{lora}({weight})"),
    "blind.too_few": (
        "There is nothing to compare: this needs pictures of one prompt and seed at two weights.",
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
    "blind.agree": (
        "You and the verdict agree: you liked {yours} best, and the verdict recommends {weight}.",
        "判定と一致しています。最も好まれたのは {yours}、判定の推奨は {weight} です。",
    ),
    "blind.in_tie": (
        "You liked {yours} best. The verdict recommends {weight}, but finds no clear difference "
        "between the two: your choice is as good.",
        "最も好まれたのは {yours} です。判定の推奨は {weight} ですが、"
        "両者に明確な差はないとしています。どちらを選んでも構いません。",
    ),
    "blind.differ": (
        "You liked {yours} best; the verdict recommends {weight}. The verdict weighs style gained "
        "against structure lost; trust your eyes.",
        "最も好まれたのは {yours}、判定の推奨は {weight} です。"
        "判定は画風の獲得と構図の維持だけを見ています。ご自分の目を信じてください。",
    ),
    "blind.no_weight": (
        "You liked {yours} best; the verdict recommends no weight.",
        "最も好まれたのは {yours} です。判定が推奨する重みはありません。",
    ),
    "blind.not_judged": (
        "You liked {yours} best; the weight to use was not judged.",
        "最も好まれたのは {yours} です。推奨する重みは判定されていません。",
    ),
    "blind.all_tied": ("No weight is ahead yet.", "まだどの重みも優位ではありません。"),
    "blind.none_ahead": (
        "No LoRA or weight is ahead yet.",
        "まだどの LoRA と重みも優位ではありません。",
    ),
    "blind.few": (
        "After {count} {count:vote|votes} this may be chance.",
        "投票 {count} 件では偶然の可能性があります。",
    ),
    "blind.result": ("Result", "結果"),
    "blind.won": ("won", "勝ち"),
    "blind.tied": ("tied", "引き分け"),
    "blind.lost": ("lost", "負け"),
    "blind.share": ("score", "得点率"),
    "blind.save_json": ("Save as JSON", "JSON で保存"),
    "blind.save_csv": ("Save as CSV", "CSV で保存"),
    "blind.clear": ("Delete the votes", "投票を消す"),
    "blind.clear_sure": (
        "Delete {count} {count:vote|votes}?",
        "投票 {count} 件を消しますか?",
    ),
    # numbers
    "plots.title": ("Numbers", "数値"),
    "plots.none": (
        "There are no numbers: bench/summary.csv is missing.",
        "数値はありません(bench/summary.csv がありません)。",
    ),
    "plots.legend": (
        "What the verdict stands on: the mean over prompts and seeds with its 95 % interval. "
        "Shaded: the usable weights. Dashed: the recommended weight. Red: the limit.",
        "判定の根拠となる指標。プロンプトとシードにわたる平均と 95 % 区間。"
        "網掛けは使える重み、破線は推奨する重み、赤線は限界値。",
    ),
    "plots.trade": ("Style gained against the prompt kept", "獲得した画風とプロンプトの維持"),
    "plots.trade_hint": (
        "Up and to the right is better; the labels are weights.",
        "右上ほど良く、数字は重みです。",
    ),
    "plots.table": ("As a table", "表で見る"),
    "plots.more": ("All other metrics ({count})", "そのほかの指標({count})"),
    "plots.interval": ("{weight}: {mean} ({low} to {high})", "{weight}: {mean}({low}~{high})"),
    "embedding.effect": ("effect", "効果"),
    "embedding.style": ("style", "画風"),
    "embedding.beside": ("beside the style", "画風以外の変化"),
    "embedding.likeness": ("likeness", "学習画像との近さ"),
    "embedding.text": ("text", "文との一致"),
    "embedding.prompt": ("prompt kept", "プロンプトの維持"),
    # copies
    "copies.title": ("Copies", "学習画像との類似"),
    "copies.none": ("None found.", "見つかりませんでした。"),
    "copies.some": (
        "{copied} of {compared} pictures {copied:is a copy|are copies}.",
        "{compared} 枚中 {copied} 枚が学習画像の丸写しです。",
    ),
    "copies.highest": (
        "{compared} {compared:picture was|pictures were} compared with the training set, at "
        "weights up to {weight}. The most similar has a correlation of {similarity} with a "
        "training picture; a copy has more than {limit}.",
        "重み {weight} までの画像 {compared} 枚を学習画像と比較しました。"
        "最も似た画像の相関係数は {similarity} です({limit} を超えると丸写し)。",
    ),
    "copies.alike": (
        "{compared} {compared:picture was|pictures were} compared with the training set, at "
        "weights up to {weight}. The most similar has a correlation of {similarity} with a "
        "training picture, but is about as similar without the LoRA.",
        "重み {weight} までの画像 {compared} 枚を学習画像と比較しました。"
        "最も似た画像の相関係数は {similarity} ですが、LoRA なしでも同程度に似ています。",
    ),
    "copies.found": (
        "A copy has a correlation of more than {limit} with a training picture, and clearly more "
        "than without the LoRA.",
        "学習画像との相関係数が {limit} を超え、LoRA なしより明らかに高いものを丸写しとします。",
    ),
    "copies.pairs": (
        "The most similar pictures beside their nearest training pictures",
        "最も似た画像と、それに最も近い学習画像",
    ),
    "copies.copied": ("copy", "丸写し"),
    "copies.unprobed": (
        "The trigger words alone were not rendered. Copies show there first; probe=full renders "
        "them.",
        "トリガーワードのみの画像はありません。丸写しはそこに最も現れやすく、"
        "probe=full で描画できます。",
    ),
    "copies.unknown": (
        "Not judged: there is no training set to compare with.",
        "未判定です。比較する学習画像がありません。",
    ),
    # training
    "train.title": ("Training", "学習"),
    "train.loss": ("Loss over the steps", "ステップごとの損失"),
    "train.epoch": ("epoch", "エポック"),
    "train.step": ("step", "ステップ"),
    "train.loss_legend": ("Thin: as logged. Bold: running mean.", "細線は記録値、太線は移動平均。"),
    "train.loss_summary": (
        "{steps} steps, running mean {first} at the start and {last} at the end",
        "{steps} ステップ、移動平均は最初 {first}、最後 {last}",
    ),
    "train.held_out": (
        "Dotted: the loss on held-out pictures, lowest at step {step} ({loss}), {last} at the end. "
        "Where it rises while the other falls, the LoRA learns its pictures by heart.",
        "点線は学習に使わなかった画像での損失です。ステップ {step} で最小({loss})、最後は {last} "
        "です。学習の損失が下がりながらこちらが上がり始めたら、画像の丸暗記が始まっています。",
    ),
    "train.file": ("LoRA file", "LoRA ファイル"),
    "train.set": ("Training pictures", "学習画像"),
    "train.some": (
        "{shown} of {count} {count:is|are} shown.",
        "{count} 枚中 {shown} 枚を表示しています。",
    ),
    "train.set_page": (
        "All pictures, their captions, and what was said of the set before the training",
        "すべての画像とキャプション、学習前の指摘",
    ),
    # rejected pictures
    "rejected.title": ("Rejected pictures", "除外した画像"),
    "rejected.none": (
        "None was rejected: {count} {count:picture was|pictures were} used.",
        "{count} 枚中、除外した画像はありません。",
    ),
    "rejected.count": (
        "{rejected} of {count} pictures {rejected:was|were} rejected.",
        "{count} 枚中 {rejected} 枚を除外しました。",
    ),
    # settings
    "settings.title": ("Settings and versions", "設定とバージョン"),
    "settings.again": ("To make it again", "もう一度作るには"),
    "settings.run": ("What went in", "学習の入力と設定"),
    "settings.uncaptioned": (
        "caption of pictures without one",
        "キャプションのない画像のキャプション",
    ),
    "settings.sweep": ("What was rendered", "描画の設定"),
    "settings.prompts": ("Prompts", "プロンプト"),
    "settings.workflow": (
        "The workflow, in which each picture sets its prompt, weight and seed",
        "ワークフロー(画像ごとにプロンプト・重み・シードが入ります)",
    ),
    # several runs
    "runs.title": ("Runs compared", "実行の比較"),
    "runs.best_first": (
        "The trainings, the best first: by verdict, then by the style gained, each at its "
        "weight to use. ≈1: as good as the first, as far as these pictures tell.",
        "学習を良い順に並べています。判定の次に、それぞれの推奨の重みで"
        "画風をどれだけ獲得したかで比べます。≈1: この枚数では 1 位と差がありません。",
    ),
    "runs.no_result": ("no result", "結果なし"),
    "runs.run": ("Run", "実行"),
    "runs.no_verdict": ("not judged yet", "未判定"),
    "runs.tie": ("a tie between", "優劣なし:"),
    "runs.leaks": ("Acts without its trigger", "トリガーなしでの作用"),
    "runs.yes": ("yes, it leaks", "あり(漏れています)"),
    "runs.no": ("no", "なし"),
    "runs.not_probed": ("not judged", "未判定"),
    "runs.extent": ("Rendered", "描画した画像"),
    "runs.extent_value": (
        "{pictures} {pictures:picture|pictures}: {prompts} {prompts:prompt|prompts}, "
        "{seeds} {seeds:seed|seeds}, {weights} {weights:weight|weights}"
        "{without: and no LoRA|}",
        "{pictures} 枚(プロンプト {prompts}、シード {seeds}、重み {weights}{without:、LoRA なし|})",
    ),
    "runs.extent_probes": ("; {n} {n:probe|probes}", "、プローブ {n} 枚"),
    "runs.reasons": ("Why", "理由"),
    "runs.other_base": (
        "These runs have different base models: their pictures differ by more than the LoRA.",
        "ベースモデルが異なります。画像の違いは LoRA だけによるものではありません。",
    ),
    "runs.other_graph": (
        "These runs were rendered with different workflows or checkpoints: their pictures differ "
        "by more than the LoRA.",
        "ワークフローまたはチェックポイントが異なります。画像の違いは LoRA だけによるものでは"
        "ありません。",
    ),
    "runs.other_sweep": (
        "Their sweeps differ: means over different prompts or seeds are not strictly comparable.",
        "スイープが異なります。異なるプロンプトやシードの平均は厳密には比較できません。",
    ),
    "runs.only_benched": (
        "Only benched: {runs}. What it was trained on, and how, is not recorded, and is left out "
        "below.",
        "ベンチマークのみの実行: {runs}。学習データと学習設定の記録がないため、"
        "以下では省いています。",
    ),
    "runs.differences": ("What differs", "違い"),
    "runs.all_equal": ("Nothing in data or settings.", "データにも設定にも違いはありません。"),
    "runs.group_data": ("Data", "データ"),
    "runs.group_training": ("Training", "学習"),
    "runs.group_sweep": ("Benchmark", "ベンチマーク"),
    "runs.group_made": ("Program and machine", "プログラムと実行環境"),
    "runs.trained_on": ("pictures trained on", "学習画像"),
    "runs.not_recorded": ("not recorded", "記録なし"),
    "runs.rejected": ("{n} rejected", "除外 {n}"),
    "runs.against": ("against {first}", "{first} との差"),
    "runs.same_pictures": ("the same", "同じ"),
    "runs.show": ("LoRA weight", "LoRA の重み"),
    "runs.each_best": ("each at its recommended weight", "それぞれの推奨の重み"),
    "runs.each_nearest": ("each at the weight nearest to 0.80", "それぞれ 0.80 に最も近い重み"),
    "runs.no_shared_rows": (
        "These runs share no prompt and seed, so no pictures stand side by side.",
        "共通のプロンプトとシードがないため、画像は並べられません。",
    ),
    "runs.no_shared_weights": (
        "These runs share no weight but 0; where one was not rendered, its place is empty.",
        "0 以外に共通の重みがありません。描画していない重みは空欄です。",
    ),
    "runs.some_shared": (
        "Only the prompts and seeds that all of them have are shown: {n} {n:row|rows}.",
        "すべてに共通するプロンプトとシードのみを表示しています({n} 行)。",
    ),
    "runs.fallback": (
        "* Without a recommended weight, the one nearest to 0.80 is shown.",
        "* 推奨の重みがない場合は、0.80 に最も近い重みを表示しています。",
    ),
    "runs.not_rendered": ("not rendered", "描画なし"),
    "runs.no_metrics": (
        "None of the runs has a summary.csv yet.",
        "summary.csv がまだありません。",
    ),
    "runs.interval": (
        "Mean over the prompts with its 95 % interval. Where intervals overlap, it is open which "
        "run is higher.",
        "プロンプト全体の平均と 95 % 信頼区間です。"
        "区間が重なる場合、どちらが高いかは決まりません。",
    ),
    "runs.made": ("made {when}", "{when} 作成"),
    # a set before its training
    "set.style": ("A style", "画風"),
    "set.character": ("A character", "キャラクター"),
    "set.made": ("looked through {when}", "{when} 確認"),
    "set.no_script": (
        "Pictures and the search need JavaScript; all words are here.",
        "画像の表示と検索には JavaScript が必要です。文章はこのまま読めます。",
    ),
    "set.risks": ("Before you train", "学習の前に"),
    "set.no_risk": (
        "Nothing was found that will spoil the training.",
        "学習を台無しにするような点は見つかりませんでした。",
    ),
    "set.why": ("Why", "理由"),
    "set.remedy": ("Remedy", "対処"),
    "set.more": ("and {n} more", "ほか {n} 枚"),
    "set.used": ("Pictures", "画像"),
    "set.of": ("of {count} in the raw set", "元のセット {count} 枚中"),
    "set.buckets": ("Buckets", "バケット"),
    "set.fullest": ("{n} {n:picture|pictures} in the fullest", "最も多いもので {n} 枚"),
    "set.cut": ("Cut off", "切り落とし"),
    "set.at_most": ("at most {n}", "最大 {n}"),
    "set.enlarged": ("Enlarged", "拡大"),
    "set.captions": ("Captions", "キャプション"),
    "set.without": ("{n} without", "なし {n}"),
    "set.tokens": ("Tokens", "トークン"),
    "set.tokens_most": (
        "median; at most {n}, {limit} are read",
        "中央値。最大 {n}(読まれるのは {limit} まで)",
    ),
    "set.trigger": ("Trigger words", "トリガーワード"),
    "set.no_trigger": ("not known: give trigger=", "不明(trigger= で指定できます)"),
    "set.given_back": (
        "What the base model's autoencoder gives back",
        "ベースモデルのオートエンコーダーによる再現",
    ),
    "set.given_back_hint": (
        "Left: as trained on. Right: the best that the base model can draw of it, with the share "
        "of the fine detail that is left. No LoRA does better.",
        "左は学習に使う画像、右はベースモデルが描ける限界と、残った細部の割合です。"
        "LoRA がこれを超えることはありません。",
    ),
    "set.given_back_parts": (
        "Without a GPU, only the squares with the most detail of two pictures were measured.",
        "GPU がないため、2 枚の画像の最も細かい部分だけを測りました。",
    ),
    "set.pictures": ("Pictures by bucket", "バケットごとの画像"),
    "set.pictures_hint": (
        "The raw pictures. What is darkened is cut off; the white frame is trained on, scaled to "
        "the size of the bucket. A click opens the picture as it is trained on.",
        "元の画像です。暗い部分は切り落とされ、白い枠の中がバケットの大きさに合わせて"
        "学習されます。クリックすると、学習に使う画像を開きます。",
    ),
    "set.n_pictures": ("{n} {n:picture|pictures}", "{n} 枚"),
    "set.cut_off": ("{n} % cut off", "{n} % 切り落とし"),
    "set.scaled": ("enlarged {n} times", "{n} 倍に拡大"),
    "set.some": (
        "{shown} of {count} pictures are shown, evenly chosen.",
        "{count} 枚中 {shown} 枚を等間隔で表示しています。",
    ),
    "set.pairs": ("Near pairs", "よく似た画像"),
    "set.pairs_hint": (
        "The distance is in bits of 64 of the perceptual hash. Pictures left out count as "
        "duplicates by preprocess.duplicate_distance.",
        "距離は知覚ハッシュ 64 ビット中の違いです。preprocess.duplicate_distance 以下のものは"
        "重複として除外されます。",
    ),
    "set.left_out": ("left out", "除外"),
    "set.both_kept": ("both kept", "両方使用"),
    "set.distance": ("distance {n}", "距離 {n}"),
    "set.no_pairs": ("No two pictures are nearly the same.", "よく似た画像の組はありません。"),
    "set.refused": ("Refused", "除外した画像"),
    "set.none_refused": ("No picture was refused.", "除外した画像はありません。"),
    "set.uncaptioned": ("Without a caption", "キャプションなし"),
    "set.uncaptioned_hint": (
        "These are trained with: {words}",
        "「{words}」をキャプションとして学習されます。",
    ),
    "set.words": ("Words in most captions", "多くのキャプションにある語"),
    "set.misspelt": ("Likely misspelt", "綴りの誤りらしい語"),
    "set.once": ("Words used once", "一度だけ使われた語"),
    "set.none": ("None.", "ありません。"),
    "set.each": ("Each caption", "すべてのキャプション"),
    "set.find": ("Find", "検索"),
    "set.found": ("{n} of {count}", "{count} 件中 {n} 件"),
    "set.caption": ("Caption", "キャプション"),
    "set.tags": ("Tags by frequency", "タグの頻度"),
    "set.tags_hint": (
        "What commas part, without the trigger words. What stands in most captions is not learnt "
        "with the trigger words but with its own. A click finds the captions.",
        "カンマで区切られた語句です(トリガーワードを除く)。ほとんどのキャプションにある語句は、"
        "トリガーワードではなくその語句に結び付きます。クリックするとキャプションを検索します。",
    ),
    "set.no_tags": (
        "No tag stands in more than one caption.",
        "2 つ以上のキャプションに共通するタグはありません。",
    ),
}


def phrase(key: str, language: Language = "en", **values: object) -> str:
    """Return a text with its values."""
    return phrases.say(TEXTS[key], language, **values)


def keyed(*sections: str) -> dict[str, dict[str, str]]:
    """Return the texts of these sections by language, as the scripts of a page take them."""
    return {
        language: {key: pair[at] for key, pair in TEXTS.items() if key.startswith(sections)}
        for at, language in enumerate(("en", "ja"))
    }
