"""From a LoRA to pictures, numbers and grids.

REQUIRED INPUTS
    runs/<run_id>/train/<profile>_<set>__<run_id>.safetensors
    the benchmark workflow, a ComfyUI JSON

OUTPUTS
    runs/<run_id>/train/installed.json                  under which name the server lists it
    runs/<run_id>/bench/workflow.json                   the graph that every cell renders
    runs/<run_id>/bench/sweep.yaml                      what was asked for
    runs/<run_id>/bench/w<weight>/seed<seed>_<nn>.png   the pictures
    runs/<run_id>/bench/<variant>/w<weight>/…           those of other prompts, and probes
    runs/<run_id>/bench/embedding.csv                   where an embedding says they lie, if set
    runs/<run_id>/bench/metrics.csv, warnings.json      what can be measured on them
    runs/<run_id>/bench/training_set.json               what the LoRA could learn at best
    runs/<run_id>/bench/summary.csv, verdict.json       what they say of the LoRA
    runs/<run_id>/bench/plots/metrics_by_weight.png     the same as curves over the weight
    runs/<run_id>/bench/plots/tradeoff.png              style gained against the prompt kept
    runs/<run_id>/bench/plots/loras.png                 several LoRAs at the weight to use
    runs/<run_id>/bench/grid/                           what can be seen on them
"""

# Requests in flight: the profile's number is that of one server, and Snakemake counts over all. In a
# cluster's job there is no profile.
IN_FLIGHT = workflow.global_resources.get("comfyui").value or 2
workflow.register_resource("comfyui", IN_FLIGHT * len(CONFIG.comfy_url))
# On one machine, where GPUs are counted, the server that all cells share takes none from a training.
ITS_GPU = {} if workflow.global_resources.get("gpu").value else reserved.of_server(FIRST)
ITS_THREADS = reserved.cell_threads(FIRST)


rule record_sweep:
    """Record what is rendered, with what and by whom; the latest sweep of the run."""
    output:
        record=update(RUN.sweep),
    log:
        RUN.logs / "record_sweep.log",
    benchmark:
        RUN.timings / "record_sweep.tsv"
    localrule: True
    conda:
        "../envs/lorabench.yaml"
    params:
        contents=of_run(lambda plan: commands.record(plan.sweep.contents())),
        models=uncompared(commands.large_models),
    message:
        "Recording the sweep"
    shell:
        f"{program('record_run.py')} sweep"
        " --output {output.record:q} --contents {params.contents:q} --log {log:q}"
        f" --digests {quoted(layout.DIGESTS)} --of {{params.models}}"


rule install_lora:
    """Put the LoRA where ComfyUI lists it, under a name that holds its content's hash."""
    input:
        lora=of_lora(lambda plan, key: plan.lora(key)),
    output:
        receipt=RUN.receipt("{of}"),
    log:
        RUN.logs / "{of}install_lora.log",
    benchmark:
        RUN.timings / "{of}install_lora.tsv"
    localrule: True
    conda:
        "../envs/lorabench.yaml"
    params:
        folder=CONFIG.lora_install_dir,
        fit=uncompared(commands.fit),
    message:
        "Installing the LoRA in {params.folder}"
    shell:
        f"{program('install_lora.py')}"
        " --lora {input.lora:q} --install-dir {params.folder:q}"
        " --receipt {output.receipt:q} --log {log:q} {params.fit}"


rule bench_preflight:
    """Check that the servers can render the sweep, and keep the graph; see also the hooks."""
    input:
        receipt=of_run(lambda plan: plan.receipts("")),
        lora=fetched(lambda plan: commands.loras(plan, "")),
    output:
        graph=RUN.graph,
    log:
        RUN.logs / "bench_preflight.log",
    benchmark:
        RUN.timings / "bench_preflight.tsv"
    conda:
        "../envs/lorabench.yaml"
    resources:
        **ITS_GPU,
    params:
        workflow_digest=of_run(lambda plan: plan.workflow_digest),
        options=lambda wildcards, input, output: commands.preflight(
            PLANS[wildcards.run_id], input.lora
        ),
    message:
        "Checking the ComfyUI servers"
    shell:
        f"{program('bench_preflight.py')}"
        " --lora-receipt {input.receipt:q} --output {output.graph:q} {params.options} --log {log:q}"


rule bench_image:
    """Render one cell of the sweep: a prompt, a weight, a seed, a batch."""
    input:
        receipt=lambda wildcards: commands.receipts(PLANS[wildcards.run_id], wildcards.variant),
        lora=ancient(commands.loaded(PLANS)) if BUCKET else [],  # the receipt may be of elsewhere
        graph=RUN.graph,  # not ancient: that would keep a cell from running when its producer does
    output:
        pictures=[
            update(str(layout.picture(RUN.bench, "{variant}", "{weight}", "{seed}", index)))
            for index in range(CONFIG.batch_size)
        ],
    log:
        RUN.logs / "bench_image" / "{variant}w{weight}_seed{seed}.log",
    benchmark:
        RUN.timings / "bench_image" / "{variant}w{weight}_seed{seed}.tsv"
    conda:
        "../envs/lorabench.yaml"
    # A cell waits for the server; `comfyui` limits how many do so at once. Where the server runs in
    # the job, Kubernetes reads no `cpus_per_task`.
    threads: lambda wildcards: 0 if workflow.local_exec else ITS_THREADS
    resources:
        **ITS_GPU,
        comfyui=1,
        # For a cluster, where the server runs in the job. Constants: a sweep may have 10,000 cells.
        cpus_per_task=ITS_THREADS,
        mem_mb=reserved.cell_mb(FIRST),
        runtime=reserved.cell_minutes(FIRST),
    params:
        run_id="{run_id}",
        folder=str(here(RUN.bench / "{variant}w{weight}")),
        prefix=str(RUN.bench / "{variant}w{weight}" / "seed{seed}"),
        arguments=lambda wildcards: commands.cell(PLANS[wildcards.run_id], wildcards.variant),
        # What the files hold counts, not where they lie or when they were touched. They are those of
        # all runs; looked up for each cell, they would cost a twentieth of a dry run.
        workflow_digest=FIRST.workflow_digest,
        base_digest=FIRST.base_digest,
        uncompared=lambda wildcards, input, output: commands.rendering(
            PLANS[wildcards.run_id], wildcards.variant, tuple(input.lora)
        ),
    message:
        "Rendering {wildcards.variant}w{wildcards.weight}, seed {wildcards.seed}"
    shell:
        f"{program('bench_image.py')}"
        " --lora-receipt {input.receipt:q} --workflow {input.graph:q}"
        " --run-id {params.run_id:q} --weight {wildcards.weight} --seed {wildcards.seed}"
        " --output-dir {params.folder:q} --prefix {params.prefix:q} {params.arguments}"
        f" --timeout {CONFIG.bench.timeout} --log {{log:q}} {{params.uncompared}}"


if CONFIG.bench.embedding:

    rule bench_embed:
        """Place each picture in an embedding: how far from weight 0, how far to the style."""
        input:
            pictures=of_run(targets.pictures),
            sweep=RUN.sweep,
            reference=ancient(of_run(targets.reference)),
        output:
            table=RUN.bench / "embedding.csv",
        log:
            RUN.logs / "bench_embed.log",
        benchmark:
            RUN.timings / "bench_embed.tsv"
        conda:
            "../envs/lorabench.yaml"
        threads: CONFIG.bench.threads
        resources:
            **ITS_GPU,
            mem_mb=FIRST.family.memory_mb,
        params:
            # Its columns are named after it, and what it holds counts, not where it lies.
            name=embedding.name(CONFIG.bench.embedding),
            digest=of_run(lambda plan: plan.embedding_digest),
            compared=given(reference="--reference"),
        message:
            "Embedding the pictures with {params.name}"
        shell:
            f"{program('bench_embed.py')}"
            f" --embedding={quoted(CONFIG.bench.embedding)}"
            f" --sweep {{input.sweep:q}} {commands.base_model(FIRST.base_model)}"
            f" {{params.compared}} --device {CONFIG.bench.device}"
            " --output {output.table:q} --threads {threads} --log {log:q}"


rule bench_metrics:
    """Measure each picture, against the same seed without the LoRA and against the training set."""
    input:
        pictures=of_run(targets.pictures),
        sweep=RUN.sweep,
        training=ancient(of_run(targets.of_pictures("training_pictures"))),
        reference=ancient(of_run(targets.reference)),
        reg=fetched(lambda plan: [one.images for one in plan.sets[1:]]),
        embedding=RUN.bench / "embedding.csv" if CONFIG.bench.embedding else [],
    output:
        metrics=shown(RUN.bench / "metrics.csv", "metrics", "Numbers", "every picture"),
        warnings=RUN.bench / "warnings.json",
        examined=RUN.bench / "training_set.json",
    log:
        RUN.logs / "bench_metrics.log",
    benchmark:
        RUN.timings / "bench_metrics.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: workflow.cores
    params:
        compared=given(
            training="--training-set", reference="--reference", embedding="--embedding-table"
        ),
        reg=uncompared(partial(commands.regularization, here)),
    message:
        "Measuring the pictures"
    shell:
        f"{program('bench_metrics.py')}"
        " --sweep {input.sweep:q} {params.compared} {params.reg}"
        " --output {output.metrics:q} --warnings {output.warnings:q}"
        " --examined {output.examined:q} --processes {threads} --log {log:q}"


rule bench_verdict:
    """Judge the LoRA, and say at which weight to use it."""
    input:
        metrics=RUN.bench / "metrics.csv",
        examined=RUN.bench / "training_set.json",
        sweep=RUN.sweep,
    output:
        verdict=shown(RUN.bench / "verdict.json", "verdict", "Report", "the verdict"),
        summary=shown(RUN.bench / "summary.csv", "summary", "Numbers", "every weight"),
    log:
        RUN.logs / "bench_verdict.log",
    benchmark:
        RUN.timings / "bench_verdict.tsv"
    conda:
        "../envs/lorabench.yaml"
    message:
        "Judging the LoRA"
    shell:
        f"{program('bench_verdict.py')}"
        " {input.metrics:q} --sweep {input.sweep:q} --examined {input.examined:q}"
        " --output {output.verdict:q} --summary {output.summary:q} --log {log:q}"


rule bench_plots:
    """Draw each metric over the weight, and what the style gained costs in prompt."""
    input:
        metrics=RUN.bench / "metrics.csv",
        summary=RUN.bench / "summary.csv",
        verdict=RUN.bench / "verdict.json",
    output:
        metrics=shown(RUN.plots / "metrics_by_weight.png", "metrics_by_weight", "Plots", "metrics"),
        tradeoff=shown(RUN.plots / "tradeoff.png", "tradeoff", "Plots", "trade-off"),
    log:
        RUN.logs / "bench_plots.log",
    benchmark:
        RUN.timings / "bench_plots.tsv"
    conda:
        "../envs/lorabench.yaml"
    params:
        folder=folder_of("metrics"),
        title="{run_id}",
    message:
        "Drawing the metrics over the weight"
    shell:
        f"{program('bench_plots.py')}"
        " --metrics {input.metrics:q} --summary {input.summary:q} --verdict {input.verdict:q}"
        " --output-dir {params.folder:q} --title {params.title:q} --log {log:q}"


rule bench_loras_plot:
    """Draw several LoRAs at the weight to use, over the epochs or one after the other."""
    input:
        metrics=RUN.bench / "metrics.csv",
        summary=RUN.bench / "summary.csv",
        sweep=RUN.sweep,
        verdict=RUN.bench / "verdict.json",
        training_log=ancient(of_run(targets.of_training("training_log"))),
    output:
        plot=shown(RUN.plots / "loras.png", "loras_plot", "Plots", "LoRAs"),
    log:
        RUN.logs / "bench_loras_plot.log",
    benchmark:
        RUN.timings / "bench_loras_plot.tsv"
    conda:
        "../envs/lorabench.yaml"
    params:
        folder=folder_of("plot"),
        title="{run_id}",
        training=given(training_log="--training-log"),
    message:
        "Drawing the LoRAs side by side"
    shell:
        f"{program('bench_plots.py')} --loras {{input.sweep:q}}"
        " --metrics {input.metrics:q} --summary {input.summary:q} --verdict {input.verdict:q}"
        " {params.training} --output-dir {params.folder:q} --title {params.title:q} --log {log:q}"


rule bench_grid:
    """Lay the pictures out: weights by prompts and seeds."""
    input:
        warnings=RUN.bench / "warnings.json",
        sweep=RUN.sweep,
        verdict=RUN.bench / "verdict.json",
        training=ancient(of_run(targets.of_pictures("training_pictures"))),
        pictures=fetched(targets.pictures),
    output:
        overview=shown(RUN.grid / "overview.png", "overview", "Grids", "overview"),
        shared=RUN.grid / "overview.webp",
        seeds=[shown(path, "grid", "Grids", path.stem) for path in targets.grids(RUN, CONFIG)],
        to_share=stored(path.with_suffix(".webp") for path in targets.grids(RUN, CONFIG)),
    log:
        RUN.logs / "bench_grid.log",
    benchmark:
        RUN.timings / "bench_grid.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: 2  # one draws, one writes
    params:
        folder=folder_of("overview"),
        title="{run_id}",
        training=given(training="--training-set"),
        difference="--difference" if CONFIG.bench.difference_maps else "",
    message:
        "Laying out the grids in {params.folder}"
    shell:
        f"{program('bench_grid.py')}"
        " --output-dir {params.folder:q} --title {params.title:q} --sweep {input.sweep:q}"
        " --warnings {input.warnings:q} --verdict {input.verdict:q} {params.training}"
        " {params.difference} --log {log:q}"


rule bench_loras:
    """Lay several LoRAs out side by side, and by weights for each prompt."""
    input:
        sweep=RUN.sweep,
        verdict=RUN.bench / "verdict.json",
        pictures=fetched(targets.pictures),
    output:
        grid=shown(RUN.grid / "loras.png", "grid", "Grids", "LoRAs"),
        to_share=stored([RUN.grid / "loras.webp"]),
        by_weights=directory(RUN.grid / "loras"),
        whole=whole(RUN.grid / "loras"),
    log:
        RUN.logs / "bench_loras.log",
    benchmark:
        RUN.timings / "bench_loras.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: 2  # one draws, one writes
    params:
        folder=folder_of("grid"),
        title="{run_id}",
    message:
        "Laying out the LoRAs in {params.folder}"
    shell:
        f"{program('bench_grid.py')} --loras"
        " --output-dir {params.folder:q} --title {params.title:q} --sweep {input.sweep:q}"
        " --verdict {input.verdict:q} --log {log:q}"


rule bench_probes:
    """Lay the probes out: the trigger words alone, and prompts without them."""
    input:
        warnings=RUN.bench / "warnings.json",
        sweep=RUN.sweep,
        verdict=RUN.bench / "verdict.json",
        pictures=fetched(targets.pictures),
    output:
        grid=shown(RUN.grid / "probes.png", "grid", "Grids", "probes"),
        to_share=stored([RUN.grid / "probes.webp"]),
    log:
        RUN.logs / "bench_probes.log",
    benchmark:
        RUN.timings / "bench_probes.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: 2  # one draws, one writes
    params:
        folder=folder_of("grid"),
        title="{run_id}",
    message:
        "Laying out the probes in {params.folder}"
    shell:
        f"{program('bench_grid.py')} --probes"
        " --output-dir {params.folder:q} --title {params.title:q} --sweep {input.sweep:q}"
        " --warnings {input.warnings:q} --verdict {input.verdict:q} --log {log:q}"
