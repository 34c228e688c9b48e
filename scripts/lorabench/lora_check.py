"""Whether a LoRA file can work on a base model, read from the files before anything is rendered.

What ComfyUI would pass over in silence is refused: layers that the base does not have, and updates
of another shape. Nothing here imports torch; of the base only the headers are read.
"""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lorabench import base_layers, checkpoint
from lorabench.errors import UserError
from lorabench.lora_file import read_tensors, verify
from lorabench.lora_modules import Module, modules, place, plain

log = logging.getLogger("lorabench")

VANISHING = 1e-6
"""Root mean square of an update below which it is lost: half precision tells numbers apart by
2^-11 of their size, and the weights of these models are about 0.02, so by 1e-5."""
_PARTS = {"unet": "UNet", "text_encoder": "text encoder", "text_encoder_2": "text encoder 2"}
_NAMED = 3

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Spread:
    """The lowest, the middle and the highest of some numbers."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread | None":
        """Return the spread to four digits; None where there is no number."""
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
    """What a LoRA file holds, as the receipt and the log tell it.

    `scale` is alpha / rank, `norm` the Frobenius norm of scale * up @ down of a module, `change`
    the same as root mean square over the layer's weights; all of strength 1, and None where no
    module is a product of two matrices. `base_model` names what it was compared with, and
    `content` is the hex SHA-256 of the tensors alone.
    """

    modules: dict[str, int]
    rank: int | None
    alpha: float | None
    scale: Spread | None
    norm: Spread | None
    change: Spread | None
    base_model: str | None
    content: str

    def __str__(self) -> str:
        """Write it as a line of the log."""
        parts = ", ".join(f"{_PARTS.get(part, part)} {n}" for part, n in self.modules.items())
        text = f"{sum(self.modules.values())} modules ({parts})"
        if self.scale:
            text += f", rank {self.rank}, alpha {self.alpha:g}, scale {self.scale}"
            text += f", norm of their updates {self.norm}"
        return f"{text}; they fit {self.base_model}" if self.base_model else text

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def check(path: Path, base: Path | None = None) -> FileFacts:
    """Return what the LoRA at `path` holds, after comparing it with the base model at `base`.

    A LoRA too weak to be seen is told in the log.

    Raises:
        UserError: the file cannot work (see `lora_file.verify`), a module is of a layer that the
            base does not have or that has another shape there, every update is zero, or there is
            no base.
    """
    lora = verify(path)
    tensors = dict(read_tensors(path))
    found = modules(tensors)
    layers = _layers(base) if base else None
    if layers:
        _compare(path, found, tensors, layers, _advice(base, lora.metadata))
    products = [module for module in found if module.down]
    norms = [norm(module, tensors) for module in products]
    changes = [n / math.sqrt(_size(m, tensors)) for m, n in zip(products, norms, strict=True)]
    if plain(found, tensors):
        _check_strength(path, changes)
    counts = Counter(place(module.name)[0] for module in found)
    return FileFacts(
        modules={part: counts[part] for part in (*_PARTS, "other") if counts[part]},
        rank=lora.rank,
        alpha=lora.alpha,
        scale=Spread.of([scale(module, tensors) for module in products]),
        norm=Spread.of(norms),
        change=Spread.of(changes),
        base_model=base.name if base and layers else None,
        content=lora.content,
    )


def scale(module: Module, tensors: Tensors) -> float:
    """Return alpha / rank of a module, 1 where the file has no alpha."""
    rank = tensors[module.down].shape[0]
    return tensors[module.alpha].item() / rank if module.alpha in tensors else 1.0


def norm(module: Module, tensors: Tensors) -> float:
    """Return the Frobenius norm of scale * up @ down, of up @ mid @ down in Tucker form.

    ||U M D||² = trace(Mᵀ UᵀU M DDᵀ): two r × r Gram matrices in place of the whole product.
    """
    down, up = (_matrix(tensors[key]) for key in (module.down, module.up))
    if module.down.endswith(".lora_down.weight") and module.mid in tensors:
        mid = tensors[module.mid].astype(np.float64)
        mid = mid.reshape(*mid.shape[:2], -1)
    else:
        mid = np.eye(down.shape[0])[..., None]
    (in_gram, in_size), (out_gram, out_size) = _gram(down), _gram(up.T)
    inner = np.einsum("abk,ac,cdk->bd", mid, out_gram, mid, optimize=True)
    square = float((inner * in_gram).sum())
    return abs(scale(module, tensors)) * in_size * out_size * math.sqrt(max(square, 0.0))


def _matrix(array: np.ndarray) -> np.ndarray:
    return array.reshape(array.shape[0], -1).astype(np.float32)


def _gram(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the Gram matrix [r, r] of rows scaled to at most 1, and by what they were divided."""
    size = float(np.abs(rows).max(initial=0)) or 1.0
    scaled = rows / size
    return (scaled @ scaled.T).astype(np.float64), size


def _size(module: Module, tensors: Tensors) -> int:
    """Return how many numbers the update of a module has."""
    down, up = tensors[module.down], tensors[module.up]
    kernel = tensors[module.mid][0, 0].size if module.mid in tensors else 1
    return up.shape[0] * (down.size // down.shape[0]) * kernel


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
    found: Sequence[Module],
    tensors: Tensors,
    layers: base_layers.BaseLayers,
    advice: str,
) -> None:
    foreign, misshapen = [], []
    for module in found:
        part, layer = place(module.name)
        if part in layers.unread:
            log.warning("%s was not compared: its layer is not to be found", module.name)
            continue
        shape = layers.shape(part, layer)
        if shape is None:
            foreign.append(module.name)
        elif module.down and not _fits(module, tensors, shape):
            misshapen.append(f"{module.name}: {_update(module, tensors)} on {list(shape)}")
    for odd, what in (
        (foreign, "are of layers that the base model does not have"),
        (misshapen, "have another shape than the base model's layers"),
    ):
        if odd:
            fitting = len(found) - len(foreign) - len(misshapen)
            raise UserError(
                f"{path}: {len(odd)} of its {len(found)} modules {what} (first: "
                f"{', '.join(odd[:_NAMED])}); {fitting} of {len(found)} modules fit {advice}"
            )


def _fits(module: Module, tensors: Tensors, shape: base_layers.Shape) -> bool:
    """Tell whether the update is of a weight's shape; linear and 1 × 1 layers count as equal."""
    out, rest = shape[0], math.prod(shape[1:])
    return tensors[module.up].shape[0] == out and _size(module, tensors) == out * rest


def _update(module: Module, tensors: Tensors) -> str:
    out = tensors[module.up].shape[0]
    return f"{out} × {_size(module, tensors) // out}"


def _advice(base: Path, metadata: Mapping[str, str]) -> str:
    made_for = metadata.get("ss_base_model_version") or metadata.get("modelspec.architecture")
    hint = f" (its metadata say: {made_for})" if made_for not in (None, base.name) else ""
    return f"{base}. Take the base model that the LoRA was trained on{hint}."
