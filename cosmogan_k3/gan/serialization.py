"""What the file of a GAN holds beside its weights, and how it is read back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan.allowed_classes import check_classes
from cosmogan_k3.gan.archive import read_archive, write_archive
from cosmogan_k3.gan.latents import LatentSpace
from cosmogan_k3.gan.migration import FORMAT, READABLE_FORMATS, migrate, needs_migration
from cosmogan_k3.gan.provenance import Provenance
from cosmogan_k3.gan.weight_limit import at_most
from cosmogan_k3.maps import Conditioning, Scaling

if TYPE_CHECKING:
    from cosmogan_k3.gan.gan import GAN

_RANDOM_STATE = "seed_state"
_FEWEST_BYTES = 2  # of a number in the file, bfloat16


def load_gan(path: PathLike) -> GAN:
    """Load a GAN from a ``.keras`` file that any backend wrote.

    The file may come from anybody: it is read without running anything that it brings along. Its
    classes are those of this package, and those that the process has registered with Keras. A file
    of an earlier format is migrated first.

    Parameters
    ----------
    path : path of the file

    Returns
    -------
    GAN

    Raises
    ------
    InputError
        If the file is not a readable GAN, was changed after it was saved, names other classes, or
        asks for more weights than it holds.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_gan("tiny", pixels=16, pixel_arcmin=3.0).save(folder + "/gan.keras")
    ...     load_gan(folder + "/gan.keras").pixels
    16
    """
    try:
        contents = read_archive(path)
        if needs_migration(contents.config):
            contents = migrate(contents)
        check_classes(contents.config)
        with tempfile.TemporaryDirectory() as folder:
            # Keras reads what was checked and nothing else, even if the file is replaced meanwhile.
            checked = Path(folder) / "checked.keras"
            write_archive(checked, contents)
            with at_most(len(contents.weights) // _FEWEST_BYTES):
                return keras.saving.load_model(checked, safe_mode=True)
    except InputError as error:
        raise InputError(f"{path}: {one_line(error, 300)}") from error
    except Exception as error:  # a foreign file can bring any library to raise anything
        reason = f"{type(error).__name__}: {one_line(error, 200)}"
        raise InputError(f"{path}: not a readable model ({reason})") from error


def save_random_state(seed_generator: keras.random.SeedGenerator, store: Any) -> None:
    """Add the state of a seed generator to a store of variables."""
    store[_RANDOM_STATE] = ops.convert_to_numpy(seed_generator.state)


def load_random_state(seed_generator: keras.random.SeedGenerator, store: Any) -> dict[str, Any]:
    """Restore the state of a seed generator, and return the other variables of the store."""
    seed_generator.state.assign(store[_RANDOM_STATE])
    keys = set(store.keys()) - {_RANDOM_STATE}  # the store has keys, but is not iterable
    return {key: store[key] for key in keys}


def gan_config(gan: GAN) -> dict[str, Any]:
    """Return the configuration of a GAN as plain values."""
    serialize = keras.saving.serialize_keras_object
    return {
        "format": FORMAT,
        "name": gan.name,
        "generator": serialize(gan.generator),
        "discriminator": gan.discriminator and serialize(gan.discriminator),
        "latent_space": gan.latent_space.get_config(),
        "scaling": gan.scaling.get_config(),
        "pixel_arcmin": gan.pixel_arcmin,
        "reference_size": gan.reference_size,
        "average_decay": gan.average_decay,
        "spectral_weight": gan.spectral_weight,
        "feature_weight": gan.feature_weight,
        "calibrator": gan.calibrator and serialize(gan.calibrator),
        "seed": gan.seed,
        "conditioning": gan.conditioning and gan.conditioning.get_config(),
        "provenance": gan.provenance.get_config(),
    }


def gan_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``GAN`` from its configuration.

    Raises
    ------
    InputError
        If the configuration has an earlier or later format.
    """
    if config.get("format") not in READABLE_FORMATS:
        raise InputError(
            f"The model has format {config.get('format', 1)}, this version writes {FORMAT}; load "
            "it with Emulator.load or cosmogan_k3.gan.load_gan, or update cosmogan_k3"
        )
    deserialize = keras.saving.deserialize_keras_object
    conditioning = config["conditioning"]
    arguments = {key: value for key, value in config.items() if key != "format"}
    return arguments | {
        "generator": deserialize(config["generator"]),
        "discriminator": config["discriminator"] and deserialize(config["discriminator"]),
        "latent_space": LatentSpace.from_config(config["latent_space"]),
        "scaling": Scaling.from_config(config["scaling"]),
        "calibrator": config["calibrator"] and deserialize(config["calibrator"]),
        "conditioning": Conditioning(**conditioning) if conditioning else None,
        "provenance": Provenance(**config.get("provenance", {})),
    }


def compile_config(gan: GAN) -> dict[str, Any]:
    """Return how a GAN was compiled, as plain values."""
    serialize = keras.saving.serialize_keras_object
    return {
        "generator_optimizer": _portable(gan.optimizer.generator),
        "discriminator_optimizer": _portable(gan.optimizer.discriminator),
        "loss": [[epoch, serialize(loss)] for epoch, loss in gan.loss_schedule.items()],
        "penalties": [serialize(penalty) for penalty in gan.penalties],
        "discriminator_steps": gan.discriminator_steps,
    }


def compile_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``GAN.compile`` from its configuration."""
    deserialize = keras.saving.deserialize_keras_object
    return {
        "generator_optimizer": keras.optimizers.deserialize(config["generator_optimizer"]),
        "discriminator_optimizer": keras.optimizers.deserialize(config["discriminator_optimizer"]),
        "loss": {epoch: deserialize(loss) for epoch, loss in config["loss"]},
        "penalties": [deserialize(penalty) for penalty in config["penalties"]],
        "discriminator_steps": config["discriminator_steps"],
    }


def _portable(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Return an optimizer's configuration under its public name.

    Keras writes the name of the class of the backend in use.
    """
    config = keras.optimizers.serialize(optimizer)
    if config["module"].startswith("keras."):
        return config | {"module": "keras.optimizers"}
    return config
