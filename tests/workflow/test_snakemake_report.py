"""Snakemake's own report on a finished run."""

SHOWN = (
    "report.html",
    "bench/verdict.json",
    "bench/metrics.csv",
    "bench/summary.csv",
    "bench/grid/overview.png",
    "bench/grid/seed123456789_weights.png",
    "bench/plots/metrics_by_weight.png",
    "bench/plots/tradeoff.png",
    "train/loss.png",
)


def test_it_holds_the_results_of_the_run_with_their_captions(project):
    project.add_set()
    run = project.root / "runs" / "made"
    for name in SHOWN:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(f"what {name} says")
    project.snakemake("--report", "all.html", raw_set="some_set", run_id="made")
    page = (project.root / "all.html").read_text(encoding="utf-8")
    assert [name for name in SHOWN if f"runs/made/{name}" not in page] == []
    of_several = ("comparison.rst", "loras_plot.rst")  # a run of one LoRA has none of them
    captions = (project.root / "report").glob("*.rst")
    for caption in (one for one in captions if one.name not in of_several):
        first = caption.read_text().split("\n")[0][:40].replace("'", "&#x27;")
        assert first in page, caption.name
