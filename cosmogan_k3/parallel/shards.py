"""Sets of maps as folders of files, each of which any process can draw and write by itself."""

import functools
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from cosmogan_k3._version import __version__
from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.conditioning import parse_parameters
from cosmogan_k3.maps.io.writers import PARTIAL, check_output, replacing, write_maps

MANIFEST = "shards.json"
MODEL = "model.keras"

_ENDING = ".h5"
"""Of shards whose folder's name has none: HDF5 holds everything, and is read a map at a time."""

_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "NPROC": "1"}
"""TensorFlow and XLA start a thread for each core unless told otherwise; PyTorch hears Dask's OMP_NUM_THREADS."""


@dataclass(frozen=True)
class Shards:
    """A set of maps in a folder, ``shard_maps`` in a file.

    ``shards.json`` says which command the folder belongs to, and is written first; a file that bears its final name is
    whole. So a command that was interrupted can be given again: what is there is kept.

    Args:
        folder: path; its ending, if any, chooses the format of the files.
        maps: int, how many there are together.
        shard_maps: int, how many in a file; the last one may have fewer.
        facts: dict of plain values, all that the maps depend on.
        draw: function of ``(first, count)`` that returns a ``MapStream`` of these maps; it is sent to the workers.

    Raises:
        InputError: an unknown ending, a file of this name, a folder that cannot be written to, holds other files or
            belongs to another command.

    Example:
        >>> import tempfile
        >>> from cosmogan_k3.parallel.executor import thread_map
        >>> from cosmogan_k3.maps import read_maps
        >>> draw = functools.partial(_simulated, Simulation(pixels=16, field_deg=2.0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Shards(folder + "/maps", 5, 2, {"seed": 0}, draw).write(thread_map)
        ...     sorted(path.name for path in Path(folder, "maps").iterdir()), len(read_maps(folder + "/maps"))
        (['part-00000.h5', 'part-00001.h5', 'part-00002.h5', 'shards.json'], 5)
    """

    folder: Path
    maps: int
    shard_maps: int
    facts: dict
    draw: Callable

    def __post_init__(self):
        object.__setattr__(
            self, "folder", Path(self.folder).absolute()
        )  # a worker may stand elsewhere
        if self.folder.is_file():
            raise InputError(
                f"{self.folder}: is a file; with --workers or --scheduler maps go to a folder of files"
            )
        check_output(self.path(0))
        self._check_manifest()

    def path(self, index):
        """The file of a shard; names sort as numbers do."""
        width = max(5, len(str(self.maps // self.shard_maps)))
        return self.folder / f"part-{index:0{width}}{self.folder.suffix or _ENDING}"

    @property
    def manifest(self):
        return {
            "cosmogan_k3": __version__,
            **self.facts,
            "maps": self.maps,
            "shard_maps": self.shard_maps,
        }

    def _check_manifest(self):
        path = self.folder / MANIFEST
        if not path.exists():
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise InputError(f"{self.folder}: holds other files; name a new folder")
            return
        try:
            there = json.loads(path.read_text())
        except ValueError as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        here = json.loads(json.dumps(self.manifest))
        if there != here:
            differing = [name for name in {**here, **there} if there.get(name) != here.get(name)]
            raise InputError(
                f"{self.folder}: holds maps of another command, with another {', '.join(differing)}; name a new folder"
            )

    def claim(self):
        """Write the manifest, before anything else."""
        if (self.folder / MANIFEST).exists():
            return
        with replacing(self.folder / MANIFEST) as partial:
            partial.write_text(json.dumps(self.manifest, indent=2) + "\n")

    def write(self, run):
        """Have the missing files written by ``run``, a function that makes a list of calls (``cluster.calling``)."""
        self.claim()
        firsts = range(0, self.maps, self.shard_maps)
        calls = [
            functools.partial(
                _write_shard, path, self.draw, first, min(self.shard_maps, self.maps - first)
            )
            for path, first in zip(map(self.path, range(len(firsts))), firsts, strict=True)
            if not path.exists()
        ]
        run(calls, "drawing")
        for left in self.folder.glob(f"{PARTIAL}*"):  # by workers that were lost
            left.unlink(missing_ok=True)


def _write_shard(path, draw, first, count):
    write_maps(path, draw(first, count))


def simulated_shards(config):
    """The ``Shards`` of a ``config.SimulateConfig``.

    Raises:
        InputError: as ``simulate.simulate_maps`` and ``Shards``.
    """
    from cosmogan_k3.simulation import simulate_stream

    simulation = Simulation(
        **{field.name: getattr(config, field.name) for field in fields(Simulation)}
    )
    facts = {"command": "simulate", **asdict(simulation)}
    shards = Shards(
        config.out, config.maps, config.shard_maps, facts, functools.partial(_simulated, simulation)
    )
    simulate_stream(
        simulation
    )  # refuses a cosmology that cannot be simulated before any worker is started
    return shards


def _simulated(simulation, first, count):
    from cosmogan_k3.simulation import simulate_stream

    return simulate_stream(replace(simulation, maps=count), first=first)


def generated_shards(config):
    """The ``Shards`` of a ``config.GenerateConfig``, whose folder holds a copy of the model for the workers.

    Call it with the backend in use: the workers use the same one.

    Raises:
        InputError: as ``Emulator.load``, ``Emulator.sample`` and ``Shards``.
    """
    import keras

    from cosmogan_k3.emulator import Emulator

    parameters = parse_parameters(config.parameters)
    gan = Emulator.load(config.model).gan
    pixels = config.pixels or gan.pixels
    gan.sample_batches(1, pixels=pixels, parameters=parameters)  # refuses what it cannot draw
    backend, digest = keras.backend.backend(), _digest(gan)
    options = {
        "pixels": pixels,
        "seed": config.seed,
        "batch_size": gan.batch_size_for(config.maps, pixels),
    }
    options["parameters"] = parameters
    facts = {
        "command": "generate",
        "model_sha256": digest,
        "backend": backend,
        "pixels": pixels,
        "seed": config.seed,
    }
    facts |= {"parameters": parameters} if parameters else {}
    model = Path(config.out).absolute() / MODEL
    draw = functools.partial(_generated, model, digest, backend, options)
    shards = Shards(config.out, config.maps, config.shard_maps, facts, draw)
    shards.claim()
    with replacing(model) as partial:
        gan.save(partial)
    return shards


def _digest(gan):
    """SHA-256 of what maps depend on: the weights, and the scaling to κ."""
    digest = hashlib.sha256(repr(gan.scaling.get_config()).encode())
    if gan.conditioning:
        digest.update(repr(gan.conditioning.get_config()).encode())
    for weights in gan.averaged_generator.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()


def _generated(model, digest, backend, options, first, count):
    return _emulator(model, digest, backend).sample_stream(count, first=first, **options)


@functools.lru_cache(maxsize=1)
def _emulator(model, digest, backend):
    """The emulator of a worker, loaded once for all of its shards; ``digest`` tells a model from its predecessor."""
    for name, value in {**_ONE_THREAD, "KERAS_BACKEND": backend}.items():
        os.environ.setdefault(name, value)
    import keras

    if keras.backend.backend() != backend:
        raise InputError(
            f"A worker runs Keras on {keras.backend.backend()}, the command on {backend}; start the workers without "
            f"KERAS_BACKEND, or with KERAS_BACKEND={backend}"
        )
    from cosmogan_k3.backend import leave_out_tensorflow
    from cosmogan_k3.emulator import Emulator

    leave_out_tensorflow()
    return Emulator.load(model)
