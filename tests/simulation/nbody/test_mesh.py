"""The particle mesh against closed forms of plane waves, and conservation laws."""

import numpy as np
import pytest

from cosmogan_k3.simulation.nbody.mesh import ParticleMesh, add_gradient, deposit, move

SIDE = 32


@pytest.fixture
def positions():
    return np.random.default_rng(0).uniform(0, SIDE, (3, 5000)).astype(np.float32)


def test_a_deposit_conserves_mass_and_centre_of_mass(positions):
    mesh = np.zeros((SIDE,) * 3, np.float32)
    deposit(positions, mesh)
    assert mesh.sum() == pytest.approx(5000, rel=1e-6)  # float32 sums
    inner = np.array([[4.25], [5.5], [6.75]], np.float32)
    mesh[:] = 0
    deposit(inner, mesh)
    for axis, expected in enumerate((4.25, 5.5, 6.75)):
        others = tuple(other for other in range(3) if other != axis)
        assert mesh.sum(axis=others) @ np.arange(SIDE) == pytest.approx(expected)


def test_a_deposit_wraps_at_the_border():
    mesh = np.zeros((4,) * 3, np.float32)
    deposit(np.full((3, 1), 3.5, np.float32), mesh)
    assert mesh[3, 3, 3] == mesh[0, 0, 0] == mesh[3, 0, 3] == 0.125


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_force_of_a_plane_wave_is_the_closed_form(axis):
    """∇²φ = −cos kx, so ∇φ = −sin(kx)/k."""
    k = 2 * np.pi / SIDE
    mesh = ParticleMesh(SIDE, 1.0)
    coordinate = np.arange(SIDE)
    shape = [1, 1, 1]
    shape[axis] = SIDE
    wave = np.broadcast_to(np.cos(k * coordinate).reshape(shape), (SIDE,) * 3)
    modes = np.fft.rfftn(wave, norm="forward").astype(np.complex64)
    points = np.random.default_rng(1).uniform(0, SIDE, (3, 400)).astype(np.float32)
    force = np.zeros_like(points)
    add_gradient(mesh.potential(modes), points, force, np.float32(1))
    expected = -np.sin(k * points[axis]) / k
    # Linear interpolation between the nodes is exact to (k cell)²/8, half a per cent here.
    np.testing.assert_allclose(force[axis], expected, atol=0.006 / k)
    assert np.abs(np.delete(force, axis, axis=0)).max() < 1e-4


def test_forces_conserve_momentum(positions):
    mesh = ParticleMesh(SIDE, 5000 / SIDE**3)
    force = np.zeros_like(positions)
    field = mesh.potential(mesh.overdensity_modes(positions), reuse=True)
    add_gradient(field, positions, force, np.float32(1))
    # Rounding of float32: 1e-6 of the sum of the absolute forces.
    assert np.abs(force.sum(axis=1, dtype=float)).max() < 1e-5 * np.abs(force).sum() / 3


def test_particles_stay_in_the_box(positions):
    step = np.random.default_rng(2).normal(size=positions.shape).astype(np.float32) * 100
    moved = positions.copy()
    move(moved, step, np.float32(1), SIDE)
    assert (moved >= 0).all()
    assert (moved < SIDE).all()
    distance = (moved - positions - step) / SIDE
    np.testing.assert_allclose(distance, np.round(distance), atol=1e-5)
