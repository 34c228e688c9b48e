"""Check the files in a training's folder, and move them to output/kohya/ and to the run."""

import logging
import shutil
from itertools import count
from pathlib import Path

from lorabench import files, layout
from lorabench.base import header
from lorabench.lora import file as lora_file
from lorabench.lora import tensor_file
from lorabench.train import history
from lorabench.train.kohya.progress import read_rows
from lorabench.train.kohya.training import Training, epoch_suffix

log = logging.getLogger(__name__)


def collect(training: Training, final: Path, rows: Path, output: Path) -> None:
    """Check the results of sd-scripts and publish them; `final`, the LoRA, last, at `output`.

    Beside it appear `rows` as `train_log.csv`, `loss.png` and the LoRAs of the kept epochs. Each
    LoRA first moves to output/kohya/, where users of sd-scripts look for it; an older file of the
    same name there is renamed. Raises `UserError`: a LoRA is broken, cut short, holds NaN or has
    learnt nothing.
    """
    written = {"": final}
    _say_steps(final, training.steps, training.epochs)
    for epoch in training.kept_epochs:
        path = training.file(epoch_suffix(epoch))
        if path.exists():
            _say_steps(path, epoch * training.steps_per_epoch, epoch)
            written = {epoch_suffix(epoch): path, **written}
    for path in written.values():
        lora_file.verify(path)
    course = read_rows(rows, training.steps)
    if course:
        history.draw(course, output.with_name("loss.png"), output.stem)
    _copy(rows, output.with_name("train_log.csv"))
    for suffix, path in written.items():
        kept = layout.KOHYA / f"{training.name}{suffix}.safetensors"
        _keep_what_is_there(kept)
        path.replace(kept)
        _copy(kept, output.with_name(f"{output.stem}{suffix}.safetensors"))
    _remove(training.folder)


def _say_steps(path: Path, steps: int, epoch: int) -> None:
    """Correct the steps in a LoRA's metadata: sd-scripts counts from where it resumed."""
    _, metadata = header.read(path)
    right = {"ss_steps": str(steps), "ss_epoch": str(epoch)}
    if metadata | right == metadata or "ss_steps" not in metadata:
        return
    files.write_bytes(path, tensor_file.with_header(path.read_bytes(), metadata | right))


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
