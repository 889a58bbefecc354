"""The set-up of a training: what is checked, read and split before it starts."""

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cosmogan_k3 import backend
from cosmogan_k3._typing import Conditions
from cosmogan_k3.config import MainConfig, TrainConfig, TuneConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, Preset, get_preset
from cosmogan_k3.gan.build import check_conditional
from cosmogan_k3.maps import Conditioning, MapSet, Splits, read_maps, split_by_map
from cosmogan_k3.maps.conditioning import parse_names
from cosmogan_k3.maps.inspection import Inspection
from cosmogan_k3.maps.io.atomic import check_writable
from cosmogan_k3.maps.io.lock import exclusive
from cosmogan_k3.nn import losses
from cosmogan_k3.statistics.estimators.betti import require_gudhi
from cosmogan_k3.tracking import registry, runs
from cosmogan_k3.training import distributed
from cosmogan_k3.training.checkpoints import Checkpoints
from cosmogan_k3.training.progress import Progress
from cosmogan_k3.training.starting_weights import check_start

# With so many maps or simulations a fifth is enough to test.
_FEW_UNITS = 30

# What MLflow has of a training, or will have, in its folder.
TRACKING = "tracking"
# The model of a complete training, in its folder, and the model before its first step.
MODEL = "model.keras"
START = "start.keras"


@contextlib.contextmanager
def exclusive_folder(config: TrainConfig) -> Iterator[None]:
    """Hold the lock of a training's folder, on the main process.

    Parameters
    ----------
    config : TrainConfig

    Raises
    ------
    InputError
        If another command is writing to the folder.
    """
    if distributed.is_main_process():
        with distributed.distributed_errors(), exclusive(config.out, folder=True):
            yield
    else:
        yield


@distributed.distributed_errors()
def prepare(config: TrainConfig) -> Preset:
    """Check everything that can be checked before the expensive work.

    Parameters
    ----------
    config : TrainConfig

    Returns
    -------
    Preset
        With the overrides of the command.

    Raises
    ------
    InputError

    Examples
    --------
    >>> prepare(TrainConfig(preset="tiny", epochs=3)).epochs
    3
    """
    preset = get_preset(config.preset, config.width)
    if parse_names(config.condition):
        check_conditional(preset)
    preset = replace(
        preset,
        epochs=config.epochs or preset.epochs,
        batch_size=config.batch_size or preset.batch_size,
        precision=config.precision,
    )
    if config.loss:
        preset = replace(preset, loss_schedule={0: losses.get(config.loss)})
    if config.start and not config.resume:
        check_start(config.start)
    if config.betti:
        require_gudhi()
    registry.check_names(config.model_name, config.alias)
    check_writable(config.out)
    _check_folder(config)
    runs.check_store(config.tracking)
    new_or_resumed(config, identity_of(config, preset))
    return preset


def _check_folder(config: TrainConfig) -> None:
    """Refuse to begin a training where there is one."""
    folder = Path(config.out)
    used = distributed.broadcast_from_main(
        lambda: bool(checkpoints_of(config).epochs()) or (folder / MODEL).exists()
    )
    if used and not config.resume and not config.overwrite:
        raise InputError(
            f"{folder}: holds a training; continue it, replace it, or name another folder",
            parameter="resume, overwrite, out",
        )


@distributed.distributed_errors()
def load(config: TrainConfig | TuneConfig, preset: Preset) -> MapSet:
    """Read the maps of a training; larger ones are cut into patches of ``config.pixels``.

    Raises
    ------
    InputError
        If the maps cannot be read, or the preset cannot make maps of their side.
    """
    maps = read_maps(
        config.data,
        pixels=config.pixels or None,
        pixel_arcmin=config.pixel_arcmin or None,
        field=config.field,
        external=config.external,
    )
    if not config.quiet and distributed.is_main_process():
        print(f"maps: {maps.describe()}")
    preset.architecture.check_trainable(maps.pixels)
    return maps


def split(maps: MapSet, seed: int) -> Splits:
    """Split maps into training, validation (10 %) and test maps (20 %).

    Of few larger maps or simulations 30 % are test maps: 20 of them leave six, the fewest that give
    a p-value below 0.05.
    """
    units = len(np.unique(maps.map_id))
    few = units < min(_FEW_UNITS, len(maps))
    return split_by_map(maps, validation=0.1, test=0.3 if few else 0.2, seed=seed)


def conditioning_of(
    config: TrainConfig | TuneConfig, train: MapSet, maps: MapSet
) -> tuple[Conditioning | None, Conditions | None]:
    """Return the conditioning of a training and the conditions of its maps.

    Parameters
    ----------
    config : TrainConfig or TuneConfig
        ``config.condition`` names the parameters.
    train : MapSet
        Training maps.
    maps : MapSet
        All maps, which set the range of the parameters.

    Returns
    -------
    conditioning : Conditioning or None
    conditions : ndarray or None
        float32 ``(n, n_conditions)``. Both are None if ``config.condition`` is empty.

    Raises
    ------
    InputError
        If the maps do not carry the parameters.
    """
    names = parse_names(config.condition)
    if not names:
        return None, None
    conditioning = Conditioning.fit(names, train.parameters, maps.parameters)
    return conditioning, conditioning.conditions_of_maps(train.parameters)


def checkpoints_of(config: TrainConfig) -> Checkpoints:
    """Return the checkpoints in the folder of a training."""
    return Checkpoints(Path(config.out) / "checkpoints")


def identity_of(config: TrainConfig, preset: Preset) -> dict[str, Any]:
    """Return what a training to be resumed has to share with the one that was begun.

    The edges follow from the maps, which may not have been read yet: ``identity_of_maps``.

    Parameters
    ----------
    config : TrainConfig
    preset : Preset
        With the overrides of the command.
    """
    chosen = {
        "preset": config.preset,
        "seed": config.seed,
        "epochs": preset.epochs,
        "batch_size": preset.batch_size,
        "backend": backend.name,
        "patience": config.patience,
        "start": config.start,
        "condition": config.condition,
    }
    if isinstance(config, MainConfig) and not config.data:
        simulated = ("method", "maps", "field_deg", "source_redshift", "box_maps", "particles")
        chosen |= {name: getattr(config, name) for name in simulated}
    recipe = runs.flat_parameters(config, preset)
    recipe.pop("architecture.edges", None)
    own = ("width", "architecture", "preset.")
    return chosen | {key: str(value) for key, value in recipe.items() if key.startswith(own)}


def inspected(maps: MapSet) -> Inspection:
    """Read all maps, and return what was found.

    Parameters
    ----------
    maps : MapSet

    Raises
    ------
    InputError
        A pixel that is not finite, or too large for convergence, or constant maps only.
    """
    inspection = maps.inspect()
    pixels = inspection.pixels
    if pixels.constant.all():
        raise InputError(
            f"The maps do not vary: every pixel of the first is {pixels.lowest[0]:g}",
            parameter="data",
        )
    return inspection


def print_warnings(inspection: Inspection) -> None:
    """Print what does not look like convergence, on the main process."""
    if distributed.is_main_process():
        for line in inspection.warnings:
            print(f"cosmogan: warning: {line}", file=sys.stderr)


def identity_of_maps(maps: MapSet, fingerprint: str, periodic: str) -> dict[str, Any]:
    """Return what the maps add to the identity of a training.

    Parameters
    ----------
    maps : MapSet
    fingerprint : str
        Of the maps.
    periodic : {"yes", "no"}
        Whether they have periodic edges.
    """
    digest = hashlib.sha256(np.asarray(maps.map_id, np.int64).tobytes())
    for name in sorted(maps.parameters):
        digest.update(name.encode())
        digest.update(np.asarray(maps.parameters[name], np.float64).tobytes())
    return {
        "data_fingerprint": fingerprint,
        "labels_fingerprint": digest.hexdigest(),  # of map_id and parameters
        "periodic": periodic,
    }


def new_or_resumed(
    config: TrainConfig, identity: dict[str, Any], of_maps: dict[str, Any] | None = None
) -> Progress:
    """Return a new ``Progress``, or that of the training to be resumed.

    Parameters
    ----------
    config : TrainConfig
    identity : dict
        As ``identity_of`` returns it.
    of_maps : dict, optional
        As ``identity_of_maps`` returns it. Before the maps are read they are taken to agree.

    Raises
    ------
    InputError
        If the training to be resumed is another one.
    """
    if not config.resume:
        return Progress(identity | (of_maps or {}))
    checkpoints = checkpoints_of(config)
    progress = checkpoints.progress()
    given = (progress.identity if of_maps is None else of_maps) | identity
    if differences := progress.differences(given):
        raise _another_training(checkpoints, differences)
    return progress


def check_resumed(
    config: TrainConfig,
    gan: GAN,
    preset: Preset,
    maps: MapSet,
    conditioning: Conditioning | None,
) -> None:
    """Compare the GAN of a checkpoint with what the command asks for.

    The recorded names of an earlier version may miss what has another name today.

    Parameters
    ----------
    config : TrainConfig
    gan : GAN
        Of the checkpoint.
    preset : Preset
    maps : MapSet
    conditioning : Conditioning or None

    Raises
    ------
    InputError
        If they differ.
    """
    pairs = {
        "loss": (gan.loss_schedule, dict(preset.loss_schedule)),
        "penalties": (gan.penalties, tuple(preset.penalties)),
        "discriminator_steps": (gan.discriminator_steps, preset.discriminator_steps),
        "latents": (gan.latent_space, preset.architecture.latent_space(maps.pixels)),
        "pixels": (gan.pixels, maps.pixels),
        "pixel_arcmin": (gan.pixel_arcmin, maps.pixel_arcmin),
        "condition": (gan.conditioning, conditioning),
    }
    differences = "; ".join(
        f"{name}: recorded {found!s:.60}, given {given!s:.60}"
        for name, (found, given) in pairs.items()
        if found != given
    )
    if differences:
        raise _another_training(checkpoints_of(config), differences)


def _another_training(checkpoints: Checkpoints, differences: str) -> InputError:
    return InputError(
        f"{checkpoints.folder}: cannot resume another training ({differences}); repeat the "
        "options it was begun with, or start a new training",
        parameter="resume",
    )
