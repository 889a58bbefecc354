"""Potential gradient descent: haloes as compact as a finer mesh would have made them."""

import numpy as np

from cosmogan_k3.simulation.compiled import compiled
from cosmogan_k3.simulation.nbody.mesh import (
    MeshModes,
    ParticleMesh,
    Particles,
    add_gradient,
    move,
)

# The band of the potential in radian per mesh cell, the strength, and the longest displacement in
# cells. Chosen so that P(k) of two boxes follows theory to k = 3 h/Mpc at a = 0.5, 0.7 and 1 (see
# docs/development/simulation.md).
_LOW, _HIGH = 0.3, 2.6
_STRENGTH = 0.05
_LONGEST = 0.3


def sharpened(positions: Particles, mesh: ParticleMesh, modes: MeshModes) -> Particles:
    """Return positions moved up the gradient of the band-passed potential.

        x → x + d/(1 + |d|/d_max),    d = α ∇φ

    The bound on the displacement is ours: without it particles in the largest haloes overshoot the
    centre.

    Parameters
    ----------
    positions : float32 array, shape (3, n)
        In mesh cells; they are not changed.
    mesh : ParticleMesh
    modes : complex64 array
        Of the overdensity at these positions.

    Returns
    -------
    float32 array, shape (3, n)

    References
    ----------
    Dai, Feng & Seljak 2018 (arXiv 1804.00671), eqs. 6 to 8.
    """
    displacement = np.zeros_like(positions)
    field = mesh.potential(modes, low=_LOW, high=_HIGH)
    add_gradient(field, positions, displacement, np.float32(_STRENGTH))
    _bound(displacement, np.float32(_LONGEST))
    moved = positions.copy()
    move(moved, displacement, np.float32(1), mesh.side)
    return moved


@compiled(fastmath=True)
def _bound(displacement: Particles, longest: np.float32) -> None:
    for p in range(displacement.shape[1]):
        x, y, z = displacement[0, p], displacement[1, p], displacement[2, p]
        factor = 1 / (1 + np.sqrt(x * x + y * y + z * z) / longest)
        displacement[0, p] *= factor
        displacement[1, p] *= factor
        displacement[2, p] *= factor
