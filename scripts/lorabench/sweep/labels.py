"""Name the prompts of a sweep for people."""

from lorabench.sweep.variants import Probe
from lorabench.text.phrases import Language

_OWN = ("benchmark's prompt", "ベンチマークのプロンプト")
_ALONE = ("trigger words alone", "トリガーワードのみ")
_WITHOUT = ("{}, without trigger", "{}(トリガーなし)")


def label(prompt: str, probe: Probe, language: Language = "en") -> str:
    """Return a variant's name for people."""
    at = language == "ja"
    if probe == "trigger":
        return _ALONE[at]
    name = prompt or _OWN[at]
    return _WITHOUT[at].format(name) if probe else name
