"""Where everything lies: the paths that users and other tools rely on.

All are relative to the working directory, so that two clones name their files alike.
"""

from dataclasses import dataclass
from pathlib import Path

RAW = Path("datasets/raw")
NORMALIZED = Path("datasets/normalized")
NORMALIZING_LOGS = NORMALIZED / "logs"
PICTURE_STORE = NORMALIZED / ".pictures"
RUNS = Path("runs")
KOHYA = Path("output/kohya")
DIGESTS = RUNS / ".digests.json"

_RAW_FOLDER = {"style": "style", "char": "characters"}


def raw_sets(profile: str) -> Path:
    """Return the folder that holds the raw sets of a profile."""
    return RAW / _RAW_FOLDER[profile]


def profile_of(name: str) -> str | None:
    """Return the profile among whose raw sets one of this name lies; None where none does."""
    return next((one for one in _RAW_FOLDER if name and (raw_sets(one) / name).is_dir()), None)


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
    """Write a LoRA strength the one way that paths use: `0.40`."""
    return f"{weight:.2f}"


def picture(bench: Path, variant: str, weight: str, seed: object, index: int) -> Path:
    """Return where a picture lies; a rule gives its wildcards in place of variant to seed.

    `variant` is the folder of its prompt and probe with its `/`, empty for the own prompt.
    """
    return bench / f"{variant}w{weight}" / f"seed{seed}_{index:02d}.png"


class _InRun:
    """A path in a run's folder."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __get__(self, run: "RunLayout", owner: type) -> Path:
        return run.root / self._place


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
        """What was said when the set was normalized, for whichever run."""
        return NORMALIZING_LOGS / self.profile / f"{self.normalized.name}.log"

    @property
    def root(self) -> Path:
        """The run's own folder."""
        return RUNS / self.run_id

    @property
    def lora(self) -> Path:
        """The trained LoRA."""
        return self.root / "train" / f"{self.profile}_{self.raw_set}__{self.run_id}.safetensors"

    record = _InRun("run.yaml")
    """What went into the run."""
    training_log = _InRun("train/train_log.csv")
    """The losses of the training."""
    receipt = _InRun("train/installed.json")
    """Under which name a server lists the LoRA."""
    preprocess_log = _InRun("preprocess_log.csv")
    """What became of each raw picture."""
    rejected = _InRun("rejected")
    """The raw pictures that were left out."""
    bench = _InRun("bench")
    """The pictures, a folder per weight, and what was made of them."""
    sweep = _InRun("bench/sweep.yaml")
    """What was rendered last, and with what."""
    graph = _InRun("bench/workflow.json")
    """The graph that every cell renders."""
    reference = _InRun("bench/reference")
    """The training pictures as the base model can render them."""
    grid = _InRun("bench/grid")
    """The grids."""
    plots = _InRun("bench/plots")
    """The metrics as curves."""
    page = _InRun("report.html")
    """The page on the run."""
    logs = _InRun("logs")
    """One log per job."""
    server_state = _InRun("logs/comfy_server.json")
    """Where the run's embedded server says that it listens; its log lies beside it."""
    timings = _InRun("benchmarks")
    """Snakemake's time and memory tables."""
