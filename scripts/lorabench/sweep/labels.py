"""Name the prompts of a sweep for people."""

from lorabench.sweep.variants import Probe
from lorabench.text import phrases
from lorabench.text.phrases import Language

_OWN = ("benchmark's prompt", "ベンチマークのプロンプト")
_ALONE = ("trigger words alone", "トリガーワードのみ")
_WITHOUT = ("{name}, without trigger", "{name}(トリガーなし)")


def label(prompt: str, probe: Probe, language: Language = "en") -> str:
    """Return a variant's name for people."""
    if probe == "trigger":
        return phrases.say(_ALONE, language)
    name = prompt or phrases.say(_OWN, language)
    return phrases.say(_WITHOUT, language, name=name) if probe else name
