"""What a picture of a sweep says of itself: what it was drawn with, and of which sweep it is."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lorabench.errors import UserError
from lorabench.sweep.pictures import Picture, text_chunks

CHUNK = "lorabench"
_SHOWN = 5


def check_one_sweep(pictures: Iterable[Picture]) -> None:
    """Raise `UserError` unless they were rendered with one LoRA, and one workflow each variant.

    That they were follows from what Snakemake notes about each cell. But a workflow that was
    killed may leave a picture without a note, and a picture may be copied by hand, in the place of
    another weight or seed, too. Pictures without a label are from elsewhere and are not compared.
    """
    by_lora: list[tuple[Path, Any]] = []
    by_graph: dict[str, list[tuple[Path, Any]]] = defaultdict(list)
    for picture in pictures:
        if label := _label(picture.path):
            _check_place(picture, label)
            by_lora.append((picture.path, _lora(label)))
            by_graph[picture.variant].append((picture.path, label.get("graph")))
    groups = [by_lora, *by_graph.values()]
    odd = list(dict.fromkeys(path for group in groups for path in _odd(group)))
    if odd:
        more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        raise UserError(
            "these pictures were rendered with another LoRA or other workflow settings than the "
            f"rest of the sweep: {', '.join(map(str, odd[:_SHOWN]))}{more}; "
            "delete them and run the same command again, or render all anew with "
            "--forcerun bench_image"
        )


def _check_place(picture: Picture, label: Mapping[str, Any]) -> None:
    weight, seed = label.get("weight", picture.weight), label.get("seed", picture.seed)
    if (weight, seed) != (picture.weight, picture.seed):
        raise UserError(
            f"{picture.path} is the picture of weight {weight:.2f}, seed {seed}; delete it and run "
            "the same command again"
        )


def prompt(pictures: Iterable[Picture]) -> str:
    """Return the prompt of the first picture that tells one; empty if none of them does."""
    prompts = (_label(one.path).get("prompt") for one in pictures if one.path.exists())
    return next(filter(None, prompts), "")


def alike(pictures: Iterable[Picture], others: Iterable[Picture]) -> list[Picture]:
    """Return those that may stand in one sweep with `others`: one LoRA, one workflow each."""
    loras, graphs = set(), defaultdict(set)
    for other in others:
        label = _label(other.path)
        loras.add(_lora(label))
        graphs[other.variant].add(label.get("graph"))
    found = []
    for picture in pictures:
        label = _label(picture.path)
        graph = label.get("graph")
        if _lora(label) in loras and graph in graphs.get(picture.variant, {graph}):
            found.append(picture)
    return found


def _odd(origins: Sequence[tuple[Path, Any]]) -> list[Path]:
    """Return the pictures whose origin is not that of most."""
    usual = Counter(origin for _, origin in origins).most_common(1)
    return [path for path, origin in origins if origin != usual[0][0]]


def _lora(label: Mapping[str, Any]) -> tuple[Any, Any]:
    return label.get("run_id"), label.get("lora_sha256")


def _label(path: Path) -> dict[str, Any]:
    """Return what bench_image.py wrote into a picture; empty for one from elsewhere."""
    return json.loads(text_chunks(path).get(CHUNK) or "{}")
