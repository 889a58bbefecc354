"""Scaling between convergence and network units."""

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import Scaling


@pytest.mark.parametrize("kind", ["standard", "range", "rational"])
def test_scaling_is_inverted(rng, kind):
    kappa = rng.normal(0.002, 0.01, size=(700, 8, 8)).astype("float32")  # more than one block
    scaling = Scaling.fit(kind, kappa)
    x = scaling.to_network(kappa)
    np.testing.assert_allclose(scaling.to_kappa(x), kappa, atol=1e-8)
    if kind == "standard":
        assert x.std() == pytest.approx(1, rel=1e-5)
        assert x.mean() == pytest.approx(kappa.mean() / kappa.std(), rel=1e-4)
    elif kind == "rational":
        assert x.min() == -1
        mean = scaling.to_network(kappa.mean(dtype="float64"))
        assert mean == pytest.approx(0, abs=1e-6)
    else:
        assert (x.min(), x.max()) == (pytest.approx(-1, abs=1e-6), pytest.approx(1, abs=1e-6))


def test_rational_scaling_is_the_published_curve():
    counts = np.array([0.0, 1.0, 4.0, 12.0, 396.0])
    expected = 2 * counts / (counts + 4) - 1
    np.testing.assert_allclose(
        Scaling(0.0, 4.0, "rational").to_network(counts), expected, atol=1e-7
    )


# Rounding x to float32 changes it by at most 2⁻²⁵ below 1, and dκ/dx = 2a/(1 − x)² = a(1 + u)²/2;
# then κ is rounded.
@settings(max_examples=200, deadline=None)
@given(
    u=st.floats(0, 16_000),
    offset=st.floats(-0.1, 0),
    scale=st.floats(1e-3, 1),
)
def test_rational_scaling_comes_back(u, offset, scale):
    scaling = Scaling(offset, scale, "rational")
    kappa = np.float32(offset + u * scale)
    back = scaling.to_kappa(scaling.to_network(kappa))
    u = max((float(kappa) - offset) / scale, 0)
    assert (
        abs(float(back) - float(kappa))
        <= scale * (1 + u) ** 2 / 2 * 2.0**-24 + abs(kappa) * 2.0**-23 + 1e-9
    )


@settings(max_examples=200, deadline=None)
@given(x=st.floats(-1, 1 - 2.0**-13, width=32))
def test_rational_scaling_comes_back_from_network_units(x):
    scaling = Scaling(0.0, 0.02, "rational")
    assert scaling.to_network(scaling.to_kappa(np.float32(x))) == pytest.approx(x, abs=2e-7)


def test_rational_scaling_is_finite_and_monotonic_for_any_network_output():
    x = np.array([-np.inf, -2, -1, -0.5, 0, 0.9, 1 - 2.0**-24, 1, 2, np.inf], "float32")
    kappa = Scaling(-0.02, 0.02, "rational").to_kappa(x)
    assert np.isfinite(kappa).all()
    assert (np.diff(kappa) >= 0).all()
    assert kappa[2] == np.float32(-0.02)
    assert kappa[4] == pytest.approx(0, abs=1e-9)
    below = Scaling(-0.02, 0.02, "rational").to_network(np.array([-1.0, -0.04, -0.03]))
    assert below.tolist() == [-1, -1, -1], "κ below the offset is clipped"


def test_scalings_survive_their_configuration():
    for scaling in (Scaling(0.1, 2.0), Scaling(-0.02, 0.03, "rational")):
        assert Scaling(**scaling.get_config()) == scaling
    assert (
        Scaling(**{"offset": 0.1, "scale": 2.0}).kind == "affine"
    )  # a file from before there were two kinds
    with pytest.raises(InputError, match="expected affine or rational"):
        Scaling(kind="log")


def test_maps_without_a_scaling_are_refused():
    with pytest.raises(InputError, match="do not vary"):
        Scaling.fit("range", np.ones((2, 4, 4)))
    with pytest.raises(InputError, match="Unknown scaling"):
        Scaling.fit("log", np.ones((2, 4, 4)))


def test_maps_that_are_not_finite_or_not_numbers_are_refused():
    kappa = np.arange(8.0).reshape(2, 2, 2)
    for value in (np.nan, np.inf):
        with pytest.raises(InputError, match="NaN or infinite"):
            Scaling.fit("standard", np.where(kappa == 5, value, kappa))
    with pytest.raises(InputError, match=r"real numbers\. Received: dtype complex"):
        Scaling.fit("standard", kappa.astype(complex))
    with pytest.raises(InputError, match=r"no maps to scale. Received: shape \(0, 2, 2\)"):
        Scaling.fit("standard", kappa[:0])
    with pytest.raises(InputError, match="positive, finite scale"):
        Scaling(0.0, 0.0)


@pytest.mark.parametrize("kind", ["standard", "range", "rational"])
def test_a_scaling_of_blocks_equals_that_of_the_whole(rng, kind):
    """1,300 maps are two blocks and a half, each with minimum, maximum and mean of its own."""
    kappa = rng.normal(0.002, 0.01, size=(1300, 4, 4)) * np.linspace(1, 3, 1300)[:, None, None]
    low, high, mean = kappa.min(), kappa.max(), kappa.mean()
    offset, scale = {
        "standard": (0, kappa.std()),
        "range": ((low + high) / 2, (high - low) / 2),
        "rational": (low, mean - low),
    }[kind]
    scaling = Scaling.fit(kind, kappa)
    assert scaling.offset == pytest.approx(offset, rel=1e-12)
    assert scaling.scale == pytest.approx(scale, rel=1e-12)


def test_a_scaling_is_measured_in_little_memory(rng):
    """160 MB of maps in float64; a block of 512 has 4 MB, and two copies while it is squared."""
    some = rng.normal(size=(1, 32, 32)).astype("float32")
    tracemalloc.start()
    Scaling.fit("standard", np.broadcast_to(some, (20_000, 32, 32)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_the_former_name_of_rational_scaling_is_deprecated(rng):
    kappa = rng.normal(size=(5, 4, 4))
    with pytest.warns(DeprecationWarning, match="'rodriguez' is called 'rational'") as caught:
        assert Scaling.fit("rodriguez", kappa) == Scaling.fit("rational", kappa)
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="'rodriguez' is called 'rational'") as caught:
        assert Scaling(0.0, 4.0, "rodriguez") == Scaling(0.0, 4.0, "rational")
    assert caught[0].filename == __file__


def test_files_of_earlier_versions_are_read_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        former = Scaling.from_config({"offset": 0.0, "scale": 4.0, "kind": "rodriguez"})
        assert former == Scaling(0.0, 4.0, "rational")
        assert Scaling.from_config({"offset": 0.1, "scale": 2.0}) == Scaling(0.1, 2.0)


def test_large_maps_are_scaled_in_as_little_memory(rng):
    """400 MB of maps of 512² in float64; a block of 8 maps has 17 MB, and three copies of it."""
    some = rng.normal(size=(1, 512, 512)).astype("float32")
    tracemalloc.start()
    Scaling.fit("standard", np.broadcast_to(some, (200, 512, 512)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 70e6
