"""Maps of a command: read from files or simulated, and checked for what is done with them."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from cosmogan_k3.config import MainConfig, Simulation, TrainConfig, TuneConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.files import map_files
from cosmogan_k3.maps.io.open import MapSource, open_maps

if TYPE_CHECKING:
    from cosmogan_k3.gan.presets import Preset
    from cosmogan_k3.maps import MapSet


def check_side(pixels: int) -> None:
    """Check, before maps are simulated, that the summary statistics can measure their side.

    Parameters
    ----------
    pixels : int
        Side of the maps.

    Raises
    ------
    InputError
        If the maps are too small.

    Examples
    --------
    >>> check_side(4)
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: maps of 4 x 4 pixels are too small for the statistics: ...
    """
    from cosmogan_k3.statistics import SummaryStatistics

    noise = np.random.default_rng(0).normal(size=(4, pixels, pixels)).astype(np.float32)
    try:
        SummaryStatistics(noise, pixel_arcmin=1.0).measure(noise)
    except ValueError as error:
        raise InputError(str(error)) from error


def check_data(config: TrainConfig | TuneConfig) -> None:
    """Open the first file of maps, before a backend is imported: a wrong path fails at once.

    Parameters
    ----------
    config : TrainConfig or TuneConfig

    Raises
    ------
    InputError
        No such file, or none of maps.

    Examples
    --------
    >>> check_data(TrainConfig(data="nowhere.npy"))
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: nowhere.npy: no such file
    """
    if config.data:
        first = map_files(config.data)[0]
        open_maps(MapSource.of(first, field=config.field, external=config.external))


def read_or_simulate(
    config: MainConfig | TuneConfig, preset: "Preset"
) -> tuple["MapSet", dict[str, object]]:
    """Read the maps in ``config.data``, or simulate maps if it is empty.

    Parameters
    ----------
    config : MainConfig or TuneConfig
        Options of the command.
    preset : Preset
        Its side in pixels is that of simulated maps, unless ``config.pixels`` gives one.

    Returns
    -------
    maps : MapSet
    provenance : dict
        Parameters of the simulation, to be logged; empty for maps from files.
    """
    if config.data:
        from cosmogan_k3.training.setup import load

        return load(config, preset), {}
    check_side(config.pixels or preset.pixels)
    simulation = Simulation(
        method=config.method,
        maps=config.maps,
        pixels=config.pixels or preset.pixels,
        field_deg=config.field_deg,
        source_redshift=config.source_redshift,
        box_maps=config.box_maps,
        particles=config.particles,
        seed=config.seed,
    )
    _check_boxes(simulation)
    provenance = {f"simulation.{key}": value for key, value in asdict(simulation).items()}
    return _simulated(simulation, config.quiet), provenance


def _check_boxes(simulation: Simulation) -> None:
    """Check that training and test can have a box each, before one is simulated."""
    from cosmogan_k3.simulation import maps_per_box

    if maps_per_box(simulation) > 1 and simulation.maps <= simulation.box_maps:
        raise InputError(
            "training and test need a box of maps each; ask for more maps, or fewer a box. "
            f"Received: {simulation.maps} maps, {simulation.box_maps} a box",
            parameter="maps, box_maps",
        )


def _simulated(simulation: Simulation, quiet: bool) -> "MapSet":
    """Return simulated maps, from the cache unless they take milliseconds."""
    from cosmogan_k3.cli.simulated import cached_maps
    from cosmogan_k3.simulation import simulate_maps
    from cosmogan_k3.training.distributed import broadcast_from_main, is_main_process

    quiet = quiet or not is_main_process()
    if simulation.method == "lognormal":
        return simulate_maps(simulation, quiet=quiet)
    maps = cached_maps(simulation, quiet=quiet) if is_main_process() else None
    broadcast_from_main(lambda: None)  # the other processes read what the main one has simulated
    return maps or cached_maps(simulation)
