"""What happens after each epoch: measure, judge, record, keep, and decide whether to go on."""

import time

import keras
import numpy as np

from cosmogan_k3 import backend
from cosmogan_k3.statistics import Validation, relative_diversity, stopping_advice, validation_score
from cosmogan_k3.tracking import runs
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.training import divergence as guard
from cosmogan_k3.training.checkpoints import SCORE
from cosmogan_k3.training.distributed import broadcast_from_main, is_main_process

_VALIDATION_MAPS = 1000
"""At most so many maps are generated and compared after an epoch."""

_PCA_PANELS = 4


def validation_of(maps):
    """The ``Validation`` on held-out maps, the first 1,000 of a ``MapSet``; None where there are fewer than three."""
    if maps is None or len(maps) < 3:
        return None
    return Validation(np.asarray(maps.kappa[:_VALIDATION_MAPS]), pixel_arcmin=maps.pixel_arcmin)


class Monitor(keras.callbacks.Callback):
    """Measure an epoch on validation maps, log it to MLflow, and write its checkpoint unless it diverged.

    Of several processes, all draw the maps, since on JAX a model on several hosts computes on all or on none; the chief
    alone measures, decides, logs and writes, and tells the others what it found.

    After ``fit``, ``cause`` says why the last epoch is to be given up (None: it is not).

    Args:
        progress: ``Progress``, to which each epoch is added.
        checkpoints: ``Checkpoints``.
        validation: ``MapSet`` or None; fewer than three maps are not looked at.
        preset: ``Preset``, of which the batch size and the epochs matter here.
        patience: int, epochs without a better score after which to stop; 0 for never.
        deadline: float, value of ``time.perf_counter`` after which to stop.
    """

    def __init__(self, progress, checkpoints, validation, preset, patience=0, deadline=np.inf):
        super().__init__()
        self.progress = progress
        self.checkpoints = checkpoints
        self.compared = (
            0
            if validation is None or len(validation) < 3
            else min(len(validation), _VALIDATION_MAPS)
        )
        self.held_out = validation
        self.validation = validation_of(validation) if is_main_process() else None
        self.batch_size, self.epochs = preset.batch_size, preset.epochs
        self.panels = set(
            np.linspace(1, self.epochs, min(_PCA_PANELS, self.epochs)).round().astype(int).tolist()
        )
        self.patience = patience
        self.deadline = deadline
        self.cause = None

    @property
    def finished(self):
        """Whether all epochs are done, or the patience is spent."""
        if self.progress.epoch >= self.epochs:
            return True
        scores = self.progress.column(SCORE)
        return bool(
            self.patience
            and np.isfinite(scores).any()
            and stopping_advice(scores, patience=self.patience).stop
        )

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        values = {name: float(value) for name, value in logs.items()}
        values["images_per_second"] = (
            self.params["steps"] * self.batch_size / (time.perf_counter() - self._start)
        )
        # Always from the same latents, so that epochs differ by their weights alone.
        generated = None
        if self.compared:
            parameters = Sampler(self.model).parameters_of(self.held_out, slice(self.compared))
            generated = Sampler(self.model).sample(self.compared, parameters=parameters)
        values, self.cause, late = broadcast_from_main(lambda: self._judge(values, generated))
        if self.cause:
            self.model.stop_training = True
            return
        self.progress.epochs.append(values)
        self.progress.seconds += time.perf_counter() - self._start
        if is_main_process():
            runs.log_epoch(values, self.progress.epoch)
            with backend.single_process():
                self.checkpoints.save(self.model, self.progress)
        if self.finished or late:
            self.model.stop_training = True

    def _judge(self, values, generated):
        """The epoch's numbers with those of its maps, why to give it up (None: no reason), and whether time is up."""
        if generated is not None:
            finite = np.isfinite(generated).all()
            values["validation_diversity"] = (
                relative_diversity(self.validation.real, generated) if finite else np.nan
            )
        cause = guard.diagnose([*self.progress.epochs, values], self.model.adversarial_loss)
        if generated is not None and not cause:
            self._measure(values, generated)
        return values, cause, time.perf_counter() > self.deadline

    def _measure(self, values, generated):
        projection = self.validation.projection(generated)
        distances = self.validation.distances(generated, projection)
        values |= {f"validation_{name}": value for name, value in distances.items()}
        values[SCORE] = validation_score(distances)
        shown = [panel for panel in self.progress.projections if panel[0] in self.panels]
        self.progress.projections = [
            *shown,
            [self.progress.epoch + 1, *(points.tolist() for points in projection)],
        ]
