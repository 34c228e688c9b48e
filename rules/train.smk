"""From a normalized set to a LoRA.

REQUIRED INPUTS
    datasets/normalized/<profile>/<set>-<hex>/images/   pictures and captions; those of reg_set, too
    runs/<run_id>/run.yaml                              the settings

OUTPUTS
    runs/<run_id>/train/<profile>_<set>__<run_id>.safetensors
    runs/<run_id>/train/train_log.csv, loss.png
    output/kohya/<profile>_<set>.safetensors            with trainer=kohya, which writes there first
"""

commands.set_for_each(workflow.resource_settings, commands.trainings(TRAINED))

for TRAINING in commands.trainings(TRAINED):

    rule:
        name:
            TRAINING.rule
        input:
            images=ancient(of_run(lambda plan: plan.paths.training_pictures)),
            reg=ancient(of_run(lambda plan: [one.images for one in plan.sets[1:]])),
            logs=fetched(lambda plan: [one.folder / "preprocess_log.csv" for one in plan.sets]),
            record=ancient(RUN.record),
        output:
            lora=TRAINING.lora,
            log=RUN.training_log,
            curve=shown(RUN.root / "train" / "loss.png", "loss", "Training", "loss"),
        log:
            RUN.logs / "train_lora.log",
        benchmark:
            RUN.timings / "train_lora.tsv"
        wildcard_constraints:
            run_id=TRAINING.run_ids,
        conda:
            "../envs/lorabench.yaml"
        threads: CONFIG.train.threads
        resources:
            # A function, because the executor is not known yet.
            gpu=lambda wildcards: reserved.gpus(CONFIG, workflow.local_exec),
            mem_mb=of_run(reserved.training_mb),
            runtime=of_run(reserved.training_minutes),
        params:
            data=of_run(lambda plan: here(plan.paths.normalized)),
            reg=uncompared(partial(commands.regularization, here)),
            kept=uncompared(commands.kept_epochs),
            strict=uncompared(partial(commands.strict, ROOT / "scripts", here)),
        message:
            "Training {output.lora}; first the base model is loaded"
        shell:
            "{params.strict}"
            f"{commands.trainer(CONFIG, ROOT / 'scripts')}"
            " --data {params.data:q} --settings {input.record:q} --output {output.lora:q}"
            " {params.reg} {params.kept}"
            f" --log {{log:q}} --base-model {quoted(CONFIG.base_model)}"
