"""The training job: from maps to a trained, evaluated, tracked and registered model."""

import contextlib
import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras

from cosmogan_k3 import backend
from cosmogan_k3.config import TrainConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.evaluation.measurable import check_measurable, statistics_as_input_errors
from cosmogan_k3.gan import GAN, Preset
from cosmogan_k3.gan.build import build_adapted_gan, for_edges
from cosmogan_k3.maps import Batches, Conditioning, MapSet, Scaling, Splits, is_periodic
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.maps.split_file import SPLIT_FILE, write_split
from cosmogan_k3.tracking import runs
from cosmogan_k3.tracking.datasets import data_name, describe_sets
from cosmogan_k3.training import divergence, interruption
from cosmogan_k3.training.callbacks import EpochMonitor
from cosmogan_k3.training.display import Display
from cosmogan_k3.training.distributed import (
    broadcast_from_main,
    distributed_errors,
    is_main_process,
)
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.training.film import Film
from cosmogan_k3.training.progress import Progress
from cosmogan_k3.training.results import finish
from cosmogan_k3.training.setup import (
    START,
    TRACKING,
    check_resumed,
    checkpoints_of,
    conditioning_of,
    identity_of,
    identity_of_maps,
    inspected,
    new_or_resumed,
    print_warnings,
    split,
)
from cosmogan_k3.training.starting_weights import start_from

# Each rollback moves the seed of latents and data order by this much, clear of users' seeds.
_ROLLBACK_STREAM = 1_000_003


@distributed_errors()
def train(
    config: TrainConfig,
    preset: Preset,
    maps: MapSet,
    *,
    provenance: Mapping[str, Any] | None = None,
    splits: Splits | None = None,
    evaluated: bool = True,
) -> tuple[Emulator, dict[str, Any]] | None:
    """Train on maps, evaluate on the test maps, and leave the results on disk and in MLflow.

    The model that is evaluated, saved and registered is that of the epoch ``Progress.best_of``.

    Parameters
    ----------
    config : TrainConfig
    preset : Preset
        As ``setup.prepare`` returns it.
    maps : MapSet
    provenance : mapping of str to Any, optional
        Further parameters to log, such as those of the simulation.
    splits : Splits, optional
        Of an earlier training to be compared with; by default they follow from the seed.
    evaluated : bool, default True
        Whether to evaluate and register the model.

    Returns
    -------
    tuple of Emulator and dict of metrics, or None
        None if ``config.minutes`` ended the job before the training was complete, and on all
        processes but the main one.

    Raises
    ------
    InputError
        If the maps cannot be used or are too few, if they are not those of the training to be
        resumed, if the training diverges again and again, or if another process is gone.
    """
    deadline = time.perf_counter() + (60 * config.minutes or math.inf)
    inspection = inspected(maps)  # first: its errors name the file
    splits = splits or split(maps, config.seed)
    conditioning, batches = _batches(config, preset, maps, splits)
    judge = _judge(splits)
    print_warnings(inspection)
    periodic = config.periodic
    if periodic == "auto":
        periodic = "yes" if is_periodic(splits.train.kappa) else "no"
    preset = for_edges(preset, periodic, splits.train.kappa)
    of_maps = identity_of_maps(maps, inspection.fingerprint, periodic)
    progress = new_or_resumed(config, identity_of(config, preset), of_maps)
    gan = _gan(config, preset, batches, maps, epoch=progress.epoch, conditioning=conditioning)
    gan.provenance = replace(
        gan.provenance, preset=config.preset, data_sha256=of_maps["data_fingerprint"]
    )
    parameters = dict(provenance or {}) | _parameters(config, preset, splits, of_maps)
    with _run(config, parameters, progress, splits):
        if is_main_process():
            write_split(Path(config.out) / SPLIT_FILE, splits, of_maps["data_fingerprint"])
        monitor = EpochMonitor(
            progress,
            checkpoints_of(config),
            judge,
            preset,
            patience=config.patience,
            deadline=deadline,
            film=_film(config, preset, judge),
        )
        with _advice(monitor):
            last_gan: GAN | None = _fit(config, gan, batches, monitor)
            if backend.device_count() > 1:
                backend.shutdown()
                last_gan = None  # its weights lie on devices that are shut down
            if not is_main_process():
                return None
            if not monitor.finished:
                _report_stop(config, monitor)
                return None
            return finish(config, last_gan, splits, monitor, parameters, evaluated=evaluated)


def _batches(
    config: TrainConfig, preset: Preset, maps: MapSet, splits: Splits
) -> tuple[Conditioning | None, Batches]:
    """Return the conditioning, and the training maps in batches.

    Raises
    ------
    InputError
        If there are too few maps, or they do not carry the parameters.
    """
    scaling = Scaling.fit(preset.scaling, splits.train.kappa)
    conditioning, conditions = conditioning_of(config, splits.train, maps)
    batches = Batches(
        splits.train.kappa,
        scaling,
        conditions=conditions,
        batch_size=preset.batch_size,
        augment=preset.augment,
        seed=config.seed,
    )
    batches.set_replica(backend.process_index(), backend.process_count(), backend.device_count())
    return conditioning, batches


def _judge(splits: Splits) -> EpochJudge | None:
    """Return the judge of the epochs, after a trial of all that is measured later.

    Raises
    ------
    InputError
        If validation or test maps cannot be measured.
    """
    judge = EpochJudge.if_enough(splits.validation)
    if is_main_process():
        try:
            check_measurable(splits.test)
            with statistics_as_input_errors():
                _ = judge and judge.validation
        except InputError as error:
            raise InputError(str(error), parameter="data") from error
    return judge


def _film(config: TrainConfig, preset: Preset, judge: EpochJudge | None) -> Film | None:
    """Return the film of a training, on the main process and with validation maps."""
    if judge is None or not is_main_process():
        return None
    return Film(config.out, judge.validation.real, preset.epochs)


def _gan(
    config: TrainConfig,
    preset: Preset,
    batches: Batches,
    maps: MapSet,
    *,
    epoch: int,
    conditioning: Conditioning | None = None,
) -> GAN:
    """Return an adapted GAN of the preset, or that of the checkpoint to be resumed."""
    if config.resume:
        gan = checkpoints_of(config).gan(epoch)
        check_resumed(config, gan, preset, maps, conditioning)
        return gan
    gan = build_adapted_gan(preset, batches, maps, seed=config.seed, conditioning=conditioning)
    if config.start:
        start_from(gan, config.start)
    return gan


@contextlib.contextmanager
def _run(
    config: TrainConfig, parameters: Mapping[str, Any], progress: Progress, splits: Splits
) -> Iterator[None]:
    """Open the MLflow run of the training, on the main process."""
    if not is_main_process():
        yield
        return
    data = Path(data_name(parameters)).stem
    name = f"{config.preset}-{backend.name}-{data}-seed{config.seed}"
    with runs.training_run(
        name,
        parameters,
        folder=Path(config.out) / TRACKING,
        resume=bool(config.resume),
        run_id=progress.run_id,
        tracking=config.tracking,
    ) as run:
        progress.run_id = run.run_id
        runs.log_sets(describe_sets(splits, parameters))
        runs.log_missing_epochs(progress.epochs)
        yield


@contextlib.contextmanager
def _advice(monitor: EpochMonitor) -> Iterator[None]:
    """Add to an error how to go on, unless it says so itself."""
    try:
        yield
    except BaseException as error:
        says_it = isinstance(error, InputError) or hasattr(error, "__notes__")
        if is_main_process() and not says_it:
            error.add_note(
                f"{monitor.checkpoints.folder.parent}: stopped after epoch "
                f"{monitor.progress.epoch} of {monitor.epochs}; repeat the command with --resume "
                "to go on"
            )
        raise


def _parameters(
    config: TrainConfig, preset: Preset, splits: Splits, of_maps: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what MLflow and the report record of the training.

    Options that stand for a default are recorded with the value that was used.
    """
    used = {
        "backend": backend.name,
        "pixels": splits.train.pixels,
        "pixel_arcmin": splits.train.pixel_arcmin,
        "epochs": preset.epochs,
        "batch_size": preset.batch_size,
        "loss": ", ".join(str(loss) for loss in preset.loss_schedule.values()),
    }
    return (
        runs.flat_parameters(config, preset)
        | used
        | {
            **of_maps,
            "keras_backend": backend.name,
            "device_count": backend.device_count(),
            "train_maps": len(splits.train),
            "validation_maps": len(splits.validation or ()),
            "test_maps": len(splits.test),
        }
    )


def _fit(config: TrainConfig, gan: GAN, batches: Batches, monitor: EpochMonitor) -> GAN:
    """Train until all epochs are done or the time is up; roll back after a divergence."""
    if is_main_process():
        with backend.single_process():
            if config.resume:
                monitor.checkpoints.set_damaged_aside()
            else:
                with replacing(Path(config.out) / START) as partial:
                    gan.save(partial)
                monitor.checkpoints.start(gan, monitor.progress)
    display = Display(monitor, quiet=config.quiet or not is_main_process())
    while not monitor.finished:
        batches.seed = _stream(config, monitor.progress)
        with interruption.postponed(), display:
            gan.fit(
                batches,
                initial_epoch=monitor.progress.epoch,
                epochs=monitor.epochs,
                verbose=0,
                callbacks=[monitor, display],
            )
        if monitor.cause is None:
            break
        gan = _roll_back(config, monitor)
    return gan


def _stream(config: TrainConfig, progress: Progress) -> int:
    """Return the seed of latents and data order: the command's until a rollback."""
    return config.seed + _ROLLBACK_STREAM * len(progress.rollbacks)


def _roll_back(config: TrainConfig, monitor: EpochMonitor) -> GAN:
    """Return to the last good checkpoint with another seed, and record the cause.

    Raises
    ------
    InputError
        If this has been done too often.
    """
    failed = monitor.progress.epoch + 1
    if len(monitor.progress.rollbacks) == divergence.MAX_ROLLBACKS:
        if is_main_process():
            runs.log_tags({"training": f"diverged in epoch {failed}: {monitor.cause}"})
        raise InputError(
            f"Training diverged in epoch {failed}, after {divergence.MAX_ROLLBACKS} rollbacks: "
            f"{monitor.cause}. Try another seed, another loss or a larger batch_size"
        )
    monitor.progress = Progress(**broadcast_from_main(lambda: _undo(monitor, failed)))
    gan = monitor.checkpoints.gan(monitor.progress.epoch)
    seed = _stream(config, monitor.progress)
    gan.seed_generator.state.assign(keras.random.SeedGenerator(seed).state)
    return gan


def _undo(monitor: EpochMonitor, failed: int) -> dict[str, Any]:
    """Restore the checkpoints, record the cause, and return the new ``Progress`` as a dict."""
    assert monitor.cause is not None
    progress = monitor.checkpoints.roll_back(monitor.progress, failed, monitor.cause)
    record = progress.rollback_record()
    runs.log_tags(record)
    print(f"Rollback: {list(record.values())[-1]}", file=sys.stderr)
    return asdict(progress)


def _report_stop(config: TrainConfig, monitor: EpochMonitor) -> None:
    """Report that the training is not complete, and how to resume it."""
    state = f"stopped after epoch {monitor.progress.epoch} of {monitor.epochs}"
    runs.log_tags({"training": state})
    print(
        f"Training {state}, {config.minutes:g} minutes being spent; repeat the command with "
        "--resume to go on"
    )
