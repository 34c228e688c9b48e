"""The states that a training kept on its way, benched beside its last one."""

from pathlib import Path

from lorabench.base import header
from lorabench.errors import UserError
from lorabench.layout import RunLayout
from lorabench.lora import series
from lorabench.run import existing
from lorabench.settings.models import Config
from lorabench.sweep.loras import SweptLora
from lorabench.text.phrases import listed


def find(config: Config, paths: RunLayout, trigger: str) -> dict[SweptLora, Path]:
    """Return the states to bench, in order; none but the last one by default, or before it.

    Raises `UserError` where the training kept none, or not those that are asked for, or will not.
    """
    if config.epochs == "last":
        return {}
    if not existing.is_there(paths.lora):
        _check_kept(config)
        return {}
    kept = existing.epochs(paths)
    last = series.of_metadata(header.read(paths.lora)[1]).epoch
    wanted = kept if config.epochs == "all" else config.epochs
    missing = [epoch for epoch in wanted if epoch not in kept and epoch != last]
    if missing or (config.epochs == "all" and not kept and last != 1):
        raise UserError(_missing(config, paths, list(kept), last))
    found = {
        _state(config, path, f"epoch-{epoch:06d}", epoch, trigger): path
        for epoch, path in kept.items()
        if epoch in wanted
    }
    return {**found, _state(config, paths.lora, "", last, trigger): paths.lora} if found else {}


def _state(config: Config, path: Path, key: str, epoch: int | None, trigger: str) -> SweptLora:
    return SweptLora(key, path.name, path.stem, series=config.raw_set, epoch=epoch, trigger=trigger)


def _check_kept(config: Config) -> None:
    """Refuse epochs that the training that is to come will not have, or not keep."""
    train = config.train
    every, length = train.save_every_epochs or 1, train.epochs
    if isinstance(config.epochs, str):
        return
    most = length or train.steps or 0  # an epoch has a step or more
    beyond = [str(epoch) for epoch in config.epochs if epoch > most]
    lost = [str(epoch) for epoch in config.epochs if epoch % every and epoch != length]
    if beyond or lost:
        why = f"epochs={length}" if length else f"steps={train.steps}"
        why = why if beyond else f"save_every_epochs={every}"
        raise UserError(
            f"epochs={_asked(config)}: with train.{why}, no state after {listed(beyond or lost)} "
            "will be kept; leave those out, or change that setting (the last state is benched in "
            "any case)"
        )


def _asked(config: Config) -> str:
    return config.epochs if isinstance(config.epochs, str) else ",".join(map(str, config.epochs))


def _missing(config: Config, paths: RunLayout, kept: list[int], last: int | None) -> str:
    there = ", ".join(map(str, kept)) or "none on its way"
    return (
        f"epochs={_asked(config)}: this says which states of the training to bench, and "
        f"{paths.run_id} kept {there}, and its last, after {last}. To keep others, delete "
        f"{paths.lora}, and the same command trains it again; to train for so many epochs, write "
        "train={epochs: N}"
    )
