"""What is said of a run when all is done: what is wrong, the verdict, what to open first."""

from collections.abc import Iterator
from pathlib import Path

from lorabench.bench.measures import faults
from lorabench.bench.verdicts import advice, verdict, words
from lorabench.config import read_sweep, read_yaml
from lorabench.layout import RunLayout
from lorabench.report import again, earlier


def lines(run: RunLayout, base_model: Path) -> Iterator[str]:
    """Yield it, as far as the run has come."""
    page, warnings = run.root / "report.html", run.bench / "warnings.json"
    judged = run.bench / "verdict.json"
    if warnings.exists() and (found := faults.read(warnings)):
        yield faults.block(found)
    if judged.exists():
        yield ""
        yield from words.lines(verdict.read(judged))
        yield from next_step(run, base_model)
    if found := earlier.find(run.root, base_model):
        yield f"\n{earlier.sentence(found)}\n{found.command}"
    if page.exists():
        yield f"\nLook at {page}"
    elif run.lora.exists():
        yield f"\nThe LoRA: {run.lora}"


def next_step(run: RunLayout, base_model: Path) -> Iterator[str]:
    """Yield what to try next and the command for that, with the run's own settings kept."""
    sweep = read_sweep(run.bench / "sweep.yaml")
    profile, _, _ = run.lora.name.partition("_")
    known = {"run_id": run.run_id, "raw_set": sweep.get("raw_set") or _raw_set(run)}
    record = read_yaml(run.record) if run.record.exists() else {"identity": {"profile": profile}}
    found = advice.advise(verdict.read(run.bench / "verdict.json"), {**known, **record}, sweep)
    if found:
        command = again.command(found.record, found.sweep, base_model)
        yield f"\n{words.try_next(found.code)}\n{command}"


def _raw_set(run: RunLayout) -> str:
    """Return the set that the run's LoRA is named after."""
    return run.lora.stem.partition("_")[2].removesuffix(f"__{run.run_id}")
