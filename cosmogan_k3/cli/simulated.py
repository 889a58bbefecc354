"""Simulated maps on disk: in a folder that a command names, or in the cache of the user."""

import functools
import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from cosmogan_k3.config import Simulation
from cosmogan_k3.maps import MapSet, read_maps
from cosmogan_k3.maps.mapset import MapStream
from cosmogan_k3.parallel.executor import executor
from cosmogan_k3.parallel.shards import Shards
from cosmogan_k3.simulation import maps_per_box, resolution_warning, simulate_stream

# Variable of the environment that names another folder for the cache.
CACHE = "COSMOGAN_CACHE"


def draw_maps(simulation: Simulation) -> Callable[[int, int], MapStream]:
    """Return a function of (first, count) that simulates these maps; workers can import it."""
    return functools.partial(_draw, simulation)


def _draw(simulation: Simulation, first: int, count: int) -> MapStream:
    return simulate_stream(replace(simulation, maps=count), first=first)


def warn_of_resolution(simulation: Simulation) -> None:
    """Print a warning if the pixels are far finer than the particles of an N-body simulation."""
    if warning := resolution_warning(simulation):
        print(f"cosmogan: warning: {warning}", file=sys.stderr)


def shard_size(simulation: Simulation, shard_maps: int) -> int:
    """Return the number of maps in a file: those of a box, so that what is missing is a box."""
    box_maps = maps_per_box(simulation)
    return box_maps if box_maps > 1 else shard_maps


def cache_folder() -> Path:
    """Return the folder of the user in which simulated maps are kept for the next command."""
    return Path(os.environ.get(CACHE) or platformdirs.user_cache_dir("cosmogan_k3")) / "simulated"


def cached_maps(simulation: Simulation, *, quiet: bool = True) -> MapSet:
    """Simulate maps, or read those that an earlier command simulated with the same settings.

    A command that is interrupted leaves its complete boxes to the next one.

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
    settings = {"command": "simulate", **asdict(simulation)}
    folder = cache_folder() / _digest(settings)
    maps, draw = simulation.maps, draw_maps(simulation)
    shards = Shards(folder, maps, shard_size(simulation, _SHARD_MAPS), settings, draw)
    shards.claim()
    if not quiet:
        warn_of_resolution(simulation)
    with executor(quiet=quiet) as map_calls:
        shards.write(map_calls, "simulating")
    found = read_maps(folder)
    kappa = np.concatenate(list(found.blocks()))
    return MapSet(kappa, found.pixel_arcmin, found.map_id, found.parameters)


# Maps in a file of the cache, if they are not those of a box.
_SHARD_MAPS = 500


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
