"""Background quantities against integrals and astropy."""

import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM
from scipy.integrate import quad

from cosmogan_k3.simulation.background import HUBBLE_DISTANCE, Background
from cosmogan_k3.simulation.cosmology import Cosmology

COSMOLOGY = Cosmology(omega_m=0.28)
BACKGROUND = Background(COSMOLOGY)


@pytest.mark.parametrize("redshift", [0.3, 1.0, 2.5])
def test_distances_are_those_of_astropy(redshift):
    model = FlatLambdaCDM(H0=70, Om0=0.28)
    expected = model.comoving_distance(redshift).value * 0.7
    # Radiation, which astropy leaves out here, is 1e-4 of the density.
    assert BACKGROUND.distance(redshift) == pytest.approx(expected, rel=1e-3)
    assert 1 / BACKGROUND.scale_factor(expected) - 1 == pytest.approx(redshift, rel=2e-3)


@pytest.mark.parametrize("a", [0.1, 0.4, 1.0])
def test_growth_is_the_integral_of_heath(a):
    """D ∝ E ∫ da/(aE)³ for matter and Λ."""

    def expansion(x):
        return np.sqrt(0.28 / x**3 + 0.72)

    def unnormalized(x):
        return expansion(x) * quad(lambda y: (y * expansion(y)) ** -3, 0, x)[0]

    assert BACKGROUND.growth(a) == pytest.approx(unnormalized(a) / unnormalized(1), rel=2e-3)
    step = 1e-3 * a
    inner = min(a, 1 - step)
    slope = (BACKGROUND.growth(inner + step) - BACKGROUND.growth(inner - step)) / (2 * step)
    expected = inner**3 * expansion(inner) * slope
    assert BACKGROUND.growth_momentum(inner) == pytest.approx(expected, rel=2e-3)


def test_lens_planes_add_up_to_the_lensing_kernel():
    planes = BACKGROUND.lens_planes(1.0, 11)
    source = float(BACKGROUND.distance(1.0))

    def kernel(distance):
        a = float(BACKGROUND.scale_factor(distance))
        return 1.5 * 0.28 / HUBBLE_DISTANCE**2 * distance * (1 - distance / source) / a

    assert planes.weight.sum() == pytest.approx(quad(kernel, 0, source)[0], rel=1e-8)
    assert planes.distance[0] == pytest.approx(source / 22)
    assert planes.thickness * len(planes) == pytest.approx(source)
