"""Where everything lies: the paths that users and other tools rely on.

All are relative to the working directory, so that two clones name their files alike.
"""

from dataclasses import dataclass
from pathlib import Path

RAW = Path("datasets/raw")
NORMALIZED = Path("datasets/normalized")
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


def weight_name(weight: float) -> str:
    """Write a LoRA strength the one way that paths use: `0.40`."""
    return f"{weight:.2f}"


def picture(bench: Path, variant: str, weight: str, seed: object, index: int) -> Path:
    """Return where a picture lies; a rule gives its wildcards in place of variant to seed.

    `variant` is the folder of its prompt and probe with its `/`, empty for the own prompt.
    """
    return bench / f"{variant}w{weight}" / f"seed{seed}_{index:02d}.png"


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
        return NORMALIZED / self.profile / f"{self.raw_set}-{self.normalized_id}"

    @property
    def normalizing_log(self) -> Path:
        """What was said when the set was normalized, for whichever run."""
        return NORMALIZED / "logs" / self.profile / f"{self.normalized.name}.log"

    @property
    def root(self) -> Path:
        """The run's own folder."""
        return RUNS / self.run_id

    @property
    def record(self) -> Path:
        """What went into the run."""
        return self.root / "run.yaml"

    @property
    def lora(self) -> Path:
        """The trained LoRA."""
        return self.root / "train" / f"{self.profile}_{self.raw_set}__{self.run_id}.safetensors"

    @property
    def training_log(self) -> Path:
        """The losses of the training."""
        return self.lora.parent / "train_log.csv"

    @property
    def rejected(self) -> Path:
        """The raw pictures that were left out."""
        return self.root / "rejected"

    @property
    def receipt(self) -> Path:
        """Under which name a server lists the LoRA."""
        return self.lora.parent / "installed.json"

    @property
    def bench(self) -> Path:
        """The pictures, a folder per weight, and what was made of them."""
        return self.root / "bench"

    @property
    def sweep(self) -> Path:
        """What was rendered last, and with what."""
        return self.bench / "sweep.yaml"

    @property
    def graph(self) -> Path:
        """The graph that every cell renders."""
        return self.bench / "workflow.json"

    @property
    def reference(self) -> Path:
        """The training pictures as the base model can render them."""
        return self.bench / "reference"

    @property
    def preprocess_log(self) -> Path:
        """What became of each raw picture."""
        return self.root / "preprocess_log.csv"

    @property
    def page(self) -> Path:
        """The page on the run."""
        return self.root / "report.html"

    @property
    def grid(self) -> Path:
        """The grids."""
        return self.bench / "grid"

    @property
    def plots(self) -> Path:
        """The metrics as curves."""
        return self.bench / "plots"

    @property
    def logs(self) -> Path:
        """One log per job."""
        return self.root / "logs"

    @property
    def server_state(self) -> Path:
        """Where the run's embedded server says that it listens; its log lies beside it."""
        return self.logs / "comfy_server.json"

    @property
    def timings(self) -> Path:
        """Snakemake's time and memory tables."""
        return self.root / "benchmarks"
