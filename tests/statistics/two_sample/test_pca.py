"""The merit of projected maps, against known distributions and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.statistics import pca_merit, pca_projection


def test_the_projection_is_that_of_a_singular_value_decomposition(rng):
    real, generated = rng.normal(size=(30, 4, 4)) * np.arange(1, 5), rng.normal(size=(8, 4, 4)) + 1
    centred = real.reshape(30, -1) - real.reshape(30, -1).mean(axis=0)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    first, second, explained = pca_projection(real, generated, components=3)
    moved = generated.reshape(8, -1) - real.reshape(30, -1).mean(axis=0)
    sign = np.sign((first * (centred @ axes[:3].T)).sum(axis=0))
    np.testing.assert_allclose(first, sign * (centred @ axes[:3].T), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(second, sign * (moved @ axes[:3].T), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(explained, values[:3] ** 2 / (values**2).sum(), rtol=1e-6)


def test_one_component_is_scipys_energy_distance(rng):
    # scipy.stats.energy_distance is D in one dimension, with the same means over all pairs.
    real, generated = rng.normal(size=40), rng.exponential(size=30)
    a, b = (x / real.std() for x in (real, generated))
    gap = np.abs(np.subtract.outer(a, a)).sum() / (40 * 39)
    expected = stats.energy_distance(a, b) ** 2 / ((1 / 40 + 1 / 30) * gap)
    assert pca_merit(real[:, None], generated[:, None]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(30, 30), (60, 20)])
def test_clouds_of_the_same_kind_have_merit_one(rng, n, m):
    # 300 draws with a scatter of 0.5 to 0.7: the error is 0.04. Standardization by the real rows
    # adds a bias of order 1/n.
    values = [
        pca_merit(rng.normal(size=(n, 2)) * [3, 1], rng.normal(size=(m, 2)) * [3, 1])
        for _ in range(300)
    ]
    assert np.mean(values) == pytest.approx(1, abs=0.15)


def test_a_ring_with_the_right_mean_and_covariance_is_seen(rng):
    angle = rng.uniform(0, 2 * np.pi, size=500)
    ring = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert pca_merit(rng.normal(size=(500, 2)), ring) > 5


def test_a_worse_cloud_has_a_larger_merit(rng):
    real, generated = rng.normal(size=(2, 200, 2))
    merits = [pca_merit(real, generated + shift) for shift in (0, 0.5, 1, 2)]
    assert merits == sorted(merits)
    assert pca_merit(real, real) == 0.0
    assert pca_merit(real, 0.01 * generated) > 20, "a collapsed cloud"


def test_blocks_do_not_change_the_merit(rng):
    real, generated = rng.normal(size=(2, 1500, 2))
    order = rng.permutation(1500)
    assert pca_merit(real[order], generated) == pytest.approx(pca_merit(real, generated), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_signs_and_scales_of_components_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    real, generated = rng.normal(size=(2, 20, 2))
    scale = rng.uniform(0.01, 100, size=2) * rng.choice([-1, 1], size=2)
    assert pca_merit(real * scale, generated * scale) == pytest.approx(
        pca_merit(real, generated), rel=1e-6
    )


def test_errors_name_the_cause():
    maps = np.zeros((3, 4, 4))
    with pytest.raises(ValueError, match="16 and 9 pixels"):
        pca_projection(maps, maps[:, :3, :3])
    for components in (0, 4):
        with pytest.raises(ValueError, match=f"between 1 and 3, .* Received: {components}"):
            pca_projection(maps, maps, components=components)
    with pytest.raises(ValueError, match="must vary"):
        pca_merit(np.zeros((3, 2)), np.zeros((3, 2)))


def test_principal_components_are_the_eigenvectors_of_the_covariance(rng):
    scales = np.concatenate([[10.0, 5.0], np.full(34, 0.1)])
    basis = np.linalg.qr(rng.normal(size=(36, 36)))[0]
    real = (rng.normal(size=(500, 36)) * scales @ basis).reshape(500, 6, 6)
    a, b, explained = pca_projection(real, real[:10])
    values, vectors = np.linalg.eigh(np.cov(real.reshape(500, -1).T))
    np.testing.assert_allclose(explained, values[::-1][:2] / values.sum(), rtol=1e-6)
    centred = (real - real.mean(axis=0)).reshape(500, -1)
    np.testing.assert_allclose(
        np.abs(a), np.abs(centred @ vectors[:, ::-1][:, :2]), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(b, a[:10], atol=1e-9)
    with pytest.raises(ValueError, match="components must lie"):
        pca_projection(real[:3], real, components=4)
    with pytest.raises(ValueError, match="different sizes"):
        pca_projection(real, np.zeros((2, 5, 5)))
