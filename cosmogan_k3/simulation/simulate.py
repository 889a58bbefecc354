"""Simulate the maps that a configuration describes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cosmogan_k3._options import check_bounds, problem
from cosmogan_k3._typing import Maps
from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.mapset import BLOCK, MapSet, MapStream
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.design import design, parse_ranges
from cosmogan_k3.simulation.lognormal import lognormal_sampler, lognormal_shift
from cosmogan_k3.simulation.theory import convergence_power
from cosmogan_k3.units import in_unit

_PARAMETERS = ("omega_m", "omega_b", "h", "sigma_8", "n_s", "source_redshift")
_ARCMIN_PER_DEG = 60


def simulate_maps(simulation: Simulation, *, quiet: bool = True) -> MapSet:
    """Simulate the maps of a configuration.

    If ``simulation.vary`` is set, map i has the cosmology i modulo ``simulation.cosmologies``.
    Consecutive maps then cover the range.

    Parameters
    ----------
    simulation : config.Simulation
    quiet : bool
        Show no progress bar. Default True.

    Returns
    -------
    MapSet
        Its parameters are the cosmology of each map.

    Raises
    ------
    InputError
        A cosmology, redshift or field that cannot be simulated, or an invalid range.

    Examples
    --------
    >>> maps = simulate_maps(Simulation(maps=2, pixels=16, field_deg=2.0))
    >>> maps.kappa.shape, float(maps.parameters["omega_m"][0])
    ((2, 16, 16), 0.3)
    """
    stream = simulate_stream(simulation, quiet=quiet)
    kappa = np.empty((len(stream), stream.pixels, stream.pixels), np.float32)
    done = 0
    for block in stream.blocks():
        kappa[done : done + len(block)] = block
        done += len(block)
    return MapSet(kappa, stream.pixel_arcmin, parameters=stream.parameters)


def simulate_stream(simulation: Simulation, *, first: int = 0, quiet: bool = True) -> MapStream:
    """Simulate the maps of a configuration while they are written, for sets larger than memory.

    Parameters
    ----------
    simulation : config.Simulation
    first : int
        Number of the first map: the stream holds ``first`` to ``first + simulation.maps − 1``.
        Default 0.
    quiet : bool
        Show no progress bar. Default True.

    Returns
    -------
    MapStream
        The same maps as ``simulate_maps``, drawn when ``write_maps`` needs them.

    Raises
    ------
    InputError
        As ``simulate_maps``, before any map is drawn.

    Examples
    --------
    >>> stream = simulate_stream(Simulation(maps=300, pixels=16, field_deg=2.0))
    >>> [len(block) for block in stream.blocks()]
    [256, 44]
    """
    simulation = replace(simulation, field_deg=in_unit(simulation.field_deg, "deg", "field_deg"))
    check_bounds(simulation)
    cosmologies = _cosmologies(simulation)
    samplers = [_sampler(cosmology) for cosmology in cosmologies]
    numbers = range(first, first + simulation.maps)
    cosmology_index = np.array(numbers) % len(cosmologies)
    parameters = {
        name: np.array([getattr(each, name) for each in cosmologies])[cosmology_index]
        for name in _PARAMETERS
    }
    pixel_arcmin = simulation.field_deg * _ARCMIN_PER_DEG / simulation.pixels
    drawn = _blocks(samplers, numbers, quiet)
    return MapStream(simulation.maps, simulation.pixels, pixel_arcmin, drawn, parameters)


def _blocks(
    samplers: Sequence[Callable[[int], NDArray[np.float32]]], numbers: range, quiet: bool
) -> Iterator[Maps]:
    """Draw maps by number; map i has the cosmology i modulo their number."""
    with tqdm(total=len(numbers), desc="simulating", unit="map", disable=quiet or None) as bar:
        for start in range(0, len(numbers), BLOCK):
            chosen = numbers[start : start + BLOCK]
            yield np.stack([samplers[i % len(samplers)](i) for i in chosen])
            bar.update(len(chosen))


def _cosmologies(simulation: Simulation) -> list[Simulation]:
    """Return one simulation for each point of the design, or the simulation itself."""
    if not simulation.vary:
        return [simulation]
    ranges = parse_ranges(simulation.vary, _PARAMETERS)
    for name, ends in ranges.items():
        _check_range(name, ends)
    points = design(ranges, simulation.cosmologies, simulation.seed)
    varied: list[dict[str, Any]] = [
        dict(zip(ranges, point.tolist(), strict=True)) for point in points
    ]
    return [replace(simulation, **values) for values in varied]


def _check_range(name: str, ends: tuple[float, float]) -> None:
    """Check the ends of a range against the bounds of its parameter."""
    (metadata,) = (each.metadata for each in fields(Simulation) if each.name == name)
    for end in ends:
        if reason := problem(end, metadata):
            raise InputError(f"{name} {reason}. Received: {end!r}", parameter="vary")


def _sampler(simulation: Simulation) -> Callable[[int], NDArray[np.float32]]:
    """Return the function from an index to a map of a simulation of one cosmology."""
    cosmology = Cosmology(
        simulation.omega_m, simulation.omega_b, simulation.h, simulation.sigma_8, simulation.n_s
    )
    return lognormal_sampler(
        simulation.pixels,
        simulation.field_deg,
        power=lambda ell: convergence_power(ell, cosmology, simulation.source_redshift),
        shift=simulation.shift or lognormal_shift(simulation.source_redshift),
        seed=simulation.seed,
    )
