"""What happens after each epoch: measure, judge, log, write a checkpoint, stop."""

import time
from typing import Any

import keras
import numpy as np

from cosmogan_k3 import backend
from cosmogan_k3._typing import Maps
from cosmogan_k3.gan import Preset
from cosmogan_k3.statistics import stopping_advice, validation_score
from cosmogan_k3.tracking import runs
from cosmogan_k3.training import interruption
from cosmogan_k3.training.checkpoints import Checkpoints
from cosmogan_k3.training.distributed import broadcast_from_main, is_main_process
from cosmogan_k3.training.divergence import not_finite
from cosmogan_k3.training.epoch_judge import EpochJudge, judge_epoch
from cosmogan_k3.training.film import Film
from cosmogan_k3.training.progress import SCORE, Progress

# Epochs whose principal components are kept for the figure.
_PCA_PANELS = 4


class EpochMonitor(keras.callbacks.Callback):
    """Measure an epoch on validation maps, log it, and write its checkpoint unless it diverged.

    Of several processes all draw the maps, because a JAX model on several hosts computes on all of
    them or on none. The main process alone measures, decides, logs and writes; it broadcasts what
    it found.

    Parameters
    ----------
    progress : Progress
        Each epoch is added to it.
    checkpoints : Checkpoints
    judge : EpochJudge or None
        None if there are too few validation maps.
    preset : Preset
        Its batch size and number of epochs are used.
    patience : int
        Epochs without a better score after which to stop; 0 for never.
    deadline : float
        Value of ``time.perf_counter`` after which to stop.
    film : Film, optional
        Maps of each epoch are added to it.

    Attributes
    ----------
    cause : str or None
        After ``fit``, why the last epoch is to be given up; None if it is not.
    """

    def __init__(
        self,
        progress: Progress,
        checkpoints: Checkpoints,
        judge: EpochJudge | None,
        preset: Preset,
        *,
        patience: int = 0,
        deadline: float = np.inf,
        film: Film | None = None,
    ) -> None:
        super().__init__()
        self.progress = progress
        self.checkpoints = checkpoints
        self.judge = judge
        self.batch_size, self.epochs = preset.batch_size, preset.epochs
        panels = np.linspace(1, self.epochs, min(_PCA_PANELS, self.epochs)).round().astype(int)
        self.panels = set(panels.tolist())
        self.patience = patience
        self.deadline = deadline
        self.film = film
        self.cause: str | None = None

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the patience is exhausted."""
        if self.progress.epoch >= self.epochs:
            return True
        scores = self.progress.column(SCORE)
        if not self.patience or not np.isfinite(scores).any():
            return False
        return stopping_advice(scores, patience=self.patience).stop

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """End the training here if a signal has arrived.

        Between two steps all variables are whole. At the end of a batch Keras would wait for the
        device, or call this in another thread.
        """
        interruption.check()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Judge the epoch; keep it, or say why it is to be given up."""
        values = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - self._start
        values["images_per_second"] = self.params["steps"] * self.batch_size / seconds
        generated = self.judge.draw(self.model) if self.judge else None
        values, self.cause, late = broadcast_from_main(lambda: self._judge(values, generated))
        if self.cause:
            self.model.stop_training = True
            return
        self.progress.epochs.append(values)
        self.progress.seconds += time.perf_counter() - self._start
        if is_main_process():
            with backend.single_process():
                self.checkpoints.save(self.model, self.progress)
            runs.log_epoch(values, self.progress.epoch)
            if self.film and generated is not None:
                self.film.add(self.progress.epoch, generated)
        if self.finished or late:
            self.model.stop_training = True

    def _judge(
        self, values: dict[str, float], generated: Maps | None
    ) -> tuple[dict[str, float], str | None, bool]:
        """Return the epoch's numbers, why to give it up or None, and whether time is up."""
        values, cause = judge_epoch(
            self.progress.epochs,
            values,
            self.model.adversarial_loss,
            judge=self.judge,
            generated=generated,
        )
        cause = cause or not_finite(self.model) or None
        if generated is not None and not cause:
            values |= self._distances(generated)
        return values, cause, time.perf_counter() > self.deadline

    def _distances(self, generated: Maps) -> dict[str, float]:
        """Return validation distances and score, and keep the projection for the figure."""
        assert self.judge is not None
        validation = self.judge.validation
        projection = validation.projection(generated)
        distances = validation.distances(generated, projection)
        shown = [panel for panel in self.progress.projections if panel[0] in self.panels]
        points = [axis.tolist() for axis in projection]
        self.progress.projections = [*shown, [self.progress.epoch + 1, *points]]
        named = {f"validation_{name}": value for name, value in distances.items()}
        return named | {SCORE: validation_score(distances)}
