"""Convergence maps from a cosmology: theory spectra and shifted-lognormal fields."""

from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.lognormal import lognormal_maps, lognormal_shift
from cosmogan_k3.simulation.simulate import simulate_maps, simulate_stream
from cosmogan_k3.simulation.theory import convergence_power
from cosmogan_k3.statistics.lognormal import lognormal_moments

__all__ = [
    "Cosmology",
    "convergence_power",
    "lognormal_maps",
    "lognormal_moments",
    "lognormal_shift",
    "simulate_maps",
    "simulate_stream",
]
