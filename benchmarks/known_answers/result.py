"""What the verdict said of one LoRA of the suite, held against what is true."""

from dataclasses import dataclass, field

RUINED = ("fried", "lost")
"""Too much of the LoRA: the truth is the first word for both."""
NEAR = 0.15
"""How far the recommended weight may be from the best."""
STEP = 0.2
"""Between two weights of the sweep."""


@dataclass(frozen=True)
class Result:
    """What the verdict said of one LoRA, and what is true."""

    name: str
    training: str
    held_out: bool
    truth: str
    said: str
    leaks: bool | None
    said_leaks: bool | None
    weight: float | None
    tie: list[float]
    best: list[float]
    window: list[float] = field(default_factory=list)
    """The ends of the verdict's window; none where it has none."""
    usable: list[float] = field(default_factory=list)
    """The lowest and highest weight that is good by a look, or by the judge."""

    gone: list[float] = field(default_factory=list)
    """The weights at which, by a look, the subject is gone."""

    @property
    def loses_the_subject(self) -> bool:
        """Whether it is called working at a weight that draws another subject."""
        return self.said == "works" and self.weight in self.gone

    @property
    def ends_near(self) -> bool:
        """Whether the window ends within a step of where it should, below and above."""
        pairs = zip(self.window, self.usable, strict=False)
        return bool(self.window) and all(abs(said - true) <= STEP + 1e-6 for said, true in pairs)

    @property
    def draws_well(self) -> bool:
        """Whether the recommended weight is one that is good."""
        return bool(self.usable) and self.usable[0] <= (self.weight or 0) <= self.usable[-1]

    @property
    def right(self) -> bool:
        """Whether the verdict is the truth."""
        return self.said == self.truth or (self.truth in RUINED and self.said in RUINED)

    @property
    def near(self) -> bool:
        """Whether the recommended weight is `NEAR` one of the best; not so without one."""
        if self.weight is None:
            return False
        return min(abs(self.weight - best) for best in self.best) <= NEAR + 1e-6
