"""Light cones: geometry, independence of the number of maps, and size of the signal."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.nbody.light_cone import light_cone, nbody_maps

BACKGROUND = Background(Cosmology())


@pytest.mark.parametrize("redshift", [0.2, 1.0, 2.5])
@pytest.mark.parametrize("field", [1.0, 5.0, 15.0])
def test_the_field_fits_into_the_box_and_the_planes_fill_the_way(redshift, field):
    cone = light_cone(BACKGROUND, redshift, field, particles=32)
    source = float(BACKGROUND.distance(redshift))
    assert cone.box.side >= max(200, np.deg2rad(field) * source) * (1 - 1e-9)
    assert len(cone.planes) * cone.planes.thickness == pytest.approx(source)
    assert cone.slabs * cone.planes.thickness == pytest.approx(cone.box.side)
    assert 8 <= len(cone.planes) <= 16


def test_a_wide_field_is_refused():
    with pytest.raises(InputError, match="at most 15 degrees"):
        light_cone(BACKGROUND, 1.0, 20.0, particles=32)


def test_a_map_depends_on_its_number_and_its_box_alone():
    cone = light_cone(BACKGROUND, 1.0, 5.0, particles=16)
    seed = np.random.SeedSequence(3)
    maps = nbody_maps(cone, range(6), pixels=16, seed=seed)
    np.testing.assert_array_equal(nbody_maps(cone, range(4, 6), pixels=16, seed=seed), maps[4:])
    other = nbody_maps(cone, range(1), pixels=16, seed=np.random.SeedSequence(4))
    assert not np.allclose(other, maps[:1], atol=1e-4)
    assert maps.dtype == np.float32
    assert len({each.tobytes() for each in maps}) == 6


def test_the_mean_convergence_is_zero_and_its_scatter_that_of_theory():
    """At 64³ particles, pixels of 19′ are resolved; the scatter of four boxes is a few per cent."""
    from cosmogan_k3.simulation.cut_maps import cut_map_power
    from cosmogan_k3.simulation.theory import convergence_power
    from cosmogan_k3.statistics.fourier import half_plane_weights

    cone = light_cone(BACKGROUND, 1.0, 5.0, particles=64)
    maps = np.concatenate(
        [nbody_maps(cone, range(60), pixels=16, seed=np.random.SeedSequence(i)) for i in range(2)]
    )
    assert abs(maps.mean()) < 4 * maps.mean(axis=(1, 2)).std() / np.sqrt(20)  # 120 dependent maps
    power = cut_map_power(
        lambda ell: convergence_power(ell, Cosmology(), 1.0), pixels=16, field_deg=5.0
    )
    expected = (power * half_plane_weights(16)).ravel()[1:].sum() / np.deg2rad(5.0) ** 2
    assert maps.var(axis=(1, 2)).mean() == pytest.approx(expected, rel=0.2)
