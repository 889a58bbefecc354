"""Evolution of a periodic box of particles by kicks and drifts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.nbody.initial import displacements, linear_modes, start
from cosmogan_k3.simulation.nbody.mesh import ParticleMesh, Particles, add_gradient, move
from cosmogan_k3.simulation.nbody.sharpening import sharpened
from cosmogan_k3.simulation.theory import linear_power

MESH_PER_PARTICLE = 2  # mesh nodes on a side for each particle on a side

# Scale factor of the start. From 0.1, the power at z = 1 and k = 1 h/Mpc is 8 % lower.
_START = 0.05

# The longest steps: in units of the scale factor, and in the scale factor itself before the first
# output and after it. Longer ones lower the kurtosis of projected haloes (docs/development).
_GROWTH = 0.3
_EARLY_STEP = 0.05
_LATE_STEP = 0.025


@dataclass(frozen=True)
class Box:
    """A periodic box of particles.

    Parameters
    ----------
    background : Background
    side : float
        Mpc/h.
    particles : int
        Particles on a side.
    """

    background: Background
    side: float
    particles: int

    @property
    def mesh(self) -> int:
        """Mesh nodes on a side."""
        return MESH_PER_PARTICLE * self.particles

    @property
    def cells(self) -> float:
        """Mesh cells in 1 Mpc/h."""
        return self.mesh / self.side


def evolve(
    box: Box, outputs: Sequence[float], rng: np.random.Generator, *, sharpen: bool = True
) -> Iterator[Particles]:
    """Evolve particles from Gaussian initial conditions, and yield their positions at each output.

    Kicks and drifts are exact for linear growth, with any number of steps:

        Δp = (G(a₂) − G(a₁))/D(a) ∇φ,    Δx = (D(a₂) − D(a₁))/G(a) p,    ∇²φ = −δ

    D is the growing mode and G = a³ E dD/da.

    Parameters
    ----------
    box : Box
    outputs : sequence of float
        Scale factors, rising, above 0.05.
    rng : numpy.random.Generator
        For the initial conditions.
    sharpen : bool
        Whether haloes are made as compact as a finer mesh would have made them.

    Yields
    ------
    float32 array, shape (3, n³)
        Positions in mesh cells, in [0, M). The array is valid until the next one is drawn.

    References
    ----------
    Feng et al. 2016 (arXiv 1603.00476, FastPM); Quinn et al. 1997 (astro-ph/9710043).
    """
    background = box.background
    positions, momenta = _initial_conditions(box, rng)
    mesh = ParticleMesh(box.mesh, MESH_PER_PARTICLE**-3)
    times = _schedule(outputs)
    middles = np.sqrt(times[1:] * times[:-1])
    left = list(outputs)
    for step, a in enumerate(times):
        modes = mesh.overdensity_modes(positions)
        if left and np.isclose(a, left[0]):
            yield sharpened(positions, mesh, modes) if sharpen else positions
            left.pop(0)
        if step == len(times) - 1:
            return
        before = middles[step - 1] if step else a
        kick = background.growth_momentum(middles[step]) - background.growth_momentum(before)
        field = mesh.potential(modes, reuse=True)
        add_gradient(field, positions, momenta, np.float32(kick / background.growth(a)))
        del field, modes
        drift = background.growth(times[step + 1]) - background.growth(a)
        factor = drift / background.growth_momentum(middles[step])
        move(positions, momenta, np.float32(factor), box.mesh)


def _initial_conditions(box: Box, rng: np.random.Generator) -> tuple[Particles, Particles]:
    """Return positions and momenta at the start, in mesh cells."""
    modes = linear_modes(box.particles, box.side, linear_power(box.background.cosmology), rng)
    fields = displacements(modes, box.side)
    displacement, momenta = start(fields, box.background, _START)
    axis = (np.arange(box.particles, dtype=np.float32) + 0.5) * MESH_PER_PARTICLE
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij")).reshape(3, -1)
    move(grid, displacement, np.float32(box.cells), box.mesh)
    return grid, momenta * np.float32(box.cells)


def _schedule(outputs: Sequence[float]) -> FloatArray:
    """Return the scale factors of the forces: from the start through all outputs."""
    times = [_START]
    for number, output in enumerate(outputs):
        longest = _LATE_STEP if number else _EARLY_STEP
        while times[-1] < output:
            step = min(longest, _GROWTH * times[-1])
            steps = max(1, round((output - times[-1]) / step))
            times.append(times[-1] + (output - times[-1]) / steps if steps > 1 else output)
    return np.array(times)
