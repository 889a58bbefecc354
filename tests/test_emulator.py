"""The emulator: maps whose scatter is not that of the training maps are reported once."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.gan import build_gan

pytestmark = pytest.mark.backend


@pytest.fixture
def emulator():
    return Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0))


def expect_scatter(emulator, factor):
    """Record a scatter of the training maps, as a multiple of that of the drawn ones."""
    scatter = factor * float(np.std(emulator._sampler.sample(4), dtype=np.float64))
    emulator.gan.provenance = replace(emulator.gan.provenance, kappa_std=scatter)


@pytest.mark.parametrize("factor", [60, 1 / 60])
def test_a_scatter_far_from_that_of_the_training_maps_is_reported_once(emulator, factor):
    expect_scatter(emulator, factor)
    with pytest.warns(UserWarning, match=r"standard deviation of .*trained on.*compare its maps"):
        emulator.sample(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        emulator.sample(4)


def test_maps_of_a_stream_are_compared_too(emulator):
    expect_scatter(emulator, 60)
    with pytest.warns(UserWarning, match="hardly trained or damaged"):
        list(emulator.sample_stream(4).blocks())


@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_a_scatter_near_that_of_the_training_maps_is_not_reported(emulator, factor):
    expect_scatter(emulator, factor)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        emulator.sample(4)
