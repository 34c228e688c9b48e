"""From a normalized set to a LoRA.

REQUIRED INPUTS
    datasets/normalized/<profile>/<set>-<hex>/images/   pictures and captions
    runs/<run_id>/run.yaml                              the settings

OUTPUTS
    runs/<run_id>/train/<profile>_<set>__<run_id>.safetensors
    runs/<run_id>/train/train_log.csv, loss.png
    output/kohya/<profile>_<set>.safetensors            with trainer=kohya, which writes there first
"""


rule train_lora:
    """Train the LoRA; after a kill it goes on from its last state."""
    input:
        images=ancient(RUN.normalized / "images"),
        record=ancient(RUN.record),
    output:
        lora=RUN.lora,
        log=RUN.lora.parent / "train_log.csv",
        curve=shown(RUN.lora.parent / "loss.png", "loss", "Training", "loss"),
    log:
        RUN.logs / "train_lora.log",
    benchmark:
        RUN.timings / "train_lora.tsv"
    conda:
        "../envs/lorabench.yaml"
    threads: CONFIG.train.threads
    resources:
        gpu=1,
    params:
        data=RUN.normalized,
    message:
        f"Training {RUN.lora.name}; first the base model is loaded"
    shell:
        f"{trainer()}"
        " --data {params.data:q} --settings {input.record:q} --output {output.lora:q}"
        f" --log {{log:q}} --base-model {quoted(CONFIG.base_model)}"
