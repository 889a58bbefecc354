"""Distances and linear growth of a flat ΛCDM cosmology, and its lens planes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.theory import ccl_model

HUBBLE_DISTANCE = 2997.92458  # c/H0 in Mpc/h

_SMALLEST_SCALE_FACTOR = 0.02
_TABLE_SIZE = 512
_GAUSS_NODES = 16  # for the integral of the lensing kernel over a slab


@dataclass(frozen=True)
class Background:
    """Distances and linear growth of a cosmology, from tables of pyccl.

    Distances are comoving, in Mpc/h. The growing mode D is 1 today. The unit of time is 1/H₀.

    Parameters
    ----------
    cosmology : Cosmology

    Examples
    --------
    >>> background = Background(Cosmology())
    >>> round(float(background.distance(1.0))), round(float(background.growth(0.5)), 2)
    (2312, 0.61)

    References
    ----------
    Bouchet et al. 1995 (astro-ph/9406013) for the growth of second order.
    """

    cosmology: Cosmology

    @cached_property
    def _tables(self) -> dict[str, Any]:
        """Splines in the scale factor, and the redshift at a distance."""
        import pyccl

        model = ccl_model(self.cosmology)
        a = np.linspace(_SMALLEST_SCALE_FACTOR, 1, _TABLE_SIZE)
        growth = pyccl.growth_factor(model, a)
        momentum = a**2 * pyccl.h_over_h0(model, a)  # times the logarithmic growth rate, times D
        omega = pyccl.omega_x(model, a, "matter")
        second = -3 / 7 * growth**2 * omega ** (-1 / 143)
        distance = pyccl.comoving_radial_distance(model, a) * self.cosmology.h
        return {
            "growth": CubicSpline(a, growth),
            "momentum": CubicSpline(a, momentum * pyccl.growth_rate(model, a) * growth),
            "second_growth": CubicSpline(a, second),
            "second_momentum": CubicSpline(a, momentum * 2 * omega ** (6 / 11) * second),
            "distance": CubicSpline(a, distance),
            "scale_factor": CubicSpline(distance[::-1], a[::-1]),
        }

    def distance(self, redshift: ArrayLike) -> FloatArray:
        """Return the comoving distance to a redshift in Mpc/h."""
        return self._tables["distance"](1 / (1 + np.asarray(redshift, float)))

    def scale_factor(self, distance: ArrayLike) -> FloatArray:
        """Return the scale factor at a comoving distance in Mpc/h."""
        return self._tables["scale_factor"](np.asarray(distance, float))

    def growth(self, scale_factor: ArrayLike) -> FloatArray:
        """Return the linear growing mode D, which is 1 today."""
        return self._tables["growth"](np.asarray(scale_factor, float))

    def growth_momentum(self, scale_factor: ArrayLike) -> FloatArray:
        """Return a² dD/dt = a³ E dD/da, the momentum of the growing mode in units of H₀."""
        return self._tables["momentum"](np.asarray(scale_factor, float))

    def second_growth(self, scale_factor: ArrayLike) -> FloatArray:
        """Return the growth of second order, D₂ ≈ −(3/7) D² Ω_m(a)^(−1/143)."""
        return self._tables["second_growth"](np.asarray(scale_factor, float))

    def second_growth_momentum(self, scale_factor: ArrayLike) -> FloatArray:
        """Return a² dD₂/dt in units of H₀, with d ln D₂/d ln a ≈ 2 Ω_m(a)^(6/11)."""
        return self._tables["second_momentum"](np.asarray(scale_factor, float))

    def lens_planes(self, source_redshift: float, count: int) -> "LensPlanes":
        """Divide the way to the sources into ``count`` slabs of equal comoving thickness.

        The weight of a slab's projected overdensity is the integral of the lensing kernel:

            w = (3/2) Ω_m (H₀/c)² ∫ dχ χ (1 − χ/χ_s) / a(χ)
        """
        source = float(self.distance(source_redshift))
        edges = np.linspace(0, source, count + 1)
        nodes, node_weights = np.polynomial.legendre.leggauss(_GAUSS_NODES)
        middles = (edges[1:] + edges[:-1]) / 2
        points = middles[:, None] + nodes * source / count / 2
        kernel = points * (1 - points / source) / self.scale_factor(points)
        integral = (kernel * node_weights).sum(axis=1) * source / count / 2
        weights = 1.5 * self.cosmology.omega_m / HUBBLE_DISTANCE**2 * integral
        return LensPlanes(middles, self.scale_factor(middles), weights, source / count)


@dataclass(frozen=True)
class LensPlanes:
    """Slabs of matter between the observer and the sources, each projected onto its middle.

    Parameters
    ----------
    distance : float64 array, shape (n_planes,)
        Comoving distance of the middle of each slab in Mpc/h, rising.
    scale_factor : float64 array, shape (n_planes,)
        At that distance.
    weight : float64 array, shape (n_planes,)
        κ is the sum of weight times projected overdensity (dimensionless).
    thickness : float
        Comoving thickness of a slab in Mpc/h.

    Examples
    --------
    >>> planes = Background(Cosmology()).lens_planes(1.0, 11)
    >>> len(planes), round(planes.thickness)
    (11, 210)
    """

    distance: FloatArray
    scale_factor: FloatArray
    weight: FloatArray
    thickness: float

    def __len__(self) -> int:
        return len(self.distance)
