"""The posterior of maps against that of a linear Gaussian problem, which is known."""

import numpy as np
import pytest

from cosmogan_k3.statistics import MapPosterior, coverage_error, tarp_credibility

PRIOR = [(-1.0, 1.0), (0.0, 4.0)]
MIXING = np.array([[1.0, 0.3, 0.0, 0.5], [0.2, 0.4, 0.1, -0.3]])
NOISE = 0.5


def draw(n, seed, *, prior=PRIOR, noise=NOISE, shift=0.0):
    """θ from the prior, and four statistics that are linear in θ with Gaussian noise."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(*np.transpose(prior), size=(n, 2))
    return theta @ MIXING + shift + noise * rng.normal(size=(n, 4)), theta


def exact_weights(rows, points):
    distances = np.square(rows[:, None] - points @ MIXING).sum(axis=2)
    weights = np.exp(-distances / (2 * NOISE**2))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def posterior():
    # Training maps cover a wider range than the prior, as those of a generator do.
    rows, theta = draw(8_000, 1, prior=[(-1.5, 1.5), (-1.0, 5.0)])
    return MapPosterior.fit(rows, theta, prior=PRIOR)


def test_weights_are_those_of_the_known_likelihood(posterior):
    rows, _ = draw(200, 2)
    weights, exact = posterior.weights(rows), exact_weights(rows, posterior.points)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    found, expected = posterior.mean(weights), exact @ posterior.points
    # Coefficients have relative errors of 1/√8000 = 1 % of the noise; a tenth of the scatter of the
    # posterior would be a fault.
    scatter = np.sqrt(exact @ np.square(posterior.points) - expected**2).mean(axis=0)
    assert (np.abs(found - expected).max(axis=0) < 0.1 * scatter).all()


def test_estimates_are_not_shifted_and_cover_the_truth(posterior):
    n = 2_000
    rows, theta = draw(n, 3)
    weights = posterior.weights(rows)
    error = posterior.mean(weights) - theta
    # Four standard errors of a mean.
    assert (np.abs(error.mean(axis=0) / error.std(axis=0)) < 4 / np.sqrt(n)).all()
    # The largest difference of an empirical distribution: p = 0.01 at 1.63/√n.
    assert coverage_error(tarp_credibility(posterior.points, weights, theta)) < 1.63 / np.sqrt(n)


@pytest.mark.parametrize("change", [{"shift": 0.4}, {"noise": 2 * NOISE}], ids=["shift", "noise"])
def test_maps_unlike_the_training_maps_are_not_covered(posterior, change):
    rows, theta = draw(2_000, 3, **change)
    weights = posterior.weights(rows)
    # Twice the limit of the test above.
    assert coverage_error(tarp_credibility(posterior.points, weights, theta)) > 3.3 / np.sqrt(2_000)


def test_the_scatter_may_depend_on_the_parameters():
    rng = np.random.default_rng(0)
    theta = rng.uniform(size=(6_000, 1))
    rows = theta + np.exp(2 * theta - 3) * rng.normal(size=(6_000, 3))
    posterior = MapPosterior.fit(rows, theta, prior=[(0.0, 1.0)])
    weights = posterior.weights(rows)
    assert coverage_error(tarp_credibility(posterior.points, weights, theta)) < 1.63 / np.sqrt(6e3)


def test_compression_is_tested_on_units_that_it_has_not_seen():
    """Features that name the unit, as those of many maps of one simulation do."""
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(100), 20)
    theta = rng.uniform(size=(100, 1))[units]
    rows = np.hstack([theta + rng.normal(size=(2_000, 1)), np.eye(100)[units]])
    posteriors = [MapPosterior.fit(rows, theta, prior=[(0, 1)], groups=g) for g in (None, units)]
    new = np.hstack([theta + rng.normal(size=(2_000, 1)), np.zeros((2_000, 100))])
    certain, honest = (
        coverage_error(tarp_credibility(p.points, p.weights(new), theta)) for p in posteriors
    )
    assert honest < 0.1 < certain


def test_rows_need_parameters():
    rows, theta = draw(10, 0)
    for wrong in ({"parameters": theta[:5]}, {"parameters": theta, "prior": [(0, 1)]}):
        with pytest.raises(ValueError, match="a row of parameters for each map"):
            MapPosterior.fit(rows, **{"prior": PRIOR} | wrong)
