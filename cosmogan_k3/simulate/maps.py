"""From a simulation's description to a set of maps."""

import numpy as np
from tqdm import tqdm

from cosmogan_k3.data.mapset import MapSet
from cosmogan_k3.simulate.lognormal import lognormal_maps, lognormal_shift
from cosmogan_k3.simulate.theory import Cosmology, convergence_power


def simulate_maps(simulation, *, quiet=True):
    """Simulate the maps that a ``config.Simulation`` describes.

    Args:
        simulation: ``config.Simulation``.
        quiet: bool, no progress bar.

    Returns:
        ``MapSet`` with the cosmology as its parameters.

    Raises:
        InputError: a cosmology, a redshift or a field that cannot be simulated.

    Example:
        >>> from cosmogan_k3.config import Simulation
        >>> maps = simulate_maps(Simulation(maps=2, pixels=16, field_deg=2.0))
        >>> maps.kappa.shape, float(maps.parameters["omega_m"][0])
        ((2, 16, 16), 0.3)
    """
    cosmology = Cosmology(simulation.omega_m, simulation.omega_b, simulation.h, simulation.sigma_8, simulation.n_s)
    kappa = lognormal_maps(
        simulation.maps,
        pixels=simulation.pixels,
        field_deg=simulation.field_deg,
        power=lambda ell: convergence_power(ell, cosmology, simulation.source_redshift),
        shift=simulation.shift or lognormal_shift(simulation.source_redshift),
        seed=simulation.seed,
        progress=lambda items: tqdm(items, desc="simulating", unit="map", disable=quiet or None),
    )
    names = ("omega_m", "omega_b", "h", "sigma_8", "n_s", "source_redshift")
    parameters = {name: np.full(simulation.maps, getattr(simulation, name)) for name in names}
    return MapSet(kappa, simulation.field_deg * 60 / simulation.pixels, parameters=parameters)
