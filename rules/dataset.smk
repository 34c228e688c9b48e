"""From raw pictures to a normalized set.

REQUIRED INPUTS
    datasets/raw/{style,characters}/<set>/      the user's pictures and captions, never written

OUTPUTS
    runs/<run_id>/run.yaml                      what went into the run
    datasets/normalized/<profile>/<set>-<hex>/  the set, shared by runs of the same content; likewise
                                                the regularization pictures
    datasets/normalized/<profile>/<set>-<hex>/dataset.html, dataset.json    what can be said of it
    runs/<run_id>/preprocess_log.csv, rejected/ what became of each picture
    runs/<run_id>/bench/reference/              the pictures as the base model can render them
"""


rule record_run:
    """Record data, settings, versions and host; a later call with others is refused."""
    output:
        record=RUN.record,
    log:
        RUN.logs / "record_run.log",
    benchmark:
        RUN.timings / "record_run.tsv"
    localrule: True
    conda:
        "../envs/lorabench.yaml"
    params:
        contents=of_run(lambda plan: commands.record(plan.record.contents())),
        raw=uncompared(lambda plan: [one.raw.folder for one in plan.sets]),
    message:
        "Recording run {wildcards.run_id}"
    shell:
        f"{program('record_run.py')} run"
        " --output {output.record:q} --contents {params.contents:q} --log {log:q}"
        f" --digests {quoted(layout.DIGESTS)} --of {{params.raw:q}} {quoted(CONFIG.base_model)}"


rule normalize_dataset:
    """Make the pictures what both trainers take as they are."""
    input:
        # Within a set these cannot change; a touched file must not retrain for hours.
        raw=ancient(of_set(lambda one: one.raw.files)),
    output:
        images=directory(RUN.normalized / "images"),
        log=RUN.normalized / "preprocess_log.csv",
        rejected=directory(RUN.normalized / "rejected"),
        whole=whole(RUN.normalized / "rejected"),
    log:
        RUN.normalizing_log,
    benchmark:
        RUN.normalizing_log.with_suffix(".tsv")
    conda:
        "../envs/lorabench.yaml"
    threads: workflow.cores
    params:
        raw=of_set(lambda one: here(one.raw.folder)),
        folder=of_set(lambda one: here(one.folder)),
        # Not run.yaml: the set is shared, and another run's file would be another input.
        settings=of_set(commands.preprocessing),
        store=layout.PICTURE_STORE,
    message:
        "Normalizing {wildcards.raw_set}"
    shell:
        f"{commands.replaceable(CONFIG.programs.resize)}"
        " {params.raw:q} --output {params.folder:q} --yes"
        " --settings /dev/stdin --store {params.store:q} --workers {threads} --log {log:q}"
        " <<< {params.settings:q}"
        # Another program than ours may have written none.
        " && (test -f {output.log:q} || (echo error: {output.log:q} is missing:"
        f" {quoted(CONFIG.programs.resize)} has to write it, as scripts/resize_dataset.py does"
        " >> {log:q}; exit 1))"


rule dataset_page:
    """Make a page on the set, and say what will spoil a training, before one."""
    input:
        raw=ancient(of_set(lambda one: one.raw.files)),
        images=RUN.normalized / "images",
        log=RUN.normalized / "preprocess_log.csv",
    output:
        page=RUN.set_page,
        facts=RUN.set_page.with_suffix(".json"),
    log:
        RUN.set_page_log,
    benchmark:
        RUN.set_page_log.with_suffix(".tsv")
    priority: 1  # it says what may make one stop the training
    conda:
        "../envs/lorabench.yaml"
    threads: workflow.cores  # so that no training starts beside it
    params:
        set=folder_of("page"),
        use=of_taught(lambda plan: plan.use.json),
        raw=of_set(lambda one: here(one.raw.folder)),
        options=uncompared_of_taught(partial(commands.look_through, here)),
    message:
        "Looking {wildcards.raw_set} through"
    shell:
        f"{program('dataset_page.py')}"
        " {params.set:q} --raw {params.raw:q} --use /dev/stdin {params.options}"
        " --output {output.page:q} --workers {threads} --log {log:q} <<< {params.use:q}"


rule snapshot_dataset:
    """Keep with the run what became of each picture, and those that were refused."""
    input:
        log=ancient(of_run(lambda plan: plan.paths.normalized / "preprocess_log.csv")),
        rejected=ancient(of_run(lambda plan: plan.paths.normalized / "rejected")),
    output:
        log=RUN.preprocess_log,
        rejected=directory(RUN.root / "rejected"),
        whole=whole(RUN.root / "rejected"),
    log:
        RUN.logs / "snapshot_dataset.log",
    benchmark:
        RUN.timings / "snapshot_dataset.tsv"
    localrule: True
    conda:
        "../envs/lorabench.yaml"
    message:
        "Keeping the log of the pictures"
    shell:
        "(rm -rf {output.rejected:q}.tmp"
        " && cp -R {input.rejected:q} {output.rejected:q}.tmp"
        " && mv {output.rejected:q}.tmp {output.rejected:q}"
        " && cp {input.log:q} {output.log:q}.tmp && mv {output.log:q}.tmp {output.log:q})"
        " 2>&1 | tee {log:q} >&2"


rule render_reference:
    """Pass the training pictures through the base model's autoencoder: no LoRA does better.

    Where that is not read here, they stay as they are.
    """
    input:
        images=ancient(of_run(lambda plan: plan.paths.training_pictures)),
    output:
        pictures=directory(RUN.reference),
        whole=whole(RUN.reference),
    log:
        RUN.logs / "render_reference.log",
    benchmark:
        RUN.timings / "render_reference.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: CONFIG.train.threads
    resources:
        gpu=lambda wildcards: reserved.reference_gpus(FIRST, workflow.local_exec),
        mem_mb=reserved.reference_mb(FIRST),
        runtime=of_run(reserved.reference_minutes),
    params:
        trigger=of_run(lambda plan: plan.trigger),
    message:
        "Preparing the training pictures that the style is measured against"
    shell:
        f"{program('reference_set.py')}"
        " {input.images:q} --output {output.pictures:q} --trigger={params.trigger:q}"
        f" --threads {{threads}} --device {CONFIG.train.device} --log {{log:q}}"
        f" {commands.base_model(FIRST.autoencoder)}"
