"""One training in several processes of one thread each, which average their gradients.

On a busy machine this is much faster than one process of several threads, whose threads wait
for one another in every operation; on an idle one it is a little faster.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from lorabench import parent


def run(count: int, work: Callable[..., None], *arguments: Any) -> None:
    """Call `work(rank, *arguments)` in `count` processes, `rank` from 0; in this one if 1.

    They end with this process, and it with its workflow, however those end.
    """
    parent.end_with_workflow()
    if count == 1:
        torch.set_num_threads(1)
        work(0, *arguments)
        return
    with TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        of_one = (count, os.getpid(), str(meeting), work, arguments)
        # As daemons they are ended, and not waited for, when this process is interrupted.
        mp.spawn(_start, of_one, nprocs=count, daemon=True)


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def _start(
    rank: int,
    count: int,
    starter: int,
    meeting: str,
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    parent.end_with(starter)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=count)
    try:
        work(rank, *arguments)
    finally:
        dist.destroy_process_group()
