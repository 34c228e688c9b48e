"""Describe the contents of a LoRA file, by the names and shapes of its tensors.

The check before a benchmark and the embedded server share this, so they always agree. A module
changes one layer: its tensors' names begin with that layer's. Nothing here imports torch.
"""

import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lorabench.base import header, recognized
from lorabench.lora.names import is_unloaded, place

Kind = Literal[
    "LoRA", "LoHa", "LoKr", "GLoRA", "OFT", "BOFT", "IA3",
    "full difference", "trained norm", "replaced weight", "trained bias",
]  # fmt: skip
Shape = tuple[int, ...]

Server = Literal["embedded", "comfyui"]
LACKING: Mapping[Server, frozenset[Kind]] = {
    "embedded": frozenset({"OFT", "BOFT", "IA3"}),
    "comfyui": frozenset({"IA3"}),
}
"""The kinds that a server does not apply; for the embedded one see comfy/embedded/adapters.py."""

DOWN, UP, ALPHA = ".lora_down.weight", ".lora_up.weight", ".alpha"
_PAIRS = (  # down and up matrix
    (DOWN, UP),  # kohya, LyCORIS
    (".lora_A.weight", ".lora_B.weight"),  # PEFT
    (".lora_A.default.weight", ".lora_B.default.weight"),
    (".lora_A", ".lora_B"),
    (".lora.down.weight", ".lora.up.weight"),  # diffusers before PEFT
    ("_lora.down.weight", "_lora.up.weight"),
    (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
)
_ROLES: dict[str, str] = {
    **{down: "down" for down, _ in _PAIRS},
    **{up: "up" for _, up in _PAIRS},
    ".lora_mid.weight": "mid",
    **{f".{role}.weight": role for role in ("a1", "a2", "b1", "b2")},
    **{
        f".{role}": role
        for role in (
            *("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"),
            *("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"),
            *("oft_blocks", "on_input", "diff", "w_norm", "set_weight", "diff_b", "b_norm"),
        )
    },
}
_MODIFIERS = {".alpha": "alpha", ".dora_scale": "dora_scale", ".rescale": "rescale"}
_BY_ROLE: tuple[tuple[str, Kind], ...] = (  # ComfyUI applies the first of these to a layer
    ("set_weight", "replaced weight"),
    ("diff", "full difference"),
    ("w_norm", "trained norm"),
    ("oft_blocks", "OFT"),
    ("[ab][12]", "GLoRA"),
    ("lokr_.*", "LoKr"),
    ("hada_.*", "LoHa"),
    ("down|up|mid", "LoRA"),
    ("on_input", "IA3"),
    ("diff_b|b_norm", "trained bias"),
)
_NEEDED: Mapping[Kind, tuple[tuple[str, ...], ...]] = {  # one of each; `+` joins parts
    "LoRA": (("down",), ("up",)),
    "LoHa": (("hada_w1_a",), ("hada_w1_b",), ("hada_w2_a",), ("hada_w2_b",)),
    "LoKr": (("lokr_w1", "lokr_w1_a+lokr_w1_b"), ("lokr_w2", "lokr_w2_a+lokr_w2_b")),
    "GLoRA": (("a1",), ("a2",), ("b1",), ("b2",)),
}
_UNAPPLIED = (
    ("lora_magnitude_vector", "the magnitudes of a DoRA as PEFT writes it"),
    ("lora_E", "the singular values of an AdaLoRA"),
    (".bias_", "sparse biases of a LyCORIS extraction"),
)
_NAMED = 3
_BUNDLED = re.compile(r"bundle_emb\.(.+?)(?:\.string_to_param\.\*|\.[^.]+)")


@dataclass(frozen=True)
class Module:
    """The changes to one layer; `keys` are its tensors' names by role (`down`, `hada_w1_a`, …)."""

    name: str
    kind: Kind
    keys: Mapping[str, str]

    @property
    def form(self) -> str:
        """Return its makers' name: a DoRA is a LoRA, or another kind, with a magnitude."""
        tucker = {"mid", "hada_t1", "lokr_t2"} & self.keys.keys()
        name = f"{self.kind} in Tucker form" if tucker else self.kind
        if "dora_scale" not in self.keys:
            return name
        return "DoRA" if name == "LoRA" else f"{name} with DoRA"

    @property
    def may_fail(self) -> bool:
        """Return whether ComfyUI fails on some layers: those of LoKr in Tucker form.

        Its tensors are not contiguous there, as `torch.kron` wants some (Comfy-Org/ComfyUI#11245).
        """
        return self.kind == "LoKr" and "lokr_t2" in self.keys

    @property
    def missing(self) -> list[str]:
        """Return the roles that it lacks."""
        return [
            choice[0]
            for choice in _NEEDED.get(self.kind, ())
            if not any(self.keys.keys() >= set(roles.split("+")) for roles in choice)
        ]


@dataclass(frozen=True)
class Contents:
    """The tensors of a file, sorted."""

    modules: tuple[Module, ...]
    """By name."""
    bundled: tuple[str, ...]
    """The names of embeddings in the file, which OneTrainer adds."""
    strange: tuple[str, ...]
    """A layer's tensors that no server knows, such as a scale that one program invented."""
    unknown: tuple[str, ...]
    """Tensors of no layer, or an alpha without matrices: they change nothing."""
    unloaded: tuple[str, ...]
    """Tensors of layers that no ComfyUI changes, and so no server."""


def read(path: Path) -> Contents:
    """Return the contents of the safetensors file at `path`, from its header alone."""
    tensors, _ = header.read(path)
    return describe({key: tuple(tensor["shape"]) for key, tensor in tensors.items()})


def describe(shapes: Mapping[str, Shape]) -> Contents:
    """Return the contents of a file with tensors of these names and shapes."""
    roles: dict[str, dict[str, str]] = {}
    rest: list[str] = []
    for key in shapes:
        if (found := _split(key, _ROLES)) is None:
            rest.append(key)
        else:
            roles.setdefault(found[0], {})[found[1]] = key
    bundled, strange, unknown = {}, [], []
    for key in rest:
        name, role = _split(key, _MODIFIERS) or ("", "")
        if name in roles:
            roles[name][role] = key
        elif match := _BUNDLED.fullmatch(key):
            bundled[match[1]] = None
        elif role or (place(key)[0] == "other" and not _belongs(key, roles)):
            unknown.append(key)  # an alpha without its layer's matrices changes nothing
        else:
            strange.append(key)
    unloaded = [key for name, keys in roles.items() if is_unloaded(name) for key in keys.values()]
    modules = tuple(
        Module(name, _kind(keys, shapes), keys)
        for name, keys in sorted(roles.items())
        if not is_unloaded(name)
    )
    return Contents(modules, tuple(bundled), tuple(strange), tuple(unknown), tuple(unloaded))


def none_in(contents: Contents, shapes: Mapping[str, Shape]) -> str:
    """Return what a file is that has no module, by its tensors."""
    if contents.unloaded:
        first = ", ".join(contents.unloaded[:_NAMED])
        return f"of its tensors (first: {first}), none is applied: no ComfyUI changes their layers."
    if kind := recognized.title(shapes):
        return f"it is not a LoRA but {kind}."
    first = ", ".join(list(shapes)[:_NAMED])
    return (
        f"none of its {len(shapes)} tensors (first: {first}) is named as in a LoRA, such as "
        f"…{DOWN}, so it is not a LoRA."
    )


def forms(modules: Iterable[Module]) -> dict[str, int]:
    """Count the modules by their makers' names."""
    return dict(Counter(module.form for module in modules))


def meaning(strange: Collection[str]) -> str | None:
    """Return the meaning of tensors that are known, but that no server applies; else None."""
    for part, what in _UNAPPLIED:
        if any(part in key for key in strange):
            return f"they are {what}"
    return None


def _split(key: str, roles: Mapping[str, str]) -> tuple[str, str] | None:
    for suffix, role in roles.items():
        if key.endswith(suffix):
            return key.removesuffix(suffix), role
    return None


def _belongs(key: str, names: Container[str]) -> bool:
    """Return whether a key begins with the name of one of these modules."""
    return any(key[:at] in names for at, letter in enumerate(key) if letter == ".")


def _kind(keys: Mapping[str, str], shapes: Mapping[str, Shape]) -> Kind:
    kind = next(kind for pattern, kind in _BY_ROLE if any(re.fullmatch(pattern, k) for k in keys))
    # BOFT's blocks are OFT's, several times over.
    return "BOFT" if kind == "OFT" and len(shapes[keys["oft_blocks"]]) == 4 else kind
