"""Check that a LoRA file can work on a base model, before anything is rendered.

This refuses what ComfyUI would skip in silence: layers that the base lacks, and updates of another
shape. It imports no torch and reads only the headers of the base.
"""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lorabench.base import checkpoint
from lorabench.base.families import titles
from lorabench.base.family import PARTS, Known
from lorabench.base.layer_naming import Naming
from lorabench.errors import UserError
from lorabench.lora import base_layers, trained_for
from lorabench.lora import shapes as lora_shapes
from lorabench.lora.file import Tensors, is_plain, load
from lorabench.lora.modules import LACKING, Contents, Module, Server, forms, meaning
from lorabench.lora.names import place
from lorabench.lora.shapes import Shapes
from lorabench.text.phrases import count

log = logging.getLogger("lorabench")

VANISHING = 1e-6
"""An update with a smaller root mean square is lost: half precision has steps of 2^-11 of a
number's size, which is 1e-5 for the weights of these models (about 0.02)."""
_NAMED, _LONGEST = 3, 60


@dataclass(frozen=True)
class Spread:
    """The lowest, the middle and the highest of some numbers."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread | None":
        """Return the spread to four digits; None without numbers."""
        if not numbers:
            return None
        return cls(*(float(f"{of(numbers):.4g}") for of in (min, np.median, max)))

    def __str__(self) -> str:
        """Write it in a few words."""
        if self.lowest == self.highest:
            return f"{self.median:g}"
        return f"{self.lowest:g} to {self.highest:g} (median {self.median:g})"


@dataclass(frozen=True)
class FileFacts:
    """The contents of a LoRA file, for the receipt and the log.

    `modules` counts modules by part of the model, `forms` by kind of LoRA. `scale` is alpha / rank,
    `norm` the Frobenius norm of a module's update (scale * up @ down), `change` its root mean
    square; all at strength 1, and None if no module is a product of two matrices. `base_model` is
    the model that the file was compared with, `content` the hex SHA-256 of the tensors alone.
    """

    modules: dict[str, int]
    forms: dict[str, int]
    rank: int | None
    alpha: float | None
    scale: Spread | None
    norm: Spread | None
    change: Spread | None
    base_model: str | None
    content: str

    def __str__(self) -> str:
        """Write it as a line of the log."""
        text = f"{sum(self.modules.values())} modules ({_listed(self.modules)})"
        if self.forms.keys() != {"LoRA"}:
            text += f", {_listed(self.forms)}"
        if self.scale:
            text += f", rank {self.rank}, alpha {self.alpha:g}, scale {self.scale}"
            text += f", norm of their updates {self.norm}"
        return f"{text}; they fit {self.base_model}" if self.base_model else text


def check(path: Path, base: Path | None = None, server: Server = "embedded") -> FileFacts:
    """Return the contents of the LoRA at `path`, compared with the base model at `base`.

    Oddities that are no reason to refuse it, and a LoRA too weak to be seen, go to the log. Raises
    `UserError` if the file cannot work (see `lora_file.verify`), if `server` would ignore a part of
    it, if the base lacks a module's layer or has it in another shape, if two modules change one
    layer, if every update is zero, or if there is no base.
    """
    lora, tensors = load(path)
    modules = lora.contents.modules
    for oddity in lora.oddities:
        log.warning("%s: %s", path.name, oddity)
    _check_applied(path, lora.contents, server)
    shapes = {key: array.shape for key, array in tensors.items()}
    families = trained_for.candidates(modules, shapes, lora.metadata)
    naming = families[0].naming if families else None
    layers = _layers(base) if base else None
    _check_names(path, modules, layers or base_layers.BaseLayers({}, frozenset(), 0, naming))
    if naming and len(families) == 1 and server == "comfyui":
        _check_slices(path, modules, shapes, naming)
    if base and layers:
        _compare(path, modules, shapes, layers, _advice(base, lora.metadata, families, server))
    products = [module for module in modules if module.kind == "LoRA"]
    norms = [norm(module, tensors) for module in products]
    changes = [n / math.sqrt(_size(m, tensors)) for m, n in zip(products, norms, strict=True)]
    if is_plain(lora.contents):
        _check_strength(path, changes)
    counts: Counter[str] = Counter(place(module.name)[0] for module in modules)
    return FileFacts(
        modules={part: counts[part] for part in (*PARTS, "other") if counts[part]},
        forms=forms(modules),
        rank=lora.rank,
        alpha=lora.alpha,
        scale=Spread.of([lora_shapes.scale(module, tensors) for module in products]),
        norm=Spread.of(norms),
        change=Spread.of(changes),
        base_model=base.name if base and layers else None,
        content=lora.content,
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{PARTS.get(what, what)} {number}" for what, number in counts.items())


def _check_applied(path: Path, contents: Contents, server: Server) -> None:
    """Refuse modules that the server would ignore; a ComfyUI may know more kinds than we do."""
    name = "the embedded server" if server == "embedded" else "ComfyUI"
    lacking = [module for module in contents.modules if module.kind in LACKING[server]]
    elsewhere = any(module.kind not in LACKING["comfyui"] for module in lacking)
    remedy = " Bench it on a ComfyUI (comfy_url=http://…)." if elsewhere else ""
    if lacking:
        raise UserError(
            f"{path}: {_listed(forms(lacking))} of its {len(contents.modules)} modules (first: "
            f"{lacking[0].name}); {name} does not apply {lacking[0].kind}.{remedy}"
        )
    known = meaning(contents.strange)
    if known or (contents.strange and server == "embedded"):
        raise UserError(
            f"{path}: {name} does not apply {len(contents.strange)} of its tensors (first: "
            f"{', '.join(contents.strange[:_NAMED])}): {known or 'they are of no known kind'}. "
            "Without them the pictures would differ."
        )


def _check_names(path: Path, modules: Sequence[Module], layers: base_layers.BaseLayers) -> None:
    """Refuse a layer under two names: a ComfyUI applies one, the embedded server both."""
    names: dict[tuple[str, str], list[str]] = {}
    for module in modules:
        part, layer = place(module.name)
        names.setdefault((part, layers.name(part, layer)), []).append(module.name)
    if twice := [found for found in names.values() if len(found) > 1]:
        raise UserError(
            f"{path}: {count(len(twice), 'layer')} under two names (first: "
            f"{' and '.join(twice[0])}); servers differ in which they apply. Keep one of each."
        )


def _check_slices(path: Path, modules: Sequence[Module], shapes: Shapes, naming: Naming) -> None:
    """Refuse slices of another size than a ComfyUI takes for their names.

    It takes query, key and value for thirds, which they are not where several heads share a key.
    """
    odd = []
    for module in modules:
        part, layer = place(module.name)
        target = naming.target(layer) if part == "transformer" else None
        size = lora_shapes.size(module, shapes) if target and target.size else None
        if target and size and size[1] and size[0] != target.size * size[1]:
            odd.append(f"{module.name}: {size[0]} × {size[1]}")
    if odd:
        raise UserError(
            f"{path}: {len(odd)} of its {len(modules)} modules are for a part of a layer, and of "
            f"another size than the part that ComfyUI takes for their names (first: {odd[0]}). "
            "Convert it by its trainer's program to the model's own names, such as …attention.qkv."
        )


def norm(module: Module, tensors: Tensors) -> float:
    """Return the Frobenius norm of scale * up @ down, of up @ mid @ down in Tucker form.

    ||U M D||² = trace(Mᵀ UᵀU M DDᵀ): two r × r Gram matrices in place of the whole product.
    """
    down, up = (_matrix(tensors[module.keys[role]]) for role in ("down", "up"))
    if "mid" in module.keys:
        mid = tensors[module.keys["mid"]].astype(np.float64)
        mid = mid.reshape(*mid.shape[:2], -1)
    else:
        mid = np.eye(down.shape[0])[..., None]
    (in_gram, in_size), (out_gram, out_size) = _gram(down), _gram(up.T)
    inner = np.einsum("abk,ac,cdk->bd", mid, out_gram, mid, optimize=True)
    square = float((inner * in_gram).sum())
    return (
        abs(lora_shapes.scale(module, tensors)) * in_size * out_size * math.sqrt(max(square, 0.0))
    )


def _matrix(array: np.ndarray) -> np.ndarray:
    return array.reshape(array.shape[0], -1).astype(np.float32)


def _gram(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the Gram matrix [r, r] of rows scaled to at most 1, and their divisor."""
    size = float(np.abs(rows).max(initial=0)) or 1.0
    scaled = rows / size
    return (scaled @ scaled.T).astype(np.float64), size


def _size(module: Module, tensors: Tensors) -> int:
    """Return how many numbers the update of a product has."""
    found = lora_shapes.size(module, {k: tensors[k].shape for k in module.keys.values()})
    assert found and found[1] is not None  # a product has both
    return found[0] * found[1]


def _check_strength(path: Path, changes: Sequence[float]) -> None:
    if not any(changes):
        raise UserError(f"{path}: the updates of all {len(changes)} modules are zero; train again.")
    if max(changes) < VANISHING:
        log.warning(
            "%s changes no layer's weights by more than %.1g on average: too little to be seen at "
            "any usual strength. Was it trained long enough, with a learning rate above 0?",
            path.name,
            max(changes),
        )


def _layers(base: Path) -> base_layers.BaseLayers | None:
    if not base.exists():
        raise UserError(f"--base-model {base}: there is no such file or folder.")
    try:
        return base_layers.read(checkpoint.inspect(base))
    except UserError as error:
        log.warning("the LoRA's modules were not compared with the base model's: %s", error)
        return None


def _compare(
    path: Path,
    modules: Sequence[Module],
    shapes: Shapes,
    layers: base_layers.BaseLayers,
    advice: str,
) -> None:
    foreign, misshapen, unread = [], [], Counter[str]()
    for module in modules:
        part, layer = place(module.name)
        if part in layers.unread:
            unread[part] += 1
            continue
        weight = layers.shape(part, layer)
        if weight is None:
            foreign.append(module.name)
        elif weight and (
            odd := lora_shapes.misfit(module, shapes, weight, layers.bias(part, layer))
        ):
            misshapen.append(odd)
    if unread:
        log.warning(
            "%s: modules (%s) were not compared: the base model's file lists no such layers",
            path.name, _listed(unread),
        )  # fmt: skip
    for odd, what in (
        (foreign, "are of layers that the base model does not have"),
        (misshapen, "have another shape than the base model's layers"),
    ):
        if odd:
            fitting = len(modules) - len(foreign) - len(misshapen)
            raise UserError(
                f"{path}: {len(odd)} of its {len(modules)} modules {what} (first: "
                f"{', '.join(odd[:_NAMED])}); {fitting} of {len(modules)} modules fit {advice}"
            )


def _advice(
    base: Path, metadata: Mapping[str, str], families: Sequence[Known], server: Server
) -> str:
    said = metadata.get("ss_base_model_version") or metadata.get("modelspec.architecture")
    made_for = (
        f"its metadata say: {said[:_LONGEST]}" if said is not None and said != base.name else ""
    )
    if families and (named := titles(families)):
        made_for = f"its tensors are those of {named}{'; ' * bool(made_for)}{made_for}"
    hint = f" ({made_for})" if made_for else ""
    model = f"{base}, {checkpoint.inspect(base).family.a_title} model"
    taken = f"{model}. Take the base model that the LoRA was trained on{hint}."
    elsewhere = bool(families) and not any(getattr(one, "embedded", False) for one in families)
    if server == "embedded" and elsewhere:
        return (
            f"{taken} The embedded server does not run it: name a ComfyUI with comfy_url=http://…"
        )
    return taken
