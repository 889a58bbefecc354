"""Initial positions and momenta of particles, by Lagrangian perturbation theory of second order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.nbody.mesh import Particles

Grid = NDArray[np.float32]  # (n, n, n)
Modes = NDArray[np.complex64]  # (n, n, n // 2 + 1)


@dataclass(frozen=True)
class Displacements:
    """Displacement fields of first and second order: x = q + D ψ₁ + D₂ ψ₂.

    Parameters
    ----------
    first, second : float32 array, shape (3, n, n, n)
        ψ₁ and ψ₂, in the unit of the box.
    """

    first: NDArray[np.float32]
    second: NDArray[np.float32]


def linear_modes(
    particles: int,
    box: float,
    power: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
) -> Modes:
    """Draw the Fourier modes of a Gaussian linear overdensity today.

    Parameters
    ----------
    particles : int
        Particles on a side n of the box.
    box : float
        Side of the box in Mpc/h.
    power : callable
        From k in h/Mpc to the linear power spectrum in (Mpc/h)³.
    rng : numpy.random.Generator

    Returns
    -------
    complex64 array, shape (n, n, n // 2 + 1)
        With the backward norm.

    Examples
    --------
    >>> linear_modes(4, 100.0, np.ones_like, np.random.default_rng(0)).shape
    (4, 4, 3)
    """
    noise = fft.rfftn(rng.standard_normal((particles,) * 3, dtype=np.float32))
    x, y, z = _components(particles, box)
    wavenumber = np.sqrt(x**2 + y**2 + z**2)
    wavenumber[0, 0, 0] = wavenumber[0, 0, 1]  # the mean mode is zero in any case
    volume = (box / particles) ** 3
    noise *= np.sqrt(power(wavenumber) / volume).astype(np.float32)
    noise[0, 0, 0] = 0
    return noise


def displacements(modes: Modes, box: float) -> Displacements:
    """Compute the displacement fields of a linear overdensity δ.

        ψ₁ = −∇φ,    ∇²φ = δ
        ψ₂ = ∇φ₂,    ∇²φ₂ = Σ_{i<j} (φ,ii φ,jj − φ,ij²)

    Parameters
    ----------
    modes : complex64 array, shape (n, n, n // 2 + 1)
        Of ``linear_modes``.
    box : float
        Side of the box in Mpc/h.

    Returns
    -------
    Displacements
        In Mpc/h.

    Examples
    --------
    >>> modes = np.zeros((4, 4, 3), "complex64")
    >>> displacements(modes, 100.0).first.shape
    (3, 4, 4, 4)

    References
    ----------
    Bouchet et al. 1995 (astro-ph/9406013), eqs. 28 and 29; Scoccimarro 1998, appendix D.
    """
    components = _components(len(modes), box)
    x, y, z = components
    k_squared = x**2 + y**2 + z**2
    k_squared[0, 0, 0] = 1
    first = -modes / k_squared
    second = -fft.rfftn(_second_order_source(first, components)) / k_squared
    second[0, 0, 0] = 0
    return Displacements(-_gradient(first, components), _gradient(second, components))


def start(
    fields: Displacements, background: Background, scale_factor: float
) -> tuple[Particles, Particles]:
    """Return displacements and momenta of the particles at a scale factor.

    Parameters
    ----------
    fields : Displacements
    background : Background
    scale_factor : float

    Returns
    -------
    displacement : float32 array, shape (3, n³)
        From the place of each particle on its grid, in the unit of ``fields``.
    momentum : float32 array, shape (3, n³)
        p = a² dx/dt in that unit times H₀.
    """
    a = scale_factor
    displacement = background.growth(a) * fields.first + background.second_growth(a) * fields.second
    momentum = (
        background.growth_momentum(a) * fields.first
        + background.second_growth_momentum(a) * fields.second
    )
    shape = (3, -1)
    return (
        displacement.reshape(shape).astype(np.float32),
        momentum.reshape(shape).astype(np.float32),
    )


def _components(particles: int, box: float) -> list[Grid]:
    """Return the components of k in radian per unit length, shaped to be broadcast together."""
    spacing = box / particles
    whole = 2 * np.pi * np.fft.fftfreq(particles, spacing).astype(np.float32)
    half = 2 * np.pi * np.fft.rfftfreq(particles, spacing).astype(np.float32)
    return [whole[:, None, None], whole[None, :, None], half[None, None, :]]


def _second_order_source(potential: Modes, components: list[Grid]) -> Grid:
    """Return Σ_{i<j} (φ,ii φ,jj − φ,ij²)."""
    size = len(potential)

    def derivative(i: int, j: int) -> Grid:
        modes = -components[i] * components[j] * potential
        return fft.irfftn(modes, s=(size,) * 3, overwrite_x=True)

    xx, yy, zz = (derivative(i, i) for i in range(3))
    source = xx * yy + xx * zz + yy * zz
    for i, j in ((0, 1), (0, 2), (1, 2)):
        source -= derivative(i, j) ** 2
    return source


def _gradient(potential: Modes, components: list[Grid]) -> NDArray[np.float32]:
    """Return the gradient of a field, shape (3, n, n, n)."""
    size = len(potential)
    nyquist = max(float(components[2].max()), 0.0)
    gradient = np.empty((3, size, size, size), np.float32)
    for axis, component in enumerate(components):
        # The derivative of the Nyquist mode of a real field vanishes at the grid points.
        inside = np.where(np.abs(component) < nyquist, component, 0).astype(np.float32)
        gradient[axis] = fft.irfftn(1j * inside * potential, s=(size,) * 3, overwrite_x=True)
    return gradient
