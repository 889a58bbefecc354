"""From a simulation's description to a set of maps."""

from dataclasses import replace

import numpy as np
from tqdm import tqdm

from cosmogan_k3.maps.mapset import BLOCK, MapSet, MapStream
from cosmogan_k3.simulation.design import design, parse_ranges
from cosmogan_k3.simulation.lognormal import lognormal_drawer, lognormal_shift
from cosmogan_k3.simulation.theory import Cosmology, convergence_power

_PARAMETERS = ("omega_m", "omega_b", "h", "sigma_8", "n_s", "source_redshift")


def simulate_maps(simulation, *, quiet=True):
    """Simulate the maps that a ``config.Simulation`` describes.

    Args:
        simulation: ``config.Simulation``.
        quiet: bool, no progress bar.

    Returns:
        ``MapSet`` with the cosmology of each map as its parameters.

    With ``simulation.vary`` its cosmologies take turns: map i has number i modulo ``simulation.cosmologies``, so that
    any few maps in a row cover the range.

    Raises:
        InputError: a cosmology, a redshift or a field that cannot be simulated, or a range that is none.

    Example:
        >>> from cosmogan_k3.config import Simulation
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


def simulate_stream(simulation, *, first=0, quiet=True):
    """The same as a ``MapStream``, for more maps than memory holds: they are drawn as ``data.write_maps`` writes them.

    Args:
        simulation: ``config.Simulation``.
        first: int, number of the first map: the stream holds those from ``first`` to ``first + simulation.maps − 1``.
        quiet: bool, no progress bar.

    Example:
        >>> from cosmogan_k3.config import Simulation
        >>> [len(block) for block in simulate_stream(Simulation(maps=300, pixels=16, field_deg=2.0)).blocks()]
        [256, 44]
    """
    varied = _varied(simulation)
    draws = [_drawer(replace(simulation, **each)) for each in varied]

    def blocks():
        with tqdm(
            total=simulation.maps, desc="simulating", unit="map", disable=quiet or None
        ) as bar:
            stop = first + simulation.maps
            for start in range(first, stop, BLOCK):
                block = np.stack(
                    [draws[i % len(draws)](i) for i in range(start, min(start + BLOCK, stop))]
                )
                yield block
                bar.update(len(block))

    turns = np.arange(first, first + simulation.maps) % len(varied)
    values = {
        name: np.array([each.get(name, getattr(simulation, name)) for each in varied])
        for name in _PARAMETERS
    }
    parameters = {name: value[turns] for name, value in values.items()}
    pixel_arcmin = simulation.field_deg * 60 / simulation.pixels
    return MapStream(simulation.maps, simulation.pixels, pixel_arcmin, blocks(), parameters)


def _varied(simulation):
    """What each cosmology of a simulation has of its own: nothing, where none of its parameters vary."""
    if not simulation.vary:
        return [{}]
    ranges = parse_ranges(simulation.vary, _PARAMETERS)
    points = design(ranges, simulation.cosmologies, simulation.seed)
    return [dict(zip(ranges, map(float, point), strict=True)) for point in points]


def _drawer(simulation):
    """The function from an index to a map of a simulation of one cosmology."""
    cosmology = Cosmology(
        simulation.omega_m, simulation.omega_b, simulation.h, simulation.sigma_8, simulation.n_s
    )
    return lognormal_drawer(
        simulation.maps,
        pixels=simulation.pixels,
        field_deg=simulation.field_deg,
        power=lambda ell: convergence_power(ell, cosmology, simulation.source_redshift),
        shift=simulation.shift or lognormal_shift(simulation.source_redshift),
        seed=simulation.seed,
    )
