"""LoRAs of two files, for a workflow with two models (Wan 2.2): which files belong together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lorabench.digests import Digests
from lorabench.errors import UserError
from lorabench.lora import pair
from lorabench.run import given_lora
from lorabench.run.given_lora import GivenLora

ALONE = "to bench one file on one model, name that model's LoRA loader in bench.lora_node"


def read(path: Path, digests: Digests) -> GivenLora:
    """Return the LoRA of which `path` is a file, with the other one, which lies beside it.

    Raises `UserError` if there is no such file, as `given_lora.read` does, or not the other one.
    """
    lora = given_lora.read(path, digests)
    if why := _without_partner(path):
        raise UserError(f"lora: {why}; {ALONE}")
    return _with(lora, given_lora.read(_beside(path), digests))


def of_all(
    files: Sequence[GivenLora], asked: Collection[Path], digests: Digests
) -> tuple[list[GivenLora], list[str]]:
    """Return the pairs among files, and why others are left out.

    Two files for one model each are a pair whatever else they are called, if none lies beside
    either that is called like it. Raises `UserError` for a file of `asked`, which were named one by
    one, that has no other.
    """
    sides = {pair.side(one.source.stem): one for one in files if not other(one.source)}
    if len(files) == 2 and sides.keys() == set(pair.SIDES):
        return [_of_sides(sides)], []
    found: dict[str, GivenLora] = {}
    left_out = []
    for one in files:
        if why := _without_partner(one.source):
            if one.source in asked:
                raise UserError(f"lora: {why}; {ALONE}")
            left_out.append(why)
        else:
            lora = _with(one, given_lora.read(_beside(one.source), digests))
            found.setdefault(lora.key, lora)
    return list(found.values()), left_out


def other(path: Path) -> Path | None:
    """Return the file beside `path` that would be the other of a pair; None if there is none."""
    there = pair.partner(path)
    return there if there and there.is_file() else None


def _beside(path: Path) -> Path:
    there = other(path)
    assert there
    return there


def _without_partner(path: Path) -> str:
    """Return why a file has no other; empty if it has one."""
    if other(path):
        return ""
    needs = "the workflow has a LoRA loader for each of two models, and"
    if not (there := pair.partner(path)):
        return (
            f"{needs} the name of {path} says of neither that it is for it: call the files of a"
            " pair alike but for high_noise and low_noise"
        )
    return f"{needs} {path} is for one; the file for the other was looked for as {there}"


def _with(one: GivenLora, partner: GivenLora) -> GivenLora:
    return _of_sides({pair.side(lora.source.stem): lora for lora in (one, partner)})


def _of_sides(sides: Mapping[pair.Side | None, GivenLora]) -> GivenLora:
    high, low = sides["high"], sides["low"]
    return replace(high, low=low, trigger=high.trigger or low.trigger)
