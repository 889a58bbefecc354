"""``cosmogan generate``: maps from a trained model, in a file or in a folder of files."""

import functools
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.endings import maps_written, say
from cosmogan_k3.cli.film import film
from cosmogan_k3.cli.outputs import output_file, output_folder
from cosmogan_k3.cli.survey import Observation
from cosmogan_k3.config import GenerateConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.conditioning import parse_parameters
from cosmogan_k3.maps.io.atomic import replacing
from cosmogan_k3.maps.io.write import write_maps
from cosmogan_k3.maps.stream import MapStream
from cosmogan_k3.parallel.executor import executor, wants_dask
from cosmogan_k3.parallel.shards import Shards

if TYPE_CHECKING:
    from cosmogan_k3.emulator import Emulator
    from cosmogan_k3.gan import GAN

MODEL = "model.keras"

# TensorFlow and XLA start a thread for each core by default; PyTorch obeys the OMP_NUM_THREADS
# that Dask sets.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "NPROC": "1"}


def run(config: GenerateConfig) -> None:
    """Draw maps and write them, on Dask workers if the command asks for them; or make a film."""
    if config.film:
        film(config)
        return
    if wants_dask(config.workers, config.scheduler):
        pixels, pixel_arcmin = _write_folder(config)
    else:
        with output_file(config.out, overwrite=config.overwrite):
            pixels, pixel_arcmin = _write_file(config)
    found = maps_written(config.out, config.maps, pixels, pixel_arcmin)
    say({"wrote": found}, quiet=config.quiet)


def _write_folder(config: GenerateConfig) -> tuple[int, float]:
    """Draw maps on Dask workers, and write them to files of a folder; return side and pixel."""
    with output_folder(config.out):
        use_backend(config.backend)
        from cosmogan_k3.emulator import Emulator

        emulator = Emulator.load(config.model)
        shards = generated_shards(config, emulator)
        with executor(config.workers, config.scheduler, quiet=config.quiet) as map_calls:
            shards.write(map_calls)
    return config.pixels or emulator.pixels, emulator.pixel_arcmin


def _write_file(config: GenerateConfig) -> tuple[int, float]:
    """Draw maps in this process, and write them to one file; return side and pixel size."""
    parameters = parse_parameters(config.parameters)
    use_backend(config.backend)
    from cosmogan_k3.emulator import Emulator

    stream = Emulator.load(config.model).sample_stream(
        config.maps,
        pixels=config.pixels or None,
        seed=config.seed,
        quiet=config.quiet,
        parameters=parameters,
    )
    write_maps(config.out, _observation(config, stream.pixels).of(stream))
    return stream.pixels, stream.pixel_arcmin


def generated_shards(config: GenerateConfig, emulator: "Emulator") -> Shards:
    """Return the folder of files that a command draws, with a copy of the model for the workers.

    The backend must be in use: workers use the same one.

    Parameters
    ----------
    config : GenerateConfig
        Options of the command.
    emulator : Emulator
        The model of these options.

    Returns
    -------
    Shards

    Raises
    ------
    InputError
        As ``Emulator.sample``, ``Observation.of``, ``Shards`` and
        ``Shards.claim``.
    """
    import keras

    from cosmogan_k3.gan.sampler import Sampler

    parameters = parse_parameters(config.parameters)
    gan = emulator.gan
    pixels = config.pixels or gan.pixels
    sampler, observation = Sampler(gan), _observation(config, pixels)
    # Raises InputError here, before any worker is started.
    observation.of(emulator.sample_stream(1, pixels=pixels, parameters=parameters))
    backend, digest = keras.backend.backend(), _digest(gan)
    options = {
        "pixels": pixels,
        "seed": config.seed,
        "batch_size": sampler.batch_size_for(config.maps, pixels),
        "parameters": parameters,
    }
    metadata = {
        "command": "generate",
        "model_sha256": digest,
        "backend": backend,
        "pixels": pixels,
        "seed": config.seed,
    }
    metadata |= {"parameters": parameters} if parameters else {}
    metadata |= observation.metadata
    model = Path(config.out).absolute() / MODEL
    draw = observation.of_draws(functools.partial(_draw, model, digest, backend, options))
    shards = Shards(Path(config.out), config.maps, config.shard_maps, metadata, draw)
    shards.claim(overwrite=bool(config.overwrite))
    with replacing(model) as partial:
        gan.save(partial)
    return shards


def _digest(gan: "GAN") -> str:
    """Return the SHA-256 of all that maps depend on: weights, scaling and conditioning."""
    digest = hashlib.sha256(repr(gan.scaling.get_config()).encode())
    if gan.conditioning:
        digest.update(repr(gan.conditioning.get_config()).encode())
    for weights in gan.averaged_generator.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()


def _observation(config: GenerateConfig, pixels: int) -> Observation:
    return Observation.of_command(config, pixels, "generated")


def _draw(
    model: Path, digest: str, backend: str, options: dict[str, Any], first: int, count: int
) -> MapStream:
    """Draw ``count`` maps from number ``first`` on; workers import this function."""
    return _worker_emulator(model, digest, backend).sample_stream(count, first=first, **options)


@functools.lru_cache(maxsize=1)
def _worker_emulator(model: Path, digest: str, backend: str) -> "Emulator":
    """Load the emulator of a worker, once; ``digest`` distinguishes models with the same path."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    if "keras" not in sys.modules:  # importing this package chose what is installed
        os.environ["KERAS_BACKEND"] = backend
    import keras

    if keras.backend.backend() != backend:
        raise InputError(
            f"A worker runs Keras on {keras.backend.backend()}, the command on {backend}; start "
            "the workers again, or let this command use their backend"
        )
    from cosmogan_k3.backend import disable_tensorflow_import
    from cosmogan_k3.emulator import Emulator

    disable_tensorflow_import()
    return Emulator.load(model)
