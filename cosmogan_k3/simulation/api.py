"""``cosmogan_k3.simulate``: maps of a cosmology in one line of Python."""

import warnings
from collections.abc import Mapping
from typing import Literal

from cosmogan_k3.config import Simulation
from cosmogan_k3.maps import MapSet
from cosmogan_k3.simulation.simulate import resolution_warning, simulate_maps


def simulate(
    maps: int = 1_000,
    *,
    method: Literal["lognormal", "halos", "nbody"] = "lognormal",
    pixels: int = Simulation.pixels,
    field_deg: float = Simulation.field_deg,
    source_redshift: float = Simulation.source_redshift,
    omega_m: float = Simulation.omega_m,
    omega_b: float = Simulation.omega_b,
    h: float = Simulation.h,
    sigma_8: float = Simulation.sigma_8,
    n_s: float = Simulation.n_s,
    shift: float = Simulation.shift,
    vary: Mapping[str, tuple[float, float]] | None = None,
    cosmologies: int = Simulation.cosmologies,
    box_maps: int = Simulation.box_maps,
    particles: int = Simulation.particles,
    seed: int = 0,
    quiet: bool = False,
) -> MapSet:
    """Simulate convergence maps of a flat ΛCDM cosmology.

    Parameters
    ----------
    maps : int, default 1000
        Number of maps.
    method : {"lognormal", "halos", "nbody"}
        Lognormal fields with the power spectrum of theory take milliseconds a map, NFW haloes on a
        lognormal density 0.04 s, and particle-mesh light cones half a minute a box of maps.
    pixels : int, default 64
        Side N of a map in pixels.
    field_deg : float or astropy.units.Quantity, default 5
        Side of a map in degrees.
    source_redshift : float, default 1
        Redshift of the source plane.
    omega_m, omega_b, h, sigma_8, n_s : float, default 0.3, 0.05, 0.7, 0.8, 0.96
        The cosmology.
    shift : float, default 0
        Minus the minimum convergence of lognormal maps; 0 for the fit of Hilbert et al.
    vary : mapping of str to (float, float), optional
        Ranges of parameters, such as ``{"omega_m": (0.2, 0.4)}``, to draw cosmologies from.
    cosmologies : int, default 32
        Number of cosmologies with ``vary``.
    box_maps : int, default 200
        Maps that "nbody" cuts from each box of particles. They share their ``map_id``.
    particles : int, default 128
        Particles on a side of a box of "nbody".
    seed : int, default 0
        Seed of all random draws.
    quiet : bool, default False
        Show no progress bar.

    Returns
    -------
    MapSet
        In memory. Its parameters are the cosmology of each map.

    Raises
    ------
    InputError
        A cosmology, redshift or field that cannot be simulated, an invalid range, or fewer maps or
        boxes than cosmologies.

    Warns
    -----
    UserWarning
        The pixels are finer than the particles resolve.

    Examples
    --------
    >>> maps = simulate(4, pixels=16, field_deg=2.0, vary={"sigma_8": (0.7, 0.9)}, cosmologies=2)
    >>> maps.kappa.shape, len(set(maps.parameters["sigma_8"]))
    ((4, 16, 16), 2)
    """
    ranges = ",".join(f"{name}={low}:{high}" for name, (low, high) in (vary or {}).items())
    simulation = Simulation(
        method=method,
        maps=maps,
        pixels=pixels,
        field_deg=field_deg,
        source_redshift=source_redshift,
        omega_m=omega_m,
        omega_b=omega_b,
        h=h,
        sigma_8=sigma_8,
        n_s=n_s,
        shift=shift,
        box_maps=box_maps,
        particles=particles,
        vary=ranges,
        cosmologies=cosmologies,
        seed=seed,
    )
    simulated = simulate_maps(simulation, quiet=quiet)
    if warning := resolution_warning(simulation):
        warnings.warn(warning, stacklevel=2)
    return simulated
