"""Posterior of the parameters of single maps, learned from maps of known parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from scipy.stats import qmc
from sklearn.linear_model import GammaRegressor, LinearRegression, RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from cosmogan_k3._typing import FloatArray, Rows

# Penalties of the ridge regression; leave-one-out errors choose one.
_PENALTIES = np.geomspace(1e-2, 1e5, 15)

# Parts of the training maps; each is compressed by a regression on the others.
_FOLDS = 5

# Points that stand for the prior, a power of two, and maps whose weights are computed together.
_POINTS, _BLOCK = 2**12, 256

# Squared residuals below this fraction of their mean are raised to it: variances are positive.
_SMALLEST = 1e-9


@dataclass(frozen=True)
class _Conditional:
    """p(t_i | θ, t_1 … t_{i−1}): a Gaussian whose mean and log variance are quadratic in θ."""

    mean: LinearRegression
    variance: GammaRegressor
    unit: float

    @classmethod
    def fit(cls, terms: Rows, before: Rows, values: FloatArray) -> _Conditional:
        known = np.hstack([terms, before])
        mean = LinearRegression().fit(known, values)
        squares = np.square(values - mean.predict(known))
        unit = float(squares.mean())
        # The likelihood of squared residuals is that of a gamma distribution with a fixed shape.
        variance = GammaRegressor(alpha=0).fit(terms, np.maximum(squares / unit, _SMALLEST))
        return cls(mean, variance, unit)

    def log_density(self, terms: Rows, before: Rows, values: FloatArray) -> FloatArray:
        """Return ln p up to a constant, for each row of maps and each row of terms."""
        of_terms, of_before = np.split(self.mean.coef_, [terms.shape[1]])
        expected = self.mean.intercept_ + terms @ of_terms + (before @ of_before)[:, None]
        variance = self.unit * self.variance.predict(terms)
        return -0.5 * (np.square(values[:, None] - expected) / variance + np.log(variance))


@dataclass(frozen=True)
class MapPosterior:
    """Posterior of the parameters of a map, given its summary statistics and a uniform prior.

    Two steps learn it from maps of known parameters:

    1. A ridge regression compresses the statistics x to one number t_i for each parameter θ_i.
    2. The likelihood of t is a product of Gaussians. m_i and ln s_i² are quadratic in θ::

           p(t | θ) = Π_i N(t_i | m_i(θ) + Σ_{j<i} a_ij t_j, s_i²(θ))

    Estimates of the regression alone would be drawn towards the mean of its training maps. Points
    θ_k that fill the prior evenly carry the posterior as weights::

        w_k ∝ p(t | θ_k),    Σ_k w_k = 1

    Parameters
    ----------
    points : float64 array, shape (4096, n_parameters)
        θ_k.
    compression : sklearn Pipeline
        From x to t.
    conditionals : tuple
        The factors of the likelihood.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> theta = rng.uniform(0, 1, size=(500, 1))
    >>> rows = theta + 0.1 * rng.normal(size=(500, 3))
    >>> posterior = MapPosterior.fit(rows, theta, prior=[(0, 1)])
    >>> estimate = posterior.mean(posterior.weights(np.full((1, 3), 0.6)))
    >>> bool(abs(estimate[0, 0] - 0.6) < 0.05)
    True

    References
    ----------
    Alsing & Wandelt 2018 (arXiv 1712.00012) compress data to one number for each parameter.
    """

    points: FloatArray
    compression: Pipeline
    conditionals: tuple[_Conditional, ...]

    @classmethod
    def fit(
        cls,
        rows: Rows,
        parameters: FloatArray,
        *,
        prior: list[tuple[float, float]],
        groups: ArrayLike | None = None,
    ) -> MapPosterior:
        """Learn from maps of known parameters.

        Parameters
        ----------
        rows : float array, shape (n, features)
            Summary statistics, one row a map.
        parameters : float array, shape (n, n_parameters)
            θ of each map.
        prior : list of (float, float)
            Lowest and highest value of each parameter. The training maps may cover more.
        groups : int array, shape (n,), optional
            Unit of each map, such as its simulation. The likelihood is learned from maps of units
            that their compression has not seen; by default each map is a unit.

        Returns
        -------
        MapPosterior

        Raises
        ------
        ValueError
            If there is not one row of parameters for each map, or one range for each parameter.
        """
        rows, theta = np.asarray(rows, np.float64), np.asarray(parameters, np.float64)
        if theta.ndim != 2 or len(theta) != len(rows) or len(prior) != theta.shape[1]:
            raise ValueError(
                "Needs a row of parameters for each map, and a range for each parameter. "
                f"Received: {len(rows)} maps, parameters {theta.shape}, {len(prior)} ranges"
            )
        units = np.arange(len(rows)) if groups is None else np.asarray(groups)
        compression = make_pipeline(StandardScaler(), RidgeCV(_PENALTIES))
        folds = GroupKFold(_FOLDS)
        found = cross_val_predict(compression, rows, theta, groups=units, cv=folds)
        compressed = found.reshape(theta.shape)
        points = _points(prior)
        terms = _terms(theta, points)
        conditionals = tuple(
            _Conditional.fit(terms, compressed[:, :i], compressed[:, i])
            for i in range(theta.shape[1])
        )
        return cls(points, compression.fit(rows, theta), conditionals)

    def weights(self, rows: Rows) -> FloatArray:
        """Compute the posterior of maps.

        Parameters
        ----------
        rows : float array, shape (m, features)
            The same statistics.

        Returns
        -------
        float64 array, shape (m, 4096)
            w_k of each map.
        """
        compressed = self.compression.predict(rows).reshape(len(rows), -1)
        terms = _terms(self.points, self.points)
        blocks = [compressed[i : i + _BLOCK] for i in range(0, len(rows), _BLOCK)]
        return np.concatenate([self._of_compressed(block, terms) for block in blocks])

    def _of_compressed(self, compressed: Rows, terms: Rows) -> FloatArray:
        factors = [
            factor.log_density(terms, compressed[:, :i], compressed[:, i])
            for i, factor in enumerate(self.conditionals)
        ]
        return softmax(np.sum(factors, axis=0), axis=1)

    def mean(self, weights: FloatArray) -> FloatArray:
        """Return the posterior means, shape (m, n_parameters), of ``weights`` (m, 4096)."""
        return weights @ self.points


def _points(prior: list[tuple[float, float]]) -> FloatArray:
    low, high = zip(*prior, strict=True)
    return qmc.scale(qmc.Sobol(len(prior), rng=0).random(_POINTS), low, high)


def _terms(theta: FloatArray, points: FloatArray) -> Rows:
    """Return θ_i and θ_i θ_j, with θ in units of the prior's width from its middle."""
    standardized = (theta - points.mean(axis=0)) / points.std(axis=0)
    return PolynomialFeatures(2, include_bias=False).fit_transform(standardized)
