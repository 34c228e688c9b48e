"""Read a module's rank, scale and fitting layers from its tensors' shapes.

Tensors are numpy's or torch's; nothing here imports torch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lorabench.lora.modules import Module, Shape

Shapes = Mapping[str, Shape]
WHOLE, BIASES = ("diff", "w_norm", "set_weight"), ("diff_b", "b_norm")
"""Roles of tensors that have the shape of a layer's weight, and of its bias."""
Size = tuple[int, int | None]
"""Outputs of a layer, and numbers for each; None for any number."""


def by_role(module: Module, shapes: Shapes) -> dict[str, Shape]:
    """Return the shapes of a module's tensors by role."""
    return {role: tuple(shapes[key]) for role, key in module.keys.items()}


def size(module: Module, shapes: Shapes) -> Size | None:
    """Return the size of the weight that a module changes, None if its shapes do not show it.

    Raises `ValueError` with its tensors' shapes if they do not fit each other, or one is empty.
    """
    of = by_role(module, shapes)
    if module.kind not in _SIZES:
        return None
    try:
        _require(all(map(math.prod, of.values())))
        return _SIZES[module.kind](of)
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        listed = ", ".join(f"{role} {list(shape)}" for role, shape in of.items())
        raise ValueError(f"{module.name}: {listed}") from None


def misfit(module: Module, shapes: Shapes, weight: Shape, bias: Shape | None) -> str | None:
    """Return why a module does not fit a layer's weight and bias; None if it fits.

    Products of matrices fit linear and 1 × 1 layers alike; ComfyUI wants the exact shape of others.
    """
    of = by_role(module, shapes)
    if odd := odd_alpha(module, shapes):
        return odd
    for role, of_layer in (*((role, weight) for role in WHOLE), *((role, bias) for role in BIASES)):
        if role in of and of_layer is not None and of[role] != of_layer:
            return f"{module.name}: {role} {list(of[role])} on {list(of_layer)}"
    if found := size(module, shapes):
        out, rest = found
        if out != weight[0] or rest not in (None, math.prod(weight[1:])):
            return f"{module.name}: {out} × {rest} on {list(weight)}"
    scale = of.get("dora_scale")
    if scale is not None and scale not in _magnitudes(weight):
        return f"{module.name}: dora_scale {list(scale)} on {list(weight)}"
    return None


def odd_alpha(module: Module, shapes: Shapes) -> str | None:
    """Return that a module's alpha is not one number; None if it is, or there is none."""
    alpha = module.keys.get("alpha")
    if alpha is None or math.prod(shapes[alpha]) == 1:
        return None
    return f"{alpha} should be one number, it is {list(shapes[alpha])}"


def _magnitudes(weight: Shape) -> Sequence[Shape]:
    """Return the shapes of a DoRA's magnitudes along a weight's outputs and along its inputs."""
    ones = (1,) * (len(weight) - 2)
    return ((weight[0], 1, *ones), (1, weight[1], *ones)) if len(weight) > 1 else ()


def rank(module: Module, shapes: Shapes) -> int | None:
    """Return the divisor of alpha; None if alpha has no effect."""
    of = by_role(module, shapes)
    if module.kind == "LoRA":
        return of["down"][0]
    if module.kind == "LoHa":
        return of["hada_w1_b"][0]
    if module.kind == "LoKr":  # whole factors have none; if both are products, the second's
        inner = [of[f"lokr_w{n}_b"][0] for n in (2, 1) if f"lokr_w{n}" not in of]
        return inner[0] if inner else None
    if module.kind == "GLoRA":
        return of["b2"][0] if is_new_glora(of) else of["b1"][0]
    return None


def scale(module: Module, tensors: Mapping[str, Any]) -> float:
    """Return alpha / rank of a module; 1 if there is no alpha, or it has no effect."""
    if "alpha" not in module.keys:
        return 1.0
    inner = rank(module, {key: tuple(tensors[key].shape) for key in module.keys.values()})
    return float(tensors[module.keys["alpha"]].item()) / inner if inner else 1.0


def is_new_glora(of: Mapping[str, Shape]) -> bool:
    """Return whether a GLoRA has LyCORIS's present form, b1 @ b2; the first was b2 @ b1."""
    old = of["b2"][1] == of["b1"][0] == of["a1"][0] == of["a2"][1]
    new = of["b2"][0] == of["b1"][1] == of["a1"][1] == of["a2"][0]
    # On a square layer both hold; the rank is the smaller number.
    return new and not (old and of["a2"][0] >= of["a2"][1])


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError("the shapes do not fit each other")


def _lora(of: Mapping[str, Shape]) -> Size:
    down, up, mid = of["down"], of["up"], of.get("mid")
    _require(len(down) > 1 and len(up) > 1)
    _require(
        (down[0], math.prod(up[1:])) == (mid[1::-1] if mid is not None else (down[0], down[0]))
    )
    return up[0], math.prod(down[1:]) * math.prod(mid[2:] if mid is not None else ())


def _loha(of: Mapping[str, Shape]) -> Size:
    sizes = set()
    for n in (1, 2):
        a, b, core = of[f"hada_w{n}_a"], of[f"hada_w{n}_b"], of.get(f"hada_t{n}")
        _require(len(a) == 2 and len(b) == 2)
        if core is not None:
            _require(core[:2] == (a[0], b[0]))
            sizes.add((a[1], b[1] * math.prod(core[2:])))
        else:
            _require(a[1] == b[0])
            sizes.add((a[0], b[1]))
    _require(len(sizes) == 1)
    return sizes.pop()


def _lokr(of: Mapping[str, Shape]) -> Size:
    first, second = (_lokr_factor(of, n) for n in (1, 2))
    return first[0] * second[0], math.prod(first[1:]) * math.prod(second[1:])


def _lokr_factor(of: Mapping[str, Shape], n: int) -> Shape:
    if (whole := of.get(f"lokr_w{n}")) is not None:
        _require(len(whole) > 1)
        return whole
    a, b, core = of[f"lokr_w{n}_a"], of[f"lokr_w{n}_b"], of.get(f"lokr_t{n}")
    if core is not None:
        _require(core[:2] == (a[0], b[0]))
        return a[1], b[1], *core[2:]
    _require(len(a) == 2 and a[1] == b[0])
    return a[0], math.prod(b[1:])


def _glora(of: Mapping[str, Shape]) -> Size:
    new = is_new_glora(of)
    left, right = (of["b1"], of["b2"]) if new else (of["b2"], of["b1"])
    _require(left[1] == right[0])
    into, back = (of["a1"], of["a2"]) if new else (of["a2"], of["a1"])
    _require(into[1] == back[0] and into[0] == back[1])
    return left[0], math.prod(right[1:])


def _blocks(of: Mapping[str, Shape]) -> Size:
    *_, number, side, _ = of["oft_blocks"]
    return number * side, None


def _whole(role: str) -> Callable[[Mapping[str, Shape]], Size]:
    return lambda of: (of[role][0], math.prod(of[role][1:]))


_SIZES: dict[str, Callable[[Mapping[str, Shape]], Size]] = {
    "LoRA": _lora,
    "LoHa": _loha,
    "LoKr": _lokr,
    "GLoRA": _glora,
    "OFT": _blocks,
    "BOFT": _blocks,
    "full difference": _whole("diff"),
    "trained norm": _whole("w_norm"),
    "replaced weight": _whole("set_weight"),
}
"""The other kinds do not show the size of their weight."""
