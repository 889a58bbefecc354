"""Simulated maps on disk: in a folder that a command names, or in the cache of the user."""

import contextlib
import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from cosmogan_k3._version import __version__
from cosmogan_k3.cli.cache import CACHE, cache_folder
from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps
from cosmogan_k3.maps.io.lock import exclusive
from cosmogan_k3.maps.stream import MapStream
from cosmogan_k3.parallel.executor import executor
from cosmogan_k3.parallel.shards import Shards
from cosmogan_k3.simulation import maps_per_box, resolution_warning, simulate_stream

# Folder of the cache that holds simulated maps.
SIMULATED = "simulated"


def draw_maps(simulation: Simulation) -> Callable[[int, int], MapStream]:
    """Return a function of (first, count) that simulates these maps; workers can import it."""
    return functools.partial(_draw, simulation)


def _draw(simulation: Simulation, first: int, count: int) -> MapStream:
    return simulate_stream(simulation, part=range(first, first + count))


def warn_of_resolution(simulation: Simulation, *, quiet: bool) -> None:
    """Print a warning if the pixels are far finer than the particles of an N-body simulation."""
    if not quiet and (warning := resolution_warning(simulation)):
        _warn(warning)


def shard_size(simulation: Simulation, shard_maps: int) -> int:
    """Return the number of maps in a file: those of a box, so that what is missing is a box."""
    box_maps = maps_per_box(simulation)
    return box_maps if box_maps > 1 else shard_maps


def cached_maps(simulation: Simulation, *, quiet: bool = True) -> MapSet:
    """Simulate maps, or read those that an earlier command simulated with the same settings.

    A command that is interrupted leaves its complete boxes to the next one. Of several commands at
    once, one simulates and the others wait for it. Damaged files are simulated again.

    Parameters
    ----------
    simulation : Simulation
    quiet : bool, default True
        Show no progress bar.

    Returns
    -------
    MapSet
        In memory.

    Raises
    ------
    InputError
        As ``simulate_maps`` and ``Shards``.
    """
    simulate_stream(simulation)  # raises InputError before anything is written
    warn_of_resolution(simulation, quiet=quiet)
    with _cache_named():
        shards = _cached_shards(simulation)
        with contextlib.suppress(InputError):
            return _read(shards)
        with exclusive(shards.folder, folder=True, on_wait=_say_waiting):
            return _completed(shards, quiet)


@contextlib.contextmanager
def _cache_named() -> Iterator[None]:
    """Say in errors where the cache is, and what names another one: no option of a command."""
    try:
        yield
    except InputError as error:
        error.parameter = ""
        error.add_note(
            f"simulated maps are kept in {cache_folder(SIMULATED)}, which may be removed at any "
            f"time; the variable {CACHE} names another folder"
        )
        raise


# Maps in a file of the cache, if they are not those of a box.
_SHARD_MAPS = 500


def _cached_shards(simulation: Simulation) -> Shards:
    """Return the files of a simulation; other settings and other versions have other folders."""
    settings = {"command": "simulate", **asdict(simulation)}
    folder = cache_folder(SIMULATED) / _digest({"cosmogan_k3": __version__, **settings})
    size = shard_size(simulation, _SHARD_MAPS)
    return Shards(folder, simulation.maps, size, settings, draw_maps(simulation))


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _completed(shards: Shards, quiet: bool) -> MapSet:
    """Simulate what is missing or damaged, and read all maps."""
    for path in shards.repair():
        _warn(f"{path}: was damaged, and is simulated again")
    with executor(quiet=quiet) as map_calls:
        shards.write(map_calls, "simulating")
    return _read(shards)


def _read(shards: Shards) -> MapSet:
    found = read_maps(shards.folder)
    if len(found) != shards.maps:
        raise InputError(f"{shards.folder}: expected {shards.maps} maps. Received: {len(found)}")
    kappa = np.concatenate(list(found.blocks()))
    return MapSet(kappa, found.pixel_arcmin, found.map_id, found.parameters)


def _say_waiting() -> None:
    print("cosmogan: another command simulates these maps; waiting for it", file=sys.stderr)


def _warn(message: str) -> None:
    print(f"cosmogan: warning: {message}", file=sys.stderr)
