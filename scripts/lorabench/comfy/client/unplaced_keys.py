"""Say what the keys are that a server could not place, and why."""

from collections.abc import Collection, Set
from pathlib import Path

from lorabench.base.families import PUBLIC
from lorabench.lora import modules as lora_modules
from lorabench.lora.modules import Contents, Module, forms, meaning
from lorabench.lora.names import kohyas, place


def problem(named: Set[str], lora: Path, with_clip: bool, cut: bool) -> str | None:
    """Return what is wrong with a LoRA of which a server's log names these keys; None if nothing.

    `cut`: the log may have named more.
    """
    contents = lora_modules.read(lora)
    # The installation reported tensors of no layer; other keys are another LoRA's.
    ours = _keys(contents.modules, with_clip) | set(contents.strange)
    unknown = named & ours
    if not unknown:
        return None
    count = f"at least {len(unknown)}" if cut else str(len(unknown))
    total = len(_keys(contents.modules, True)) + len(contents.strange)
    return (
        f"{count} of its {total} keys do not fit (lora key not loaded: {min(unknown)}); "
        f"{_cause(unknown, contents)}"
    )


def _keys(modules: Collection[Module], with_clip: bool) -> set[str]:
    """Return the tensors that must be applied; some loaders leave the text encoder as it is."""
    return {
        key
        for module in modules
        if with_clip or not place(module.name)[0].startswith("text_encoder")
        for key in module.keys.values()
    }


def _cause(unknown: Set[str], contents: Contents) -> str:
    """Return why keys were not loaded, as far as their names show it."""
    if strange := sorted(unknown & set(contents.strange)):
        return f"{meaning(strange) or 'they are of no known kind'}, which this server does not know"
    lost = {m.name: m for m in contents.modules if unknown & set(m.keys.values())}
    halves = [m for m in lost.values() if not unknown >= set(m.keys.values())]
    kept = forms(m for m in contents.modules if m.name not in lost)
    whole = {form: number for form, number in forms(lost.values()).items() if form not in kept}
    if halves or (kept and whole):
        named = ", ".join(f"{form} {number}" for form, number in (whole or forms(halves)).items())
        return f"this server does not apply them ({named}); a newer ComfyUI may"
    if any(map(kohyas, lost)):  # a copy that was installed before `install` changed its names
        return (
            "its layers have the names of diffusers and PEFT, which this server does not know; "
            "--forcerun install_lora installs it again with kohya's"
        )
    return (
        f"was it trained for the family ({', '.join(family.title for family in PUBLIC)}) of the "
        "workflow's checkpoint? If so, this server does not know the names of its layers: convert "
        "it to kohya's names"
    )
