"""Check the files in a training's folder, and move them to output/kohya/ and to the run."""

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from lorabench import files, layout
from lorabench.base import header
from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file
from lorabench.train import history
from lorabench.train.external import failures
from lorabench.train.external.installation import Installation
from lorabench.train.external.progress import read_rows
from lorabench.train.external.training import Training, epoch_suffix

log = logging.getLogger(__name__)


def collect(
    training: Training, there: Installation, final: Path, said: Sequence[str], output: Path
) -> None:
    """Check the results of a program and publish them; `final`, the LoRA, last, at `output`.

    Beside it appear `train_log.csv`, `loss.png` and the LoRAs of the kept epochs. Each
    LoRA first moves to output/kohya/, where its users look for it; an older file of the
    same name there is renamed. Raises `UserError`: there is no LoRA, in spite of what the program
    `said`, or one is broken, cut short, holds NaN or has learnt nothing.
    """
    if not final.exists():
        pictures = there.seen(training.pictures.folder / "images")
        raise failures.no_file(there.tool, pictures, said)
    written = {"": final}
    _correct(training, final, training.steps, training.epochs)
    for epoch in training.kept_epochs:
        path = training.file(epoch_suffix(epoch))
        if path.exists():
            _correct(training, path, epoch * training.steps_per_epoch, epoch)
            written = {epoch_suffix(epoch): path, **written}
    for path in written.values():
        lora_file.verify(path)
    course = read_rows(training.rows, training.steps)
    if course:
        history.draw(course, output.with_name("loss.png"), output.stem)
    _copy(training.rows, output.with_name("train_log.csv"))
    for suffix, path in written.items():
        kept = layout.KOHYA / f"{training.name}{suffix}.safetensors"
        _keep_what_is_there(kept)
        path.replace(kept)
        _copy(kept, output.with_name(f"{output.stem}{suffix}.safetensors"))
    _remove(training.folder)
    kept = layout.KOHYA / f"{training.name}.safetensors"
    log.info("the LoRA is in %s, and in %s", output, kept)


def _correct(training: Training, path: Path, steps: int, epoch: int) -> None:
    """Correct a LoRA's header: what a resumed training says of itself, and names of layers.

    Names that no ComfyUI loads become those that it loads, so that the file works everywhere.
    """
    tensors, metadata = header.read(path)
    said = {"ss_steps": steps, "ss_epoch": epoch}
    said |= {"ss_seed": training.settings.seed, "ss_output_name": training.name}
    right = {key: str(value) for key, value in said.items() if key in metadata}
    renames = training.by.renames
    names = {key: name for key in tensors if (name := _renamed(key, renames)) != key}
    if names or metadata | right != metadata:
        data = tensor_file.with_header(path.read_bytes(), metadata | right, names)
        files.write_bytes(path, data)


def _renamed(key: str, renames: Mapping[str, str]) -> str:
    for pattern, name in renames.items():
        key = re.sub(pattern, name, key)
    return key


def _keep_what_is_there(path: Path) -> None:
    if not path.exists():
        return
    numbered = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in count(1))
    other = next(one for one in numbered if not one.exists())
    path.rename(other)
    log.info("the older %s is now called %s", path, other.name)


def _copy(source: Path, target: Path) -> None:
    with files.publish(target) as temporary:
        shutil.copyfile(source, temporary)


def _remove(folder: Path) -> None:
    """Remove the training's folder, whose files may belong to a container's user."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.warning("%s could not be removed: its files belong to another user", folder)
