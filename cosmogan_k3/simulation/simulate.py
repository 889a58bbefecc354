"""Simulate the maps that a configuration describes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from tqdm import tqdm

from cosmogan_k3._options import checked, problem
from cosmogan_k3._typing import Maps
from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.mapset import BLOCK, MapSet
from cosmogan_k3.maps.stream import MapStream
from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.design import design, parse_ranges
from cosmogan_k3.simulation.lognormal import lognormal_sampler, lognormal_shift
from cosmogan_k3.simulation.theory import convergence_power
from cosmogan_k3.units import in_unit

if TYPE_CHECKING:
    from cosmogan_k3.simulation.nbody.light_cone import LightCone

_PARAMETERS = ("omega_m", "omega_b", "h", "sigma_8", "n_s", "source_redshift")
_ARCMIN_PER_DEG = 60

# Pixels may resolve so many times the multipoles that an N-body simulation does.
_FINEST = 2

# Redshift of sources up to which the grid of the particles does not show (docs/development).
_FARTHEST = 3.0


def simulate_maps(simulation: Simulation, *, quiet: bool = True) -> MapSet:
    """Simulate the maps of a configuration.

    If ``simulation.vary`` is set, box b has the cosmology b modulo ``simulation.cosmologies``.
    Consecutive boxes then cover the range. A lognormal map is a box of its own.

    Parameters
    ----------
    simulation : config.Simulation
    quiet : bool
        Show no progress bar. Default True.

    Returns
    -------
    MapSet
        Its parameters are the cosmology of each map, its ``map_id`` the number of the box.

    Raises
    ------
    InputError
        A cosmology, redshift or field that cannot be simulated, an invalid range, or fewer maps or
        boxes than cosmologies.

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
    return MapSet(kappa, stream.pixel_arcmin, stream.map_id, stream.parameters)


def simulate_stream(
    simulation: Simulation, *, part: range | None = None, quiet: bool = True
) -> MapStream:
    """Simulate the maps of a configuration while they are written, for sets larger than memory.

    Parameters
    ----------
    simulation : config.Simulation
        Of the whole set.
    part : range, optional
        Numbers of the maps in the stream, consecutive. By default all ``simulation.maps``. Only
        their cosmologies are prepared.
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
    simulation = checked(simulation)
    cosmologies = _cosmologies(simulation)
    numbers = range(simulation.maps) if part is None else part
    # Maps of one box are not independent: they share its number, and its cosmology.
    boxes = np.array(numbers) // maps_per_box(simulation)
    chosen = boxes % len(cosmologies)
    skies = {each: _METHODS[simulation.method](cosmologies[each]) for each in np.unique(chosen)}
    parameters = {
        name: np.array([getattr(each, name) for each in cosmologies])[chosen]
        for name in _PARAMETERS
    }
    drawn = _drawn(skies, len(cosmologies), numbers, maps_per_box(simulation))
    return MapStream(
        len(numbers),
        simulation.pixels,
        simulation.field_deg * _ARCMIN_PER_DEG / simulation.pixels,
        _with_progress_bar(_in_blocks(drawn), len(numbers), quiet),
        parameters,
        boxes - boxes[0],
    )


def maps_per_box(simulation: Simulation) -> int:
    """Return how many consecutive maps come from one simulated box; 1 if maps are independent.

    Parameters
    ----------
    simulation : config.Simulation

    Examples
    --------
    >>> maps_per_box(Simulation(method="lognormal")), maps_per_box(Simulation(method="nbody"))
    (1, 200)
    """
    return simulation.box_maps if simulation.method == "nbody" else 1


def resolution_warning(simulation: Simulation) -> str:
    """Return a sentence if maps show the particles, or their lack; empty if not.

    Pixels may be far finer than the particles. At early times particles are close to their grid.

    Parameters
    ----------
    simulation : config.Simulation
        Its own cosmology counts, not those of ``vary``.

    Examples
    --------
    >>> resolution_warning(Simulation(method="nbody"))
    ''
    >>> resolution_warning(Simulation(method="nbody", pixels=256))
    '128 particles a side resolve multipoles up to about 1400, pixels of 1.17 arcmin reach 9216...'
    """
    if simulation.method != "nbody":
        return ""
    if simulation.source_redshift > _FARTHEST:
        return (
            f"N-body maps have too much power for sources beyond redshift {_FARTHEST:g}: particles "
            "are still close to their grid, which the maps show; more particles help, and the "
            "method halos has no particles"
        )
    resolved = _light_cone(simulation).resolved_ell
    smallest = simulation.field_deg / simulation.pixels
    reached = 180 / smallest
    if reached <= _FINEST * resolved:
        return ""
    return (
        f"{simulation.particles} particles a side resolve multipoles up to about "
        f"{round(resolved, -2):.0f}, pixels of {_ARCMIN_PER_DEG * smallest:.3g} arcmin reach "
        f"{reached:.0f}; the maps are smooth in between unless there are more particles"
    )


class _Sky(Protocol):
    """Maps of one cosmology, by the number of their box and their numbers in it."""

    def __call__(self, box: int, numbers: range) -> Maps: ...


def _drawn(
    skies: Mapping[int, _Sky], cosmologies: int, numbers: range, per_box: int
) -> Iterator[Maps]:
    """Draw maps box by box; box b has the cosmology b modulo their number."""
    for box in range(numbers.start // per_box, -(-numbers.stop // per_box)):
        start, stop = (bound - box * per_box for bound in (numbers.start, numbers.stop))
        yield skies[box % cosmologies](box, range(max(start, 0), min(stop, per_box)))


def _in_blocks(drawn: Iterable[Maps]) -> Iterator[Maps]:
    """Join small sets of maps to blocks that are written at once."""
    waiting: list[Maps] = []
    for maps in drawn:
        waiting.append(maps)
        if sum(map(len, waiting)) >= BLOCK:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _with_progress_bar(blocks: Iterable[Maps], count: int, quiet: bool) -> Iterator[Maps]:
    with tqdm(total=count, desc="simulating", unit="map", disable=quiet or None) as bar:
        for block in blocks:
            bar.update(len(block))
            yield block


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
    cosmologies = [replace(simulation, **values) for values in varied]
    for each in cosmologies:
        _check_varied(each)
    _check_number(simulation)
    return cosmologies


def _check_number(simulation: Simulation) -> None:
    """Check that each cosmology has a map."""
    per_box, cosmologies = maps_per_box(simulation), simulation.cosmologies
    boxes = -(-simulation.maps // per_box)
    if boxes >= cosmologies:
        return
    unit, received = ("map", "") if per_box == 1 else (f"box of {per_box} maps", f", {boxes} boxes")
    raise InputError(
        f"each of {cosmologies} cosmologies needs a {unit}: ask for {cosmologies * per_box} maps, "
        f"or for fewer cosmologies. Received: {simulation.maps} maps{received}",
        parameter="maps, cosmologies",
    )


def _check_varied(simulation: Simulation) -> None:
    try:
        _cosmology(simulation)
    except InputError as error:
        raise InputError(f"the ranges hold other cosmologies. {error}", parameter="vary") from error


def _check_range(name: str, ends: tuple[float, float]) -> None:
    """Check the ends of a range against the bounds of its parameter."""
    (metadata,) = (each.metadata for each in fields(Simulation) if each.name == name)
    for end in ends:
        if reason := problem(end, metadata):
            raise InputError(f"{name} {reason}. Received: {end!r}", parameter="vary")


def _cosmology(simulation: Simulation) -> Cosmology:
    return Cosmology(
        simulation.omega_m, simulation.omega_b, simulation.h, simulation.sigma_8, simulation.n_s
    )


def _lognormal_sky(simulation: Simulation) -> _Sky:
    """Return the function that draws lognormal maps of a cosmology; each is its own box."""
    cosmology = _cosmology(simulation)
    draw = lognormal_sampler(
        simulation.pixels,
        simulation.field_deg,
        power=lambda ell: convergence_power(ell, cosmology, simulation.source_redshift),
        shift=simulation.shift or lognormal_shift(simulation.source_redshift),
        seed=simulation.seed,
    )
    return lambda box, numbers: draw(box)[None]


def _nbody_sky(simulation: Simulation) -> _Sky:
    """Return the function that evolves a box of a cosmology and cuts maps from it.

    Raises
    ------
    InputError
        A shift, which only lognormal maps have.
    """
    from cosmogan_k3.simulation.nbody.light_cone import nbody_maps  # compiles kernels

    _refuse_shift(simulation)
    cone = _light_cone(simulation)

    def draw(box: int, numbers: range) -> Maps:
        seed = np.random.SeedSequence(simulation.seed, spawn_key=(box,))
        return nbody_maps(cone, numbers, pixels=simulation.pixels, seed=seed)

    return draw


def _light_cone(simulation: Simulation) -> "LightCone":
    from cosmogan_k3.simulation.nbody.light_cone import light_cone  # compiles kernels

    return light_cone(
        Background(_cosmology(simulation)),
        simulation.source_redshift,
        simulation.field_deg,
        particles=simulation.particles,
    )


def _halo_sky(simulation: Simulation) -> _Sky:
    """Return the function that draws halo-model maps of a cosmology; each is its own box."""
    from cosmogan_k3.simulation.halos import halo_map, halo_model  # compiles a kernel

    _refuse_shift(simulation)
    model = halo_model(
        Background(_cosmology(simulation)),
        simulation.source_redshift,
        pixels=simulation.pixels,
        field_deg=simulation.field_deg,
    )

    def draw(box: int, numbers: range) -> Maps:
        seed = np.random.SeedSequence(simulation.seed, spawn_key=(box,))
        return halo_map(model, np.random.default_rng(seed))[None]

    return draw


def _refuse_shift(simulation: Simulation) -> None:
    if simulation.shift:
        raise InputError("only lognormal maps have a shift", parameter="shift")


_METHODS = {"lognormal": _lognormal_sky, "halos": _halo_sky, "nbody": _nbody_sky}
