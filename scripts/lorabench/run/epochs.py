"""The states that a training kept on its way, benched beside its last one."""

from pathlib import Path

from lorabench.base.checkpoint import read_header
from lorabench.errors import UserError
from lorabench.layout import RunLayout
from lorabench.lora import series
from lorabench.run import existing
from lorabench.settings.models import Config
from lorabench.sweep.loras import SweptLora


def find(config: Config, paths: RunLayout) -> dict[SweptLora, Path]:
    """Return the states to bench, in order; none but the last one by default, or before it.

    Raises `UserError` where the training kept none, or not those that are asked for.
    """
    if config.epochs == "last" or not existing.is_there(paths.lora):
        return {}
    kept = existing.epochs(paths)
    last = series.of_metadata(read_header(paths.lora)[1]).epoch
    wanted = kept if config.epochs == "all" else config.epochs
    missing = [epoch for epoch in wanted if epoch not in kept and epoch != last]
    if missing or not kept:
        raise UserError(_missing(config, paths, list(kept), last))
    found = {
        _state(config, path, f"epoch-{epoch:06d}", epoch): path
        for epoch, path in kept.items()
        if epoch in wanted
    }
    return {**found, _state(config, paths.lora, "", last): paths.lora}


def _state(config: Config, path: Path, key: str, epoch: int | None) -> SweptLora:
    return SweptLora(
        key, path.name, path.stem, series=config.raw_set, epoch=epoch, trigger=config.trigger
    )


def _missing(config: Config, paths: RunLayout, kept: list[int], last: int | None) -> str:
    there = ", ".join(map(str, kept)) or "none on its way"
    asked = config.epochs if config.epochs == "all" else ",".join(map(str, config.epochs))
    return (
        f"epochs={asked}: this says which states of the training to bench, and "
        f"{paths.run_id} kept {there}, and its last, after {last}. To keep others, delete "
        f"{paths.lora}, and the same command trains it again; to train for so many epochs, write "
        "train={epochs: N}"
    )
