"""What people look at, and what goes with the LoRA.

REQUIRED INPUTS
    runs/<run_id>/bench/        the pictures and what was measured on them

OUTPUTS
    runs/<run_id>/report.html   all of it on one page that opens from disk
    runs/<run_id>/train/README.md   the LoRA's model card; its picture, overview.webp, beside it
"""


rule bench_report:
    """Make the page on the run: one file, opens from disk."""
    input:
        sweep=RUN.bench / "sweep.yaml",
        metrics=RUN.bench / "metrics.csv",
        summary=RUN.bench / "summary.csv",
        verdict=RUN.bench / "verdict.json",
        warnings=RUN.bench / "warnings.json",
        graph=GRAPH,
        rejected=[RUN.root / "rejected"] if PLAN.identity else [],
    output:
        page=shown(RUN.root / "report.html", "report", "Report", "the page on the run"),
    log:
        RUN.logs / "bench_report.log",
    benchmark:
        RUN.timings / "bench_report.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: workflow.cores
    params:
        run=RUN.root,
    message:
        "Making {output.page}"
    shell:
        f"{program('bench_report.py')}"
        " --run {params.run:q} --output {output.page:q} --workers {threads} --log {log:q}"
        f" --base-model {quoted(CONFIG.base_model)}"
        f"{f' --dataset {quoted(RUN.normalized)}' if PLAN.identity else ''}"


rule model_card:
    """Write the page that goes with the LoRA to a model site."""
    input:
        lora=RUN.lora,
        record=[ancient(RUN.record)] if PLAN.identity else [],
        sweep=RUN.bench / "sweep.yaml",
        verdict=RUN.bench / "verdict.json",
        grid=RUN.grid / "overview.webp",
    output:
        card=RUN.lora.parent / "README.md",
        picture=RUN.lora.parent / "overview.webp",
    log:
        RUN.logs / "model_card.log",
    benchmark:
        RUN.timings / "model_card.tsv"
    conda:
        "../envs/lorabench.yaml"
    message:
        "Writing the LoRA's model card"
    shell:
        f"{program('model_card.py')} --lora {{input.lora:q}}"
        f"{' --record {input.record:q}' if PLAN.identity else ''}"
        " --sweep {input.sweep:q} --verdict {input.verdict:q} --grid {input.grid:q}"
        " --output {output.card:q} --log {log:q}"
