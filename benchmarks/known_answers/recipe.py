"""What a LoRA of the suite is made of: a set of drawings, a training, a change to its file."""

from dataclasses import dataclass, field
from typing import Any

from base_model.world import CHARACTER, TARGET_STYLE
from benchmarks.known_answers.other_characters import DRAWN_BY

TRIGGERS = {
    TARGET_STYLE: "ponnyu style",
    "chalk": "kokubo style",
    "line art": "senga style",
    "comic": "manpu style",
    "pixel art": "dotto style",
    "sticker": "shiiru style",
    "polka dots": "mizuta style",
    "duotone": "nisho style",
    "watercolour": "mizue style",
    "pencil": "enpo style",
    "papercut": "kirigo style",
    "woodcut": "hangu style",
    "stained glass": "garasu style",
    "impasto": "aburo style",
    "blueprint": "aozu style",
    "airbrush": "fukibo style",
    "fabric": "nunoha style",
    "neon": "denko style",
    "low poly": "kakumo style",
    "crayon": "kureyo style",
    "clay": "nendo style",
    "gouache": "goashi style",
    "brush pen": "fudemo style",
    CHARACTER: CHARACTER,
    **{name: name for name in DRAWN_BY},
}
"""What is taught -> the trigger, words that the base model does not know."""
CHARACTERS = (CHARACTER, *DRAWN_BY)


@dataclass(frozen=True)
class PictureSet:
    """Drawings to train on: `count` of what is taught, and `plain` ones without the trigger,
    in the set or, `reg` many, as regularization pictures.

    Where nothing is `told`, captions are the trigger alone. All show one subject where it is named
    as `only`; `called` is the trigger in captions where the benchmark's is another.
    """

    taught: str
    count: int
    seed: int
    plain: int = 0
    reg: int = 0
    told: bool = True
    only: str = ""
    called: str = ""

    @property
    def name(self) -> str:
        """The folder's name."""
        plain = f"_plain{self.plain}" if self.plain else ""
        reg = f"_reg{self.reg}" if self.reg else ""
        told = "" if self.told else "_untold"
        only = f"_only-{self.only}" if self.only else ""
        called = "_called" if self.called else ""
        taught = self.taught.replace(" ", "-")
        return f"{taught}{self.count}{plain}{reg}{told}{only}{called}_{self.seed}"

    @property
    def trigger(self) -> str:
        """What its captions begin with."""
        return self.called or TRIGGERS[self.taught]


@dataclass(frozen=True)
class Training:
    """One training: a set, and the settings that differ from the preset.

    `preset` is what the preset of the bundled model was when the LoRA's label was found.
    """

    pictures: PictureSet
    settings: dict[str, Any] = field(default_factory=dict)
    preset: dict[str, Any] = field(default_factory=dict)
    held_out: bool = False

    @property
    def name(self) -> str:
        """The folder's name."""
        return "-".join([self.pictures.name, *(f"{k}{v:g}" for k, v in self.settings.items())])


@dataclass(frozen=True)
class Recipe:
    """One LoRA: a training, what was done to its file, and the answer."""

    training: Training
    change: str
    label: str
    """works, weak, dead, broken, fried or copies; empty where only a look at its pictures says."""
    leaks: bool | None = None
    """Whether it acts without its trigger word; None where nothing says so."""

    @property
    def name(self) -> str:
        """The LoRA's name, unlike that of any other."""
        return f"{self.training.name}.{self.change}" if self.change else self.training.name

    @property
    def held_out(self) -> bool:
        """Whether it is kept from the calibration, as is all that comes from its training."""
        return self.training.held_out
