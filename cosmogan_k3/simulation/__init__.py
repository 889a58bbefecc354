"""Convergence maps from a cosmology: theory spectra, N-body light cones and lognormal fields."""

from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.cut_maps import cut_map_power
from cosmogan_k3.simulation.lognormal import lognormal_maps, lognormal_shift
from cosmogan_k3.simulation.simulate import (
    maps_per_box,
    resolution_warning,
    simulate_maps,
    simulate_stream,
)
from cosmogan_k3.simulation.theory import convergence_power
from cosmogan_k3.statistics.lognormal import lognormal_moments

__all__ = [
    "Background",
    "Cosmology",
    "convergence_power",
    "cut_map_power",
    "lognormal_maps",
    "lognormal_moments",
    "lognormal_shift",
    "maps_per_box",
    "resolution_warning",
    "simulate_maps",
    "simulate_stream",
]
