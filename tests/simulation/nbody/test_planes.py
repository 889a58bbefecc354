"""Projection and pixels against sums by hand."""

import numpy as np
import pytest

from cosmogan_k3.simulation.nbody.planes import add_pixels, projected_slabs, summed_area

PLANE = np.random.default_rng(0).normal(size=(24, 24)).astype(np.float32)


def pixels(corner, pixel, side, symmetry=0):
    out = np.zeros((side, side))
    add_pixels(summed_area(PLANE), np.array(corner, float), pixel, symmetry, 1.0, out)
    return out


def test_pixels_on_the_nodes_are_block_means():
    expected = PLANE.reshape(8, 3, 8, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(pixels((0, 0), 3.0, 8), expected, atol=1e-6)


def test_pixels_wrap_and_are_exact_at_any_offset():
    fine = np.kron(np.roll(PLANE, (-20, -7), axis=(0, 1)), np.ones((4, 4)))  # quarters of a cell
    # Corner (20.5, 7.25), pixel 1.25 cells: whole quarters.
    expected = fine[2:32, 1:31].reshape(6, 5, 6, 5).mean(axis=(1, 3))
    np.testing.assert_allclose(pixels((20.5, 7.25), 1.25, 6), expected, atol=1e-6)


def test_symmetries_are_those_of_the_square():
    plain = pixels((3, 5), 2.0, 6)
    for symmetry in range(8):
        expected = plain
        if symmetry & 1:
            expected = expected[::-1]
        if symmetry & 2:
            expected = expected[:, ::-1]
        if symmetry & 4:
            expected = expected.T
        np.testing.assert_array_equal(pixels((3, 5), 2.0, 6, symmetry), expected)
    assert len({pixels((3, 5), 2.0, 6, each).tobytes() for each in range(8)}) == 8


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slabs_share_the_particles_along_the_line_of_sight(axis):
    positions = np.full((3, 3), 4.0, np.float32)
    positions[axis] = 0.5, 4.5, 7.5  # one particle in the first half, two in the second
    planes = projected_slabs(positions, axis, slabs=2, mesh=8)
    mass = (planes + 1).sum(axis=(1, 2)) * 1.5 / 24**2
    np.testing.assert_allclose(mass, [1, 2], rtol=1e-5)
    assert np.unravel_index(planes[0].argmax(), (24, 24)) == (12, 12)
