"""From a LoRA file anywhere to a run that keeps it.

REQUIRED INPUTS
    the file that `lora` names, never written

OUTPUTS
    runs/<run_id>/train/<name>.safetensors      the same file
"""


rule copy_lora:
    """Copy a LoRA into its run, which so stays whole where the file is moved or replaced."""
    output:
        lora=RUN.given_lora("{lora}"),
    log:
        RUN.logs / "copy_lora" / "{lora}.log",
    benchmark:
        RUN.timings / "copy_lora" / "{lora}.tsv"
    wildcard_constraints:
        run_id=commands.either(COPIED),
        lora="|".join(re.escape(name) for plan in COPIED for name in plan.copied),
    localrule: True
    conda:
        "../envs/lorabench.yaml"
    params:
        sha256=lambda wildcards: PLANS[wildcards.run_id].copied[wildcards.lora].sha256,
        # Where the file lies does not count: Snakemake does not compare such a param.
        source=lambda wildcards, output: str(PLANS[wildcards.run_id].copied[wildcards.lora].source),
    message:
        "Copying {params.source}"
    shell:
        f"{program('copy_lora.py')}"
        " --lora={params.source:q} --sha256 {params.sha256} --output {output.lora:q} --log {log:q}"
