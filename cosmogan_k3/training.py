"""The training job: from maps to a trained, evaluated, tracked and registered model."""

import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from cosmogan_k3 import backend, figures, losses
from cosmogan_k3.data import Batches, Scaling, read_maps, split_by_map
from cosmogan_k3.data.writers import check_writable, replacing
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation import evaluate_maps, summary, write_evaluation
from cosmogan_k3.models.build import build_gan
from cosmogan_k3.models.generator import latent_shapes
from cosmogan_k3.models.presets import get_preset
from cosmogan_k3.network_metrics import latent_smoothness, learned_frechet
from cosmogan_k3.report import markdown_summary
from cosmogan_k3.statistics import pca_merit, pca_projection, stopping_advice, summary_distances
from cosmogan_k3.tracking import registry, runs

_VALIDATION_MAPS = 1000
"""At most so many maps are generated and compared after an epoch."""

_PCA_PANELS = 4
_TEST_SEED = 1_000_003
"""The latents of the final evaluation are none that training or validation looked at."""


def prepare(config):
    """Check everything that can be checked before the expensive work.

    Args:
        config: ``TrainConfig``.

    Returns:
        The ``Preset``, with the command's overrides.

    Raises:
        InputError
    """
    preset = get_preset(config.preset)
    preset = replace(preset, epochs=config.epochs or preset.epochs, batch_size=config.batch_size or preset.batch_size)
    if config.loss:
        losses.get(config.loss)
        preset = replace(preset, losses={0: {"name": config.loss}})
    check_writable(config.out)
    return preset


def load(config, preset):
    """Read the maps of a training; larger ones are cut into patches of ``config.pixels``."""
    maps = read_maps(config.data, pixels=config.pixels or None, pixel_arcmin=config.pixel_arcmin or None)
    latent_shapes(preset.architecture, maps.pixels)
    return maps


def train(config, preset, maps, *, provenance=None):
    """Train on maps, evaluate on the test split, and leave model, figures and metrics in ``config.out`` and MLflow.

    Args:
        config: ``TrainConfig``.
        preset: ``Preset``, from ``prepare``.
        maps: ``MapSet``.
        provenance: optional mapping of further parameters to log, such as the simulation's.

    Returns:
        ``(emulator, metrics)``.

    Raises:
        InputError: maps that cannot be used, or too few of them.
    """
    fingerprint = maps.fingerprint()
    splits = split_by_map(maps, validation=0.1, test=0.2, seed=config.seed)
    scaling = Scaling.fit(preset.scaling, splits.train.kappa)
    batches = Batches(
        splits.train.kappa, scaling, batch_size=preset.batch_size, augment=preset.augment, seed=config.seed
    )
    if len(splits.test) < 4:
        raise InputError(f"The test split needs at least four maps. Received: {len(splits.test)}")
    gan = build_gan(
        preset,
        pixels=maps.pixels,
        pixel_arcmin=maps.pixel_arcmin,
        scaling=scaling,
        steps=preset.epochs * len(batches),
        seed=config.seed,
    )
    parameters = runs.flat_parameters(config, preset) | (provenance or {})
    parameters |= {
        "keras_backend": backend.name,
        "data_fingerprint": fingerprint,
        "train_maps": len(splits.train),
        "validation_maps": len(splits.validation or ()),
        "test_maps": len(splits.test),
    }
    with runs.training_run(f"{config.preset}-{backend.name}", parameters):
        monitor = _Monitor(splits.validation, preset)
        gan.fit(batches, epochs=preset.epochs, verbose=_verbosity(config), callbacks=[monitor])
        return _finish(config, gan, splits, monitor, parameters)


def _verbosity(config):
    """A moving bar on a terminal, a line an epoch in a log."""
    if config.quiet:
        return 0
    return 1 if sys.stdout.isatty() else 2


def _finish(config, gan, splits, monitor, parameters):
    """Evaluate on the test split; write and log everything."""
    folder = Path(config.out)
    emulator = Emulator(gan)
    generated = emulator.sample_maps(len(splits.test), seed=_TEST_SEED + config.seed)
    evaluation = evaluate_maps(splits.test, generated, training=splits.train, seed=config.seed)
    metrics, drawn = evaluation.metrics, evaluation.figures
    metrics |= learned_frechet(splits.train, splits.test.kappa, generated.kappa, seed=config.seed)
    metrics |= latent_smoothness(gan, seed=_TEST_SEED + config.seed)
    metrics |= {"images_per_second": float(np.median(monitor.throughput)), "training_seconds": monitor.seconds}
    drawn["losses"] = figures.loss_curves(monitor.history)
    if monitor.projections:
        metrics["pca_best_epoch"] = stopping_advice(monitor.merits).best_epoch
        drawn["pca"] = figures.pca_by_epoch(_spread(monitor.projections, _PCA_PANELS))
    paths = write_evaluation(folder, evaluation, provenance=parameters)
    with replacing(folder / "model.keras") as partial:
        gan.save(partial)
    runs.log_evidence(metrics, paths, description=markdown_summary(evaluation.comparison, metrics))
    registry.log_gan(gan, registered_name=config.model_name, alias=config.alias)
    if not config.quiet:
        print(summary(evaluation))
    return emulator, metrics


def _spread(items, count):
    """At most ``count`` items, evenly spaced, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))
    return [items[i] for i in chosen]


class _Monitor(keras.callbacks.Callback):
    """After each epoch: losses, throughput and the distances to the validation maps, logged to MLflow."""

    def __init__(self, validation, preset):
        super().__init__()
        self.validation = validation
        self.preset = preset
        self.history = {}
        self.projections = []
        self.merits = []
        self.throughput = []
        self.seconds = 0.0

    def on_train_begin(self, logs=None):
        self._begin = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        values = {key: float(value) for key, value in (logs or {}).items()}
        if not all(math.isfinite(value) for value in values.values()):
            raise InputError(
                f"Training diverged in epoch {epoch + 1}: {values}. Try a lower learning rate or another seed"
            )
        for key, value in values.items():
            self.history.setdefault(key, []).append(value)
        images = self.params["steps"] * self.preset.batch_size
        self.throughput.append(images / (time.perf_counter() - self._start))
        values["images_per_second"] = self.throughput[-1]
        runs.log_epoch(values | self._distances(epoch), epoch + 1)

    def on_train_end(self, logs=None):
        self.seconds = time.perf_counter() - self._begin

    def _distances(self, epoch):
        if self.validation is None or len(self.validation) < 2:
            return {}
        real = np.asarray(self.validation.kappa[:_VALIDATION_MAPS])
        generated = self.model.sample(len(real), seed=epoch)
        distances = summary_distances(real, generated, pixel_arcmin=self.validation.pixel_arcmin, permutations=0)
        projection = pca_projection(real, generated)[:2]
        self.projections.append((f"epoch {epoch + 1}", *projection))
        self.merits.append(pca_merit(*projection))
        distances["pca_merit"] = self.merits[-1]
        return {f"validation_{key}": value for key, value in distances.items() if math.isfinite(value)}
