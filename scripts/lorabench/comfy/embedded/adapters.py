"""Apply each kind of module to a weight: LoRA, LoHa, LoKr, GLoRA, DoRA, whole differences.

This computes in float32 as ComfyUI does, so that the same file gives the same picture. Each module
gets the weight that the one before it left.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lorabench.lora import shapes as lora_shapes
from lorabench.lora.modules import Kind, Module

Roles = Mapping[str, Tensor]


class Failure(Exception):
    """A module that ComfyUI cannot apply either; it leaves the layer as it was."""


def weight_with(
    module: Module, tensors: Mapping[str, Tensor], strength: float, weight: Tensor
) -> Tensor:
    """Return a layer's weight, float32, with `module` at `strength`."""
    of = {role: tensors[key].to(weight.device).float() for role, key in module.keys.items()}
    if module.kind == "replaced weight":  # at any strength
        return of["set_weight"].reshape(weight.shape)
    update = UPDATES[module.kind](of, weight).reshape(weight.shape)
    scale = lora_shapes.scale(module, tensors)
    if "dora_scale" in of:
        whole = _with_magnitude(of["dora_scale"], weight, scale * update)
        return weight + strength * (whole - weight)
    return torch.add(weight, update, alpha=strength * scale)


def bias_with(
    module: Module, tensors: Mapping[str, Tensor], strength: float, bias: Tensor
) -> Tensor:
    """Return a layer's bias, float32, with `module` at `strength`."""
    for role in lora_shapes.BIASES:
        if role in module.keys:
            update = tensors[module.keys[role]].to(bias.device).float().reshape(bias.shape)
            return bias + strength * update
    return bias


def _lora(of: Roles, weight: Tensor) -> Tensor:
    up, down = of["up"].flatten(1), of["down"]
    if "mid" in of:  # a convolution in three factors
        down = torch.einsum("ab...,bi->ai...", of["mid"], down.flatten(1))
    return torch.mm(up, down.flatten(1))


def _loha(of: Roles, weight: Tensor) -> Tensor:
    first, second = (_product(of, f"hada_w{n}", f"hada_t{n}") for n in (1, 2))
    return first * second


def _lokr(of: Roles, weight: Tensor) -> Tensor:
    first, second = (
        of[name] if (name := f"lokr_w{n}") in of else _product(of, name, f"lokr_t{n}")
        for n in (1, 2)
    )
    if second.ndim == 4 and first.ndim == 2:
        first = first[..., None, None]
    try:  # not with a contiguous copy, which would spare this server an error that ComfyUI has
        return torch.kron(first, second)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise Failure(error) from None


def _product(of: Roles, name: str, core: str) -> Tensor:
    """Return a @ b, or with a core the product of all three for a convolution."""
    a, b = of[f"{name}_a"], of[f"{name}_b"]
    if core in of:
        return torch.einsum("ij...,jr,ip->pr...", of[core], b, a)
    return torch.mm(a, b.flatten(1))


def _glora(of: Roles, weight: Tensor) -> Tensor:
    new = lora_shapes.is_new_glora({role: tuple(tensor.shape) for role, tensor in of.items()})
    a1, a2, b1, b2 = (of[role].flatten(1) for role in ("a1", "a2", "b1", "b2"))
    if not new:  # LyCORIS's first form has them the other way round
        a1, a2, b1, b2 = a2, a1, b2, b1
    through = torch.einsum("oi...,ir,rj->oj...", weight, a1, a2)
    return through + torch.mm(b1, b2).reshape(weight.shape)


UPDATES: Mapping[Kind, Callable[[Roles, Tensor], Tensor]] = {
    "LoRA": _lora,
    "LoHa": _loha,
    "LoKr": _lokr,
    "GLoRA": _glora,
    "full difference": lambda of, weight: of["diff"],
    "trained norm": lambda of, weight: of["w_norm"],
}


def _with_magnitude(magnitude: Tensor, weight: Tensor, update: Tensor) -> Tensor:
    """Return (weight + update) scaled to `magnitude`, as a DoRA.

    Along the inputs, the norms are those of the changed weight; along the outputs, ComfyUI uses
    those of the weight before the change.
    """
    changed = weight + update
    ones = [1] * (weight.ndim - 2)
    if magnitude.shape[0] == weight.shape[0]:
        norm = weight.flatten(1).norm(dim=1).reshape(-1, 1, *ones)
    else:
        norm = changed.transpose(0, 1).flatten(1).norm(dim=1).reshape(1, -1, *ones)
    return changed * (magnitude.reshape(norm.shape) / (norm + torch.finfo(weight.dtype).eps))
