"""Say what the keys are that a server could not place, and why."""

from collections.abc import Collection, Sequence, Set
from pathlib import Path

from lorabench.base.families import titles
from lorabench.base.family import Known
from lorabench.lora import modules as lora_modules
from lorabench.lora import trained_for
from lorabench.lora.modules import Contents, Module, forms, meaning
from lorabench.lora.names import comfys, is_text, place
from lorabench.text.phrases import count


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
    number = f"at least {len(unknown)}" if cut else str(len(unknown))
    total = len(_keys(contents.modules, True)) + len(contents.strange)
    return (
        f"{number} of its {total} keys do not fit (lora key not loaded: {min(unknown)}); "
        f"{_cause(unknown, contents, trained_for.of_file(lora))}"
    )


def absent(named: Set[tuple[str, str]], lora: Path) -> str | None:
    """Return what is wrong with a LoRA if the model lacks layers that it changes; None if nothing.

    `named` are the layers in the log, each after what marks a loader that leaves parts of layers.
    """
    families = trained_for.of_file(lora)
    namings = [family.naming for family in families if family.naming]
    modules = lora_modules.read(lora).modules
    targets = [naming.target(place(m.name)[1]) for naming in namings for m in modules]
    layers = {target.layer for target in targets if target}
    ours = {(mark, name) for mark, name in named if name.replace(".", "_") in layers}
    if not ours:
        return None
    bypassed, first = min(ours)
    if bypassed:
        return (
            f"its loader does not change parts of layers (NOT LOADED {first}), which this LoRA has "
            "under diffusers' names; take LoraLoader or LoraLoaderModelOnly in its place"
        )
    return (
        f"the workflow's model lacks {count(len(ours), 'layer')} that it changes (first: {first}): "
        "it was trained for another model"
    )


def _keys(modules: Collection[Module], with_clip: bool) -> set[str]:
    """Return the tensors that must be applied; some loaders leave the text encoder as it is."""
    return {
        key
        for module in modules
        if with_clip or not is_text(place(module.name)[0])
        for key in module.keys.values()
    }


def _cause(unknown: Set[str], contents: Contents, families: Sequence[Known]) -> str:
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
    if any(comfys(name, families) for name in lost):  # a copy from before `install` renamed them
        return (
            "this server does not know its layers by these names; --forcerun install_lora installs "
            "it again with names that it knows"
        )
    if all(is_text(place(name)[0]) for name in lost) and kept:
        return "they are of a text encoder that the workflow does not load, or not by this loader"
    named = titles(families) if families else ""
    made_for = f" (its tensors are those of {named})" if named else ""
    return (
        f"was it trained for the family of the workflow's model{made_for}? If so, this server does "
        "not know the names of its layers: a newer ComfyUI may, or convert it to kohya's names"
    )
