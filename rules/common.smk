"""What the rules share: paths, the sweep, and how a program is called."""

import json
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from snakemake.shell import shell

from lorabench import invocation, job_logs, layout, preconditions
from lorabench.bench.embeddings import embedding
from lorabench.workflow import outlook, stopping

STARTED = time.time()
RUN = PLAN.paths
CONFIG = PLAN.config
RECEIPT = RUN.lora.parent / "installed.json"
GRAPH = RUN.bench / "workflow.json"


wildcard_constraints:
    variant=r"(?:[^/]+/)?",
    weight=r"-?\d+\.\d\d",
    seed=r"\d+",


def program(name: str) -> str:
    """Return the start of a command line; no param, so a moved project keeps its results."""
    return f"python {quoted(ROOT / 'scripts' / name)}"


def replaceable(path: str) -> str:
    """Return the start of a command line of a program that users may replace by their own."""
    return f"{'python' if path.endswith('.py') else 'bash'} {quoted(path)}"


def trainer() -> str:
    """Return the start of the command line of the program that trains."""
    if CONFIG.trainer == "embedded":
        return program("train_lora.py")
    return f"{replaceable(CONFIG.programs.run_lora)} {kohya_options()}"


def kohya_options() -> str:
    """Return where sd-scripts is, as options; another place trains the same LoRA."""
    kohya = CONFIG.kohya
    folders = [f"--path={here}={there}" for here, there in kohya.paths.items()]
    options = {
        "--sd-scripts": kohya.sd_scripts or None,
        "--launcher": kohya.launcher or None,
        "--accelerate": kohya.accelerate or None,
    }
    return literal(f"{as_options(options)} {shlex.join(folders)}".strip())


def literal(text: str) -> str:
    """Write braces so that Snakemake leaves them as they are."""
    return text.replace("{", "{{").replace("}", "}}")


def quoted(text: object) -> str:
    """Write one word of a shell command."""
    return literal(shlex.quote(str(text)))


def cell(variant: str, weight: str, seed: str) -> list[str]:
    """Return the pictures of one cell of the sweep; `variant` is a folder's name, with its `/`."""
    return [
        str(layout.picture(RUN.bench, variant, weight, seed, index))
        for index in range(CONFIG.batch_size)
    ]


def cells() -> list[str]:
    """Return the pictures of the sweep."""
    return [
        picture
        for variant in PLAN.variants
        for weight in variant.weights
        for seed in variant.seeds
        for picture in cell(variant.folder, layout.weight_name(weight), str(seed))
    ]


def name_options(folder: str) -> str:
    """Return what the pictures of a variant are labelled with."""
    variant = PLAN.by_folder[folder]
    return as_options({"--prompt-name": variant.prompt, "--probe": variant.probe})


def prompt_of(folder: str) -> str | None:
    """Return what replaces the workflow's prompt in the cells of a variant."""
    return PLAN.by_folder[folder].text if folder else PLAN.positive


def cell_arguments(variant: str = "") -> str:
    """Return the options of a cell that decide what is drawn; a change renders again."""
    options = {
        "--batch-size": CONFIG.batch_size,
        "--positive": prompt_of(variant),
        "--negative": CONFIG.negative,
        "--checkpoint": PLAN.checkpoint_name,
        "--lora-node": CONFIG.bench.lora_node,
        "--sampler-node": CONFIG.bench.sampler_node,
        "--positive-node": CONFIG.bench.positive_node,
        "--negative-node": CONFIG.bench.negative_node,
        "--latent-node": CONFIG.bench.latent_node,
        "--save-node": CONFIG.bench.save_node,
    }
    if PLAN.embedded_server:
        options |= {
            "--threads": CONFIG.bench.threads,
            "--device": CONFIG.bench.device,
        }
    return as_options(options)


def server_options() -> str:
    """Return the options of a cell that decide where files lie and who draws.

    They are no params: another port draws the same pictures.
    """
    options = {
        "--comfy-url": ",".join(CONFIG.comfy_url),
        "--server-checkpoint": CONFIG.base_model if PLAN.embedded_server else None,
        "--loras-dir": CONFIG.lora_install_dir,
        "--server-state": RUN.server_state,
        "--idle-timeout": CONFIG.bench.idle_timeout,
    }
    return as_options(options)


def fit_options() -> str:
    """Return the server and the base model that the LoRA has to fit, as options.

    A LoRA from elsewhere may be for the checkpoint that a ComfyUI has, not for `base_model`.
    """
    own = PLAN.embedded_server and not CONFIG.bench.checkpoint
    known = own or not CONFIG.skip_train
    return as_options(
        {
            "--base-model": CONFIG.base_model if known else None,
            "--server": "embedded" if PLAN.embedded_server else "comfyui",
        }
    )


def as_options(options: dict) -> str:
    """Return the options that have a value as a quoted piece of a command line."""
    return shlex.join(f"{name}={value}" for name, value in options.items() if value is not None)


def training_set() -> list[Path]:
    """Return the training pictures; none where a LoRA was made elsewhere."""
    return [RUN.normalized / "images"] if PLAN.identity else []


def reference_set() -> list[Path]:
    """Return the same as the base model can draw them, which stays with the run."""
    folder = RUN.bench / "reference"
    return [folder] if PLAN.identity or folder.exists() else []


def embedding_table() -> list[Path]:
    """Return what an embedding says of the pictures; none where none is set."""
    return [RUN.bench / "embedding.csv"] if CONFIG.bench.embedding else []


def large_models() -> str:
    """Return the models whose digests are remembered, as words of a command line."""
    own = CONFIG.bench.embedding
    folder = [own] if own and own != embedding.BASE else []
    drawn = [PLAN.drawn.path] if PLAN.drawn and PLAN.drawn.path else []
    return " ".join(map(quoted, [CONFIG.base_model, *drawn, *folder]))


def further_grids() -> list[Path]:
    """Return the grids besides the overview: each seed's, its differences, and the probes'."""
    kinds = ["weights", "differences"] if CONFIG.bench.difference_maps else ["weights"]
    grids = [RUN.grid / f"seed{seed}_{kind}.png" for seed in CONFIG.seeds for kind in kinds]
    probes = [RUN.grid / "probes.png"] if any(one.probe for one in PLAN.variants) else []
    return grids + probes


def shown(path: Path, caption: str, category: str, label: str) -> str:
    """Mark a result for Snakemake's own report (`--report`)."""
    return report(
        str(path),
        caption=f"../report/{caption}.rst",
        category=category,
        labels={"run": RUN.run_id, "what": label},
    )


def results() -> list[str]:
    """Return what a finished run holds."""
    dataset = [str(RUN.root / "preprocess_log.csv")] if PLAN.identity else []
    return [
        *dataset,
        *map(str, further_grids()),
        str(RUN.grid / "overview.png"),
        str(RUN.plots / "metrics_by_weight.png"),
        str(RUN.plots / "tradeoff.png"),
        str(RUN.bench / "metrics.csv"),
        str(RUN.bench / "verdict.json"),
        str(RUN.root / "report.html"),
        str(RUN.lora.parent / "README.md"),
        str(RUN.bench / "sweep.yaml"),
    ]


def what_will_be_done(jobs: dict) -> list[str]:
    """Return it in lines, from the jobs' numbers by rule."""
    at_once = workflow.global_resources["comfyui"].value or 1
    return list(outlook.lines(PLAN, jobs, at_once))


def begin() -> None:
    """Say what will be done; let the jobs' programs speak through the console."""
    STOPPING.heed()  # Snakemake listens for SIGTERM by now, and would wait for the jobs
    if CONSOLE:
        CONSOLE.listen()
        # Until a program listens for itself, a Ctrl-C is for the workflow, which ends it.
        shell.prefix("trap '' INT; ")
    else:
        jobs = Counter(job.rule.name for job in workflow.dag.needrun_jobs())
        say("\n".join(what_will_be_done(jobs)))


def say(text: str) -> None:
    """Write lines that stay."""
    CONSOLE.say(text) if CONSOLE else print(text, file=sys.stderr)


def look_ahead() -> None:
    """Check the servers, if cells will be rendered, before a job starts and a file is deleted.

    The job bench_preflight cannot: it runs for a new LoRA or workflow only, because its graph
    is kept. And a training takes a night, at whose end nobody wants to hear of a missing file.
    """
    jobs = {job.rule.name for job in workflow.dag.needrun_jobs()}
    installed = "install_lora" not in jobs
    if workflow.touch or "bench_image" not in jobs or (PLAN.embedded_server and not installed):
        return
    options = {
        "--workflow": CONFIG.bench_workflow,
        "--trigger": PLAN.trigger or None,
        "--lora-receipt": RECEIPT if installed else None,
        "--kept": GRAPH if "bench_preflight" not in jobs else None,
        "--log": RUN.logs / "bench_preflight.log",
    }
    words = shlex.split(f"{cell_arguments()} {server_options()} {as_options(options)}")
    program = [sys.executable, ROOT / "scripts" / "bench_preflight.py"]
    if subprocess.run([*program, *words]).returncode:
        finish()
        if not STOPPING.told:
            say("Stopped before the first job.")
        # A WorkflowError would be told with the places in these files that it came through.
        sys.exit(stopping.STATUS if STOPPING.told else 1)


def ask_docker() -> None:
    """Check that Docker answers, if a training will start in it, before a picture is touched."""
    jobs = {job.rule.name for job in workflow.dag.needrun_jobs()}
    if workflow.touch or "train_lora" not in jobs:
        return
    try:
        preconditions.check_docker(CONFIG)
    except UserError as error:
        finish()
        console.refuse(str(error))


def stop_server() -> None:
    """Stop the embedded server, if this workflow has one."""
    if PLAN.embedded_server:
        from lorabench.comfy.launch import stop_server as stop

        stop(RUN.server_state)


def finish() -> None:
    """End what runs beside the jobs."""
    stop_server()
    if CONSOLE:
        CONSOLE.end()


def say_what_failed(snakemake_log: list[str]) -> None:
    """Say last how to go on; without the console, what went wrong, too: it stands far above."""
    if STOPPING.told:
        sys.exit(stopping.STATUS)
    if CONSOLE:
        logs = f"the jobs' logs: {RUN.logs}; Snakemake's: {', '.join(snakemake_log) or 'none'}"
        say(f"\nNot finished{invocation.way_on(' once that is mended')} ({logs})")
    elif said := job_logs.summary(RUN.logs, STARTED):
        say(f"\n{said}")


def say_where_to_look() -> None:
    """Say last, where it is not overlooked, what is wrong, the verdict, and what to open first."""
    from lorabench.workflow import epilogue  # reading a run takes more than a parse may

    say("\n".join(epilogue.lines(RUN, Path(CONFIG.base_model))))
