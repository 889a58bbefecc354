"""Evolution of a box against linear theory."""

import numpy as np
import pytest
from scipy import fft

from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.nbody.evolve import Box, evolve
from cosmogan_k3.simulation.nbody.initial import linear_modes
from cosmogan_k3.simulation.nbody.matter_power import matter_power
from cosmogan_k3.simulation.nbody.mesh import ParticleMesh
from cosmogan_k3.simulation.theory import linear_power

N, SIDE = 48, 200.0


def largest_modes(modes):
    """Modes up to twice the fundamental one, where displacements are smallest."""
    k = fft.fftfreq(len(modes), 1 / len(modes))
    length = np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + k[: modes.shape[2]] ** 2)
    return modes[(length > 0) & (length <= 2)]


def test_the_largest_modes_grow_as_linear_theory_says():
    """With a hundredth of the amplitude nothing else happens."""
    cosmology = Cosmology(sigma_8=0.008)
    background = Background(cosmology)
    outputs = (0.2, 0.5, 1.0)
    positions = evolve(Box(background, SIDE, N), outputs, np.random.default_rng(0))
    start = linear_modes(N, SIDE, linear_power(cosmology), np.random.default_rng(0)) / N**3
    for a, each in zip(outputs, positions, strict=True):
        modes = ParticleMesh(2 * N, 1 / 8).overdensity_modes(each)
        # Particles are at the middle of their cells: half a cell is one node of the mesh.
        frequencies = fft.fftfreq(2 * N)
        undo = np.exp(2j * np.pi * frequencies) / np.sinc(frequencies) ** 2
        modes *= undo[:, None, None] * undo[:, None] * undo[: N + 1]
        measured = largest_modes(modes)
        expected = largest_modes(start) * background.growth(a)
        growth = (measured * expected.conj()).sum().real / (np.abs(expected) ** 2).sum()
        assert growth == pytest.approx(1, abs=0.01)  # 0.3 % at 64³
        assert np.abs(measured - expected).max() < 0.03 * np.abs(expected).max()


def test_outputs_do_not_change_the_evolution():
    """Further outputs change the steps a little, not the sky."""
    box = Box(Background(Cosmology()), SIDE, N)
    *_, alone = evolve(box, (0.6,), np.random.default_rng(1), sharpen=False)
    alone = alone.copy()
    *_, among = evolve(box, (0.3, 0.45, 0.6), np.random.default_rng(1), sharpen=False)
    distance = np.abs(alone - among)
    distance = np.minimum(distance, box.mesh - distance)
    assert np.median(distance) < 0.05  # of a cell; the median displacement is 2 cells


@pytest.mark.slow
def test_the_matter_power_is_that_of_halofit():
    """At a resolution of 3 Mpc/h, where k < 0.4 h/Mpc is resolved: see benchmarks/nbody.py."""
    import pyccl

    from cosmogan_k3.simulation.theory import ccl_model

    background = Background(Cosmology())
    edges = np.array([0.08, 0.16, 0.3])
    ratios = []
    for seed in range(4):
        box = Box(background, SIDE, 64)
        (positions,) = evolve(box, (0.5,), np.random.default_rng(seed))
        k, power = matter_power(positions, box.mesh, SIDE, edges)
        model = ccl_model(background.cosmology)
        ratios.append(power / (pyccl.nonlin_matter_power(model, k * 0.7, 0.5) * 0.7**3))
    # 360 and 2,400 modes a box: 4 and 1.5 % of sampling scatter in the mean of four boxes.
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1, atol=0.12)
