"""Keep networks on the card while they fit: SDXL's are larger together than usual cards.

On a CPU everything stays where it is.
"""

import weakref
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

WORKING = 3 * 2**30
"""Bytes that a network may need besides its weights: an estimate for SDXL's UNet at 1024 px."""


class Residents:
    """The networks on one device, in the order of their last use."""

    def __init__(self, device: str) -> None:
        """Start with none."""
        self._device = device
        self._networks: list[weakref.ref[nn.Module]] = []

    def bring(self, network: Network, working: int = WORKING) -> Network:
        """Return the network on the device, with `working` bytes left besides.

        Networks that were used longest ago leave the device until there is room.
        """
        if self._device == "cpu":
            return network
        known = [one for reference in self._networks if (one := reference()) is not None]
        staying = [one for one in known if one is not network]
        wanted = working + (0 if network in known else _size(network))
        while staying and self._free() < wanted:
            staying.pop(0).to("cpu")
        self._networks = [weakref.ref(one) for one in (*staying, network)]
        return network.to(self._device)

    def _free(self) -> int:
        """Return how many bytes of the card are free; what PyTorch only holds on to counts."""
        held = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return torch.cuda.mem_get_info()[0] + held


def _size(network: nn.Module) -> int:
    return sum(weight.nbytes for weight in network.parameters())
