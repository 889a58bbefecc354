"""Convergence maps from a cosmology: theory spectra and lognormal fields."""

from cosmogan_k3.simulation.lognormal import lognormal_maps, lognormal_moments, lognormal_shift
from cosmogan_k3.simulation.simulate import simulate_maps, simulate_stream
from cosmogan_k3.simulation.theory import Cosmology, convergence_power

__all__ = [
    "Cosmology",
    "convergence_power",
    "lognormal_maps",
    "lognormal_moments",
    "lognormal_shift",
    "simulate_maps",
    "simulate_stream",
]
