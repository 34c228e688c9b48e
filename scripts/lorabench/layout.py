"""The paths of all files, on which users and other tools rely.

They are relative to the working directory, so that all clones have the same names.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

RAW = Path("datasets/raw")
NORMALIZED = Path("datasets/normalized")
NORMALIZING_LOGS = NORMALIZED / "logs"
PICTURE_STORE = NORMALIZED / ".pictures"
RUNS = Path("runs")
KOHYA = Path("output/kohya")
DIGESTS = RUNS / ".digests.json"
WHOLE = ".whole"
"""How the file beside a folder ends that a bucket has once it has all of it."""

_RAW_FOLDER = {"style": "style", "char": "characters"}
PROFILES = tuple(_RAW_FOLDER)


def raw_sets(profile: str) -> Path:
    """Return the folder that holds the raw sets of a profile."""
    return RAW / _RAW_FOLDER[profile]


def profile_of(name: str) -> str | None:
    """Return the profile that has a raw set of this name; None if none has."""
    return next((one for one in _RAW_FOLDER if name and _is_folder(raw_sets(one) / name)), None)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 (a Path fails for a name that no folder can have)


def raw_set(profile: str, name: str) -> Path:
    """Return the folder of a raw set."""
    return raw_sets(profile) / name


def sets(profile: str) -> list[Path]:
    """Return the folders of the raw sets of a profile that exist."""
    return sorted(raw_sets(profile).glob("[!.]*/"))


def normalized(profile: str, name: str, normalized_id: str) -> Path:
    """Return the normalized set of a raw set's content and settings."""
    return NORMALIZED / profile / f"{name}-{normalized_id}"


def weight_name(weight: float) -> str:
    """Write a LoRA strength as in paths: `0.40`."""
    return f"{weight:.2f}"


def picture(bench: Path, variant: str, weight: str, seed: object, index: int) -> Path:
    """Return a picture's path; a rule gives its wildcards for variant to seed.

    `variant` is the folder of its prompt and probe with its `/`, empty for the own prompt.
    """
    return bench / f"{variant}w{weight}" / f"seed{seed}_{index:02d}.png"


class _Folder(Protocol):
    @property
    def root(self) -> Path: ...


class _InRun:
    """A path in a run's folder, or in that of a comparison."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __get__(self, of: _Folder, owner: type) -> Path:
        return of.root / self._place


@dataclass(frozen=True)
class RunLayout:
    """The paths of one run."""

    profile: str
    raw_set: str
    run_id: str
    normalized_id: str

    @property
    def raw(self) -> Path:
        """The user's pictures and captions."""
        return raw_set(self.profile, self.raw_set)

    @property
    def normalized(self) -> Path:
        """The normalized set, shared by runs of the same content and settings."""
        return normalized(self.profile, self.raw_set, self.normalized_id)

    @property
    def training_pictures(self) -> Path:
        """Its pictures and captions."""
        return self.normalized / "images"

    @property
    def set_page(self) -> Path:
        """The page on the normalized set; what it says of it lies beside it, as JSON."""
        return self.normalized / "dataset.html"

    @property
    def set_page_log(self) -> Path:
        """What was said when that page was made."""
        return self.normalizing_log.with_name(f"{self.normalized.name}.page.log")

    @property
    def normalizing_log(self) -> Path:
        """The log of normalizing the set, for any run."""
        return NORMALIZING_LOGS / self.profile / f"{self.normalized.name}.log"

    @property
    def root(self) -> Path:
        """The run's own folder."""
        return RUNS / self.run_id

    @property
    def lora(self) -> Path:
        """The trained LoRA."""
        return self.root / "train" / f"{self.profile}_{self.raw_set}__{self.run_id}.safetensors"

    def given_lora(self, name: str) -> Path:
        """The copy of a LoRA from elsewhere, by the name that it has here."""
        return self.root / "train" / f"{name}.safetensors"

    def receipt(self, lora: str = "") -> Path:
        """The name by which a server lists the LoRA, or one of several by its key with a dot."""
        return self.root / "train" / f"{lora}installed.json"

    @staticmethod
    def low(lora: str) -> str:
        """The key of a LoRA's file for low noise, by the LoRA's own."""
        return f"{lora}.low" if lora else "low"

    card = _InRun("train/README.md")
    """The LoRA's model card."""
    record = _InRun("run.yaml")
    """What went into the run."""
    training_log = _InRun("train/train_log.csv")
    """The losses of the training."""
    preprocess_log = _InRun("preprocess_log.csv")
    """The result for each raw picture."""
    rejected = _InRun("rejected")
    """The raw pictures that were left out."""
    bench = _InRun("bench")
    """The pictures, a folder per weight, and their results."""
    sweep = _InRun("bench/sweep.yaml")
    """The record of the latest sweep."""
    further = _InRun("bench/further.yaml")
    """The weights that the sweep has gone on to by itself."""
    search = _InRun("bench/search.yaml")
    """What a search has rendered so far."""
    graph = _InRun("bench/workflow.json")
    """The graph that every cell renders."""
    reference = _InRun("bench/reference")
    """The training pictures as the base model can render them."""
    verdict = _InRun("bench/verdict.json")
    """What the LoRA does, and at which weight."""
    grid = _InRun("bench/grid")
    """The grids."""
    plots = _InRun("bench/plots")
    """The metrics as curves."""
    page = _InRun("report.html")
    """The page on the run."""
    logs = _InRun("logs")
    """One log per job."""
    server_state = _InRun("logs/comfy_server.json")
    """The address of the run's embedded server; its log lies beside it."""
    timings = _InRun("benchmarks")
    """Snakemake's time and memory tables."""


@dataclass(frozen=True)
class ComparisonLayout:
    """The paths of what compares the runs of a matrix."""

    name: str

    @property
    def root(self) -> Path:
        """Its own folder, among those of the runs."""
        return RUNS / self.name

    page = _InRun("comparison.html")
    """The runs side by side, best first."""
    table = _InRun("comparison.csv")
    """A row for each run."""
    logs = _InRun("logs")
    """The log of the comparing."""
    timings = _InRun("benchmarks")
    """Snakemake's time and memory tables."""
