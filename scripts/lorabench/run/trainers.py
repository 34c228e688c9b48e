"""Whether the trainer of a run can train on its base model, and with which further files."""

from pathlib import Path

from lorabench.base import checkpoint, model_files
from lorabench.base.checkpoint import Checkpoint
from lorabench.errors import UserError
from lorabench.settings.models import Config, Programs
from lorabench.train.external import installation, limits
from lorabench.train.external.options import check_owned
from lorabench.train.external.tool import Settings, Tool
from lorabench.train.kohya import docker
from lorabench.train.kohya import options as kohya_options
from lorabench.train.kohya.tool import TOOL as KOHYA
from lorabench.train.musubi import options as musubi_options
from lorabench.train.musubi.tool import TOOL as MUSUBI

_OWNED = {"kohya": kohya_options.OWNED, "musubi": musubi_options.OWNED}
_MODELS = Path("models")


def check(config: Config, base: Checkpoint) -> None:
    """Raise `UserError` for what the trainer cannot do, and for options of another one."""
    checkpoint.check_run(base)
    if config.trainer == "embedded":
        _check_embedded(config, base)
        return
    by = limits.of(base, config.trainer)
    limits.check_settings(config.train, by, base)
    limits.check_buckets(config.preprocess, by)
    check_owned(config.train.kohya_args, _OWNED[config.trainer])
    if config.reg_set and "reg_data_dir" in by.without:
        raise UserError(f"reg_set: {by.program} has no regularization pictures; leave it out")


def located(config: Config, base: Checkpoint) -> Config:
    """Return the settings with the paths of the files beside the base model.

    They may be named as a ComfyUI names them. Raises `UserError`: one is missing, unknown or not
    there.
    """
    if config.only_benched or config.trainer == "embedded":
        return config
    beside = dict.fromkeys([_MODELS, Path(config.lora_install_dir).parent])
    folders = [folder / kind for folder in beside for kind in model_files.FOLDERS]
    wanted = limits.of(base, config.trainer).models
    found = model_files.find(config.models, wanted, base.path, folders)
    return config.model_copy(update={"models": {name: str(path) for name, path in found.items()}})


def check_installed(config: Config) -> None:
    """Refuse a missing training program; if there is a launcher, only that can check."""
    if way := _external(config):
        installation.check(*way)


def check_docker(config: Config) -> None:
    """Raise `UserError` if sd-scripts needs Docker and it does not answer; too slow for a parse."""
    if (way := _external(config)) and installation.in_docker(*way):
        docker.check()


def _external(config: Config) -> tuple[Tool, Settings] | None:
    """Return the program of others that trains, and where it is."""
    if config.trainer == "kohya" and config.programs.run_lora == Programs().run_lora:
        return KOHYA, config.kohya
    return (MUSUBI, config.musubi) if config.trainer == "musubi" else None


def _check_embedded(config: Config, base: Checkpoint) -> None:
    if config.train.kohya_args:
        raise UserError(
            "train.kohya_args: they are options of sd-scripts; set trainer=kohya (or musubi)"
        )
    if not base.family.embedded:
        raise UserError(f"base_model: {config.base_model}: {limits.cannot(base, 'embedded')}")
    if config.models:
        raise UserError(
            f"models: {', '.join(config.models)}: trainer=embedded reads no file beside base_model;"
            " leave it out"
        )
