"""What people look at, and what goes with the LoRA.

REQUIRED INPUTS
    runs/<run_id>/bench/        the pictures and what was measured on them

OUTPUTS
    runs/<run_id>/report.html   all of it on one page that opens from disk
    runs/<run_id>/train/README.md   the LoRA's model card; its picture, overview.webp, beside it
    runs/<name>/comparison.html, comparison.csv     the runs of a matrix, the best first
"""


rule bench_report:
    """Make the page on the run: one file, opens from disk."""
    input:
        sweep=RUN.sweep,
        metrics=RUN.bench / "metrics.csv",
        summary=RUN.bench / "summary.csv",
        verdict=RUN.bench / "verdict.json",
        warnings=RUN.bench / "warnings.json",
        graph=RUN.graph,
        pictures=fetched(targets.pictures),
        lora=fetched(lambda plan: [*plan.loras.values(), *plan.low.values()]),
        record=ancient(of_run(targets.of_training("record"))),
        training_log=ancient(of_run(targets.of_training("training_log"))),
        preprocess_log=ancient(of_run(targets.of_pictures("preprocess_log"))),
        rejected=of_run(targets.of_pictures("rejected")),
        training=ancient(of_run(targets.of_pictures("training_pictures"))),
    output:
        page=shown(RUN.page, "report", "Report", "the page on the run"),
    log:
        RUN.logs / "bench_report.log",
    benchmark:
        RUN.timings / "bench_report.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: workflow.cores
    params:
        run=folder_of("page"),
        training=given(training="--training-set"),
    message:
        "Making {output.page}"
    shell:
        f"{program('bench_report.py')}"
        " --run {params.run:q} --output {output.page:q} --workers {threads} --log {log:q}"
        f" {commands.base_model(FIRST.base_model)} {{params.training}}"


rule model_card:
    """Write the page that goes with the LoRA to a model site."""
    input:
        lora=of_run(lambda plan: [*plan.loras.values(), *plan.low.values()]),
        record=ancient(of_run(targets.of_training("record"))),
        sweep=RUN.sweep,
        verdict=RUN.bench / "verdict.json",
        grid=RUN.grid / "overview.webp",
    output:
        card=RUN.card,
        picture=RUN.root / "train" / "overview.webp",
    log:
        RUN.logs / "model_card.log",
    benchmark:
        RUN.timings / "model_card.tsv"
    conda:
        "../envs/lorabench.yaml"
    params:
        record=given(record="--record"),
    message:
        "Writing the LoRA's model card"
    shell:
        f"{program('model_card.py')} --lora {{input.lora:q}} {{params.record}}"
        " --sweep {input.sweep:q} --verdict {input.verdict:q} --grid {input.grid:q}"
        " --output {output.card:q} --log {log:q}"


if COMPARISON:

    rule compare_trainings:
        """Compare the runs of a matrix; where one fails, the hooks compare the others."""
        input:
            judged=[path for plan in PLANS.values() for path in targets.judged(plan)],
            records=ancient([plan.paths.record for plan in PLANS.values()]),
            shown=ancient(
                [path for plan in PLANS.values() for path in targets.shown(plan) if BUCKET]
            ),
        output:
            page=shown(COMPARISON.page, "comparison", "Report", "the comparison", COMPARISON.name),
            table=COMPARISON.table,
        log:
            COMPARISON.logs / "compare_trainings.log",
        benchmark:
            COMPARISON.timings / "compare_trainings.tsv"
        conda:
            "../envs/lorabench.yaml"
        params:
            runs=commands.compared(here, PLANS.values()),
        message:
            "Comparing the trainings"
        shell:
            f"{program('compare_trainings.py')}"
            " {params.runs} --output {output.page:q} --table {output.table:q} --log {log:q}"
