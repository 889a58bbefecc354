"""Fixtures of the tests of GANs."""

import pytest


@pytest.fixture
def maps(rng):
    """White Gaussian maps in network units."""
    return rng.normal(size=(32, 16, 16, 1)).astype("float32")
