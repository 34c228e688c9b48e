"""Read the label in a sweep's picture: how it was rendered, and in which sweep."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from lorabench import layout
from lorabench.errors import UserError
from lorabench.sweep.label import CHUNK
from lorabench.sweep.pictures import Picture, relative, text_chunks
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Probe, has, name_of, without
from lorabench.text import phrases, syntax


def check_one_sweep(pictures: Iterable[Picture]) -> None:
    """Raise `UserError` unless all have one LoRA, and each variant has one workflow.

    Snakemake's notes on the cells usually ensure this. But a killed workflow may leave a picture
    without a note, and a user may copy one into the place of another weight or seed. Pictures
    without a label come from other programs and are not compared.
    """
    by_lora: dict[str, list[tuple[Path, Any]]] = defaultdict(list)
    by_graph: dict[tuple[str, str], list[tuple[Path, Any]]] = defaultdict(list)
    for picture in pictures:
        if label := _label(picture.path):
            _check_place(picture, label)
            by_lora[picture.lora].append((picture.path, _lora(label)))
            key = picture.lora, picture.variant
            by_graph[key].append((picture.path, label.get("graph")))
    groups = [*by_lora.values(), *by_graph.values()]
    odd = list(dict.fromkeys(path for group in groups for path in _odd(group)))
    if odd:
        raise UserError(
            "these pictures were rendered with another LoRA or other workflow settings than the "
            f"rest of the sweep: {phrases.few(list(map(str, odd)), 5)}; "
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
    """Return the prompt of the first picture that names one; empty if none does."""
    prompts = (_label(one.path).get("prompt") for one in pictures if one.path.exists())
    return next(filter(None, prompts), "")


def labelled(
    bench: Path, sweep: SweepRecord | None = None, but: Set[Path] = frozenset()
) -> Iterator[Picture]:
    """Yield the labelled pictures in the folder `bench`, of any sweep, except those in `but`.

    A picture in one of `sweep`'s places gets that sweep's variant.
    """
    for path in sorted(set(bench.glob("**/w*/seed*.png")) - but):
        label = _label(path)
        if not {"weight", "seed", "batch_index"} <= label.keys():
            continue
        weight, place = label["weight"], (label["seed"], label["batch_index"])
        variants = sweep.variants if sweep else ()
        where = (layout.picture(bench, one.folder(weight), layout.weight_name(weight), *place)
                 for one in variants)  # fmt: skip
        folder = relative(path.parent.parent, bench)
        of = next((one for one, its in zip(variants, where, strict=True) if its == path), None)
        name, shows = (of.name, (of.prompt, of.probe)) if of else (folder, _shows(label, sweep))
        yield Picture(name, *place, weight, path, *shows)


def _shows(label: Mapping[str, Any], sweep: SweepRecord | None) -> tuple[str, Probe]:
    """Return a picture's prompt name and probe.

    Version 0.1 wrote only the prompt: its words give the name, and a prompt without the trigger
    words, or with nothing else, is a probe.
    """
    if "probe" in label:
        return label["prompt_name"], label["probe"]
    text, trigger = label.get("prompt") or "", sweep.trigger if sweep else ""
    if trigger and text == syntax.escaped(trigger):
        return "", "trigger"
    name = name_of(without(text, trigger) if trigger else text)
    return name, "" if not trigger or has(text, trigger) else "untriggered"


def alike(pictures: Iterable[Picture], others: Iterable[Picture]) -> list[Picture]:
    """Return those that may stand in one sweep with `others`: one LoRA, one workflow each."""
    loras, graphs = set(), defaultdict(set)
    for other in others:
        label = _label(other.path)
        if other.lora == other.baseline or other.weight:  # else another LoRA may have drawn it
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
