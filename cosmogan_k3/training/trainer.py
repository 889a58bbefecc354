"""The training job: from maps to a trained, evaluated, tracked and registered model."""

import contextlib
import functools
import itertools
import math
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from cosmogan_k3 import backend
from cosmogan_k3.config import MainConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation import figures
from cosmogan_k3.evaluation.evaluate import evaluate_maps
from cosmogan_k3.evaluation.files import summary, write_evaluation
from cosmogan_k3.evaluation.report import markdown_summary
from cosmogan_k3.gan.build import build_adapted_gan, check_conditional, for_edges
from cosmogan_k3.gan.calibrator import calibrate
from cosmogan_k3.gan.network_metrics import latent_smoothness, learned_frechet
from cosmogan_k3.gan.presets import get_preset
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.maps import Batches, Conditioning, Scaling, read_maps, split_by_map
from cosmogan_k3.maps.conditioning import parse_names
from cosmogan_k3.maps.io.atomic import check_writable, replacing
from cosmogan_k3.nn import losses
from cosmogan_k3.parallel.executor import thread_map
from cosmogan_k3.statistics import stopping_advice
from cosmogan_k3.tracking import registry, runs
from cosmogan_k3.training import divergence as guard
from cosmogan_k3.training.callbacks import Monitor
from cosmogan_k3.training.checkpoints import SCORE, Checkpoints, Progress
from cosmogan_k3.training.distributed import (
    broadcast_from_main,
    distributed_errors,
    is_main_process,
)

_TEST_SEED = 1_000_003
"""The latents of the final evaluation are none that training or validation looked at."""

_ROLLBACK_STREAM = 1_000_003
"""Each rollback moves the seed of latents and data order by so much, clear of the seeds that users give."""


@distributed_errors()
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
    if parse_names(config.condition):
        check_conditional(preset)
    preset = replace(
        preset,
        epochs=config.epochs or preset.epochs,
        batch_size=config.batch_size or preset.batch_size,
    )
    if config.loss:
        losses.get(config.loss)
        preset = replace(preset, loss_schedule={0: losses.get(config.loss)})
    if config.start and not config.resume:
        Emulator.load(config.start)
    check_writable(config.out)
    _begin(config, _identity(config, preset))
    return preset


@distributed_errors()
def load(config, preset):
    """Read the maps of a training; larger ones are cut into patches of ``config.pixels``."""
    maps = read_maps(
        config.data, pixels=config.pixels or None, pixel_arcmin=config.pixel_arcmin or None
    )
    preset.architecture.latent_shapes(maps.pixels)
    return maps


def split(maps, seed):
    """The maps of a training: those it learns from, a tenth to choose by, and a fifth that it never looks at."""
    return split_by_map(maps, validation=0.1, test=0.2, seed=seed)


@distributed_errors()
def train(config, preset, maps, *, provenance=None, splits=None):
    """Train on maps, evaluate on the test split, and leave model, figures and metrics in ``config.out`` and MLflow.

    The model that is evaluated, saved and registered is that of the epoch with the best score on the validation maps.

    Args:
        config: ``TrainConfig``.
        preset: ``Preset``, from ``prepare``.
        maps: ``MapSet``.
        provenance: optional mapping of further parameters to log, such as the simulation's.
        splits: ``Splits`` of an earlier training to be compared with; by default they follow from the seed.

    Returns:
        ``(emulator, metrics)``, or None where ``config.minutes`` ended the job before the training was complete, and on
        all processes but the chief.

    Raises:
        InputError: maps that cannot be used, too few of them, other maps than those of the training to be resumed, or
            a training that diverges again and again; another process that is gone.
    """
    deadline = time.perf_counter() + (60 * config.minutes or math.inf)
    fingerprint = maps.fingerprint()
    progress = _begin(config, _identity(config, preset) | {"data_fingerprint": fingerprint})
    splits = splits or split(maps, config.seed)
    scaling = Scaling.fit(preset.scaling, splits.train.kappa)
    options = {"batch_size": preset.batch_size, "augment": preset.augment, "seed": config.seed}
    conditioning, conditions = conditioning_of(config, splits.train, maps)
    batches = Batches(splits.train.kappa, scaling, conditions=conditions, **options)
    if len(splits.test) < 4:
        raise InputError(f"The test split needs at least four maps. Received: {len(splits.test)}")
    batches.set_replica(backend.process_index(), backend.process_count(), backend.device_count())
    preset = for_edges(preset, config.periodic, splits.train.kappa)
    gan = _gan(config, preset, batches, maps, epoch=progress.epoch, conditioning=conditioning)
    parameters = _parameters(config, preset, splits, fingerprint) | (provenance or {})
    chief = is_main_process()
    with _run(config, parameters, progress) if chief else contextlib.nullcontext():
        monitor = Monitor(
            progress, _checkpoints(config), splits.validation, preset, config.patience, deadline
        )
        gan = _fit(config, gan, batches, monitor)
        if backend.device_count() > 1:
            backend.shutdown()
            gan = None  # its weights lie on devices of which we have taken leave
        if not chief:
            return None
        return (
            _finish(config, gan, splits, monitor, parameters)
            if monitor.finished
            else _stop(config, monitor)
        )


def conditioning_of(config, train, maps):
    """What the networks are told, and that of each training map; None, None for nothing.

    Raises:
        InputError: parameters that the maps do not carry.
    """
    names = parse_names(config.condition)
    if not names:
        return None, None
    conditioning = Conditioning.fit(names, train.parameters, maps.parameters)
    return conditioning, conditioning.conditions_of_maps(train.parameters)


@contextlib.contextmanager
def _run(config, parameters, progress):
    """The MLflow run of the training, which ``progress`` remembers."""
    with runs.training_run(
        f"{config.preset}-{backend.name}", parameters, run_id=progress.run_id
    ) as run:
        progress.run_id = run.info.run_id
        yield


def _parameters(config, preset, splits, fingerprint):
    """What MLflow and the report are told of the training."""
    return runs.flat_parameters(config, preset) | {
        "keras_backend": backend.name,
        "device_count": backend.device_count(),
        "data_fingerprint": fingerprint,
        "train_maps": len(splits.train),
        "validation_maps": len(splits.validation or ()),
        "test_maps": len(splits.test),
    }


def _checkpoints(config):
    return Checkpoints(Path(config.out) / "checkpoints")


def _identity(config, preset):
    """What a training to be resumed has to share with the one that was begun; the preset as it is after overrides."""
    chosen = {
        "preset": config.preset,
        "seed": config.seed,
        "epochs": preset.epochs,
        "batch_size": preset.batch_size,
    }
    chosen |= {"backend": backend.name, "patience": config.patience, "start": config.start}
    chosen["condition"] = config.condition
    if isinstance(config, MainConfig) and not config.data:
        chosen |= {name: getattr(config, name) for name in ("maps", "field_deg", "source_redshift")}
    recipe = runs.flat_parameters(config, preset)
    recipe = {
        key: str(value)
        for key, value in recipe.items()
        if key.startswith(("architecture", "preset."))
    }
    return chosen | recipe


def _begin(config, identity):
    """A new ``Progress``, or that of the training to be resumed, if it is the same training."""
    if not config.resume:
        return Progress(identity)
    checkpoints = _checkpoints(config)
    progress = checkpoints.progress()
    if differences := progress.differences(identity):
        raise InputError(
            f"{checkpoints.folder}: cannot resume another training ({differences}); repeat the options it was begun "
            "with, or start anew without --resume"
        )
    return progress


def _gan(config, preset, batches, maps, *, epoch, conditioning=None):
    """The GAN of the preset, which has seen some training maps, or that of the checkpoint to be resumed."""
    if config.resume:
        return _checkpoints(config).gan(epoch)
    gan = build_adapted_gan(preset, batches, maps, seed=config.seed, conditioning=conditioning)
    if config.start:
        start_from(gan, config.start)
    return gan


def _fit(config, gan, batches, monitor):
    """Train until all is done or the time is spent; after a divergence, go back and on with another seed."""
    if not config.resume and is_main_process():
        with backend.single_process():
            monitor.checkpoints.start(gan, monitor.progress)
    while not monitor.finished:
        batches.seed = _stream(config, monitor.progress)
        gan.fit(
            batches,
            initial_epoch=monitor.progress.epoch,
            epochs=monitor.epochs,
            verbose=_verbosity(config),
            callbacks=[monitor],
        )
        if monitor.cause is None:
            break
        gan = _roll_back(config, monitor)
    return gan


def _stream(config, progress):
    """Seed of latents and data order: the command's until a rollback."""
    return config.seed + _ROLLBACK_STREAM * len(progress.rollbacks)


def _roll_back(config, monitor):
    """Return to the last good checkpoint with other random numbers, and put on record why.

    Raises:
        InputError: this has been done too often.
    """
    failed = monitor.progress.epoch + 1
    if len(monitor.progress.rollbacks) == guard.MAX_ROLLBACKS:
        if is_main_process():
            runs.log_tags({"training": f"diverged in epoch {failed}: {monitor.cause}"})
        raise InputError(
            f"Training diverged in epoch {failed}, after {guard.MAX_ROLLBACKS} rollbacks: {monitor.cause}. "
            "Try another --seed, another --loss or a larger --batch-size"
        )
    monitor.progress = Progress(**broadcast_from_main(lambda: _undo(monitor, failed)))
    gan = monitor.checkpoints.gan(monitor.progress.epoch)
    gan.seed_generator.state.assign(
        keras.random.SeedGenerator(_stream(config, monitor.progress)).state
    )
    return gan


def _undo(monitor, failed):
    """Put the checkpoints back, and the cause on record; the ``Progress`` from which to go on, as plain values."""
    progress = monitor.checkpoints.roll_back(monitor.progress, failed, monitor.cause)
    record = _rollbacks(progress)
    runs.log_tags(record)
    print(f"Rollback: {list(record.values())[-1]}", file=sys.stderr)
    return asdict(progress)


def _rollbacks(progress):
    """Which and why, as plain text."""
    return {
        f"rollback_{number}": f"from epoch {r['epoch']} to the end of epoch {r['back_to']}: {r['cause']}"
        for number, r in enumerate(progress.rollbacks, 1)
    }


def _stop(config, monitor):
    """Say that the training is not complete, and how to go on."""
    state = f"stopped after epoch {monitor.progress.epoch} of {monitor.epochs}"
    runs.log_tags({"training": state})
    print(
        f"Training {state}, {config.minutes:g} minutes being spent; repeat the command with --resume to go on"
    )


def start_from(gan, uri):
    """Give a GAN all weights of a saved one, the averaged and the reference batch included; its optimizers stay fresh.

    Args:
        gan: ``GAN``.
        uri: path of a ``.keras`` file or MLflow URI of a GAN of the same networks.

    Raises:
        InputError: no such model, or one of other networks.
    """
    other = Emulator.load(uri).gan
    if other.conditioning != gan.conditioning:
        raise InputError(
            f"{uri}: was told other parameters, or in another range or other units, than this training"
        )
    weights = other.get_weights()
    there, here = [[w.shape for w in group] for group in (weights, gan.get_weights())]
    if there != here:
        differing = [pair for pair in itertools.zip_longest(there, here) if pair[0] != pair[1]]
        raise InputError(
            f"{uri}: its networks are not those of this preset on maps of {gan.pixels} pixels "
            f"({len(differing)} of {len(here)} weights differ, the first has shape {differing[0][0]} there and "
            f"{differing[0][1]} here); give the preset that it was trained with, or one derived from it"
        )
    gan.set_weights(weights)


def _verbosity(config):
    """A moving bar on a terminal, a line an epoch in a log; one process speaks for all."""
    if config.quiet or not is_main_process():
        return 0
    return 1 if sys.stdout.isatty() else 2


def _finish(config, gan, splits, monitor, parameters):
    """Evaluate the best epoch's model on the test split; write and log everything."""
    folder, progress = Path(config.out), monitor.progress
    selected = progress.best_of(monitor.checkpoints.epochs())
    if gan is None or selected != progress.epoch:
        gan = monitor.checkpoints.gan(selected)
    calibrate(gan, last=True)
    emulator = Emulator(gan)
    given = Sampler(gan).parameters_of(splits.test)
    generated = emulator.sample_maps(
        len(splits.test), seed=_TEST_SEED + config.seed, parameters=given
    )
    evaluation = evaluate_maps(
        splits.test,
        generated,
        training=splits.train,
        seed=config.seed,
        map_calls=functools.partial(thread_map, quiet=config.quiet),
        provenance=parameters | _rollbacks(progress),
    )
    metrics = learned_frechet(
        splits.train, splits.test.kappa, generated.kappa, seed=config.seed
    )
    metrics |= latent_smoothness(gan, seed=_TEST_SEED + config.seed)
    metrics |= _training_metrics(progress, selected)
    evaluation = evaluation.extended(metrics=metrics, figures=_training_figures(progress))
    metrics = evaluation.metrics
    paths = write_evaluation(folder, evaluation)
    with replacing(folder / "model.keras") as partial:
        gan.save(partial)
    runs.log_evidence(metrics, paths, description=markdown_summary(evaluation.comparison, metrics))
    runs.log_tags({"training": f"complete after epoch {progress.epoch}"})
    registry.log_gan(gan, registered_name=config.model_name, alias=config.alias)
    if not config.quiet:
        print(summary(evaluation))
    return emulator, metrics


def _training_figures(progress):
    """Loss curves, and the principal components epoch by epoch."""
    history = {name: progress.column(name) for name in progress.epochs[-1]}
    drawn = {"losses": figures.loss_curves(history)}
    if progress.projections:
        panels = (
            (f"epoch {epoch}", np.array(real), np.array(fake))
            for epoch, real, fake in progress.projections
        )
        drawn["pca"] = figures.pca_by_epoch(list(panels))
    return drawn


def _training_metrics(progress, selected):
    """What the training itself is to be judged by: speed, and which epoch was chosen with what score."""
    metrics = {
        "images_per_second": float(np.median(progress.column("images_per_second"))),
        "training_seconds": progress.seconds,
        "selected_epoch": selected,
        "last_epoch": progress.epoch,
    }
    scores = progress.column(SCORE)
    if np.isfinite(scores).any():
        metrics |= {
            "validation_score": scores[selected - 1],
            "validation_score_last_epoch": scores[-1],
        }
        metrics["pca_best_epoch"] = stopping_advice(
            progress.column("validation_pca_merit")
        ).best_epoch
    return metrics
