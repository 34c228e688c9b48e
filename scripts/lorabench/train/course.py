"""The steps of an embedded training, one after the other, and the files that appear on the way."""

import logging
import time
from pathlib import Path

import numpy as np

from lorabench import cli
from lorabench.base.checkpoint import Checkpoint
from lorabench.lora import file as lora_file
from lorabench.train import divergence, history, network
from lorabench.train.data import TrainingSet
from lorabench.train.learner import Learner, batches_of
from lorabench.train.metadata import describe
from lorabench.train.state import StateFile

log = logging.getLogger(__name__)

_RECENT = 50
"""Steps whose mean loss the bar shows."""


class Course:
    """A training of `total` steps; `rows` has one for each that is done."""

    def __init__(
        self,
        learner: Learner,
        pictures: TrainingSet,
        base: Checkpoint,
        output: Path,
        total: int,
        device: str,
        keep: int,
    ) -> None:
        """Take what is trained, on what, and where the LoRA will be; `keep` is that of `train`."""
        self._learner, self._pictures, self._base = learner, pictures, base
        self._output, self._total, self._device = output, total, device
        epochs = batches_of(total - 1, pictures.settings).stop // pictures.batches_per_epoch
        self._settings = pictures.keeping(keep, epochs).settings
        self._validated_every = pictures.validated_every(epochs)
        self._begun = time.monotonic()
        self.rows: list[history.Row] = []

    def resume(self, saved: StateFile) -> None:
        """Continue a training that was stopped, if there is one."""
        if found := saved.load():
            self._learner.restore(found)
            self._begun -= found["seconds"]
            self.rows = [history.Row(*row) for row in found["rows"]]
            log.info("continuing after step %d of %d", found["step"], self._total)

    def run(self, saved: StateFile) -> None:
        """Do the steps that are left; `saved` takes the state on the way.

        Raises `UserError`: the training diverged.
        """
        self._output.parent.mkdir(parents=True, exist_ok=True)
        log_file = self._output.with_name("train_log.csv")
        history.write(log_file, self.rows)
        folder = self._output.parent
        watch = divergence.Watch(self._settings, self._learner.loss_of_nothing, folder)
        first = len(self.rows)
        bar = cli.bar(total=self._total, initial=first, desc="training", unit="step")
        try:
            for step in range(first, self._total):
                self._step(step, watch)
                bar.set_postfix(loss=f"{self._recent_loss():.4f}", refresh=False)
                bar.update()
                self._keep_epoch(step)
                if self._save_if_due(saved):
                    history.write(log_file, self.rows)
        finally:
            bar.close()  # before what is said of an error
            history.write(log_file, self.rows)

    def write(self, path: Path, step: int) -> None:
        """Write the LoRA as it is after so many steps."""
        facts = describe(self._base, self._pictures, path.stem, step, self._total, self._seconds)
        lora_file.save(path, network.to_kohya(self._learner.lora, self._settings.alpha), facts)

    @property
    def _seconds(self) -> float:
        """How long it has trained, with what came before it was stopped."""
        return time.monotonic() - self._begun

    def _step(self, step: int, watch: divergence.Watch) -> None:
        """Do the step `step`, from 0, and measure it."""
        learner, every = self._learner, self._validated_every
        loss = learner.step(step, self._total, self.rows, watch)
        seconds = self._seconds
        epoch = batches_of(step, self._settings)[0] // self._pictures.batches_per_epoch + 1
        due = epochs_ended(step, self._pictures, every) or step + 1 == self._total
        measured = learner.validation_loss() if every and due else None
        row = history.Row(step + 1, epoch, loss, learner.lr, seconds, measured, self._device)
        self.rows.append(row)

    def _recent_loss(self) -> float:
        return float(np.mean([row.loss for row in self.rows[-_RECENT:]]))

    def _keep_epoch(self, step: int) -> None:
        """Write the LoRA of an epoch that is kept, if `step` ended one; the last is no such."""
        ended = epochs_ended(step, self._pictures, self._settings.save_every_epochs)
        if ended and step + 1 < self._total:
            stem = f"{self._output.stem}-{ended:06d}"
            self.write(self._output.with_name(f"{stem}.safetensors"), step + 1)

    def _save_if_due(self, saved: StateFile) -> bool:
        last = self.rows[-1]
        rows = [tuple(row) for row in self.rows]
        so_far = {"step": last.step, "seconds": last.seconds, "rows": rows}
        return saved.save_if_due(**so_far, **self._learner.state())


def epochs_ended(step: int, pictures: TrainingSet, every: int) -> int:
    """Return the number of epochs done if `step` ended one of each `every`, else 0."""
    if not every:
        return 0
    batches = batches_of(step, pictures.settings)
    before, after = (n // pictures.batches_per_epoch for n in (batches.start, batches.stop))
    return after if after // every > before // every else 0
