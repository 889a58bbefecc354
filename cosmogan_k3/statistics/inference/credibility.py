"""Whether credible regions hold the truth as often as they claim."""

import numpy as np

from cosmogan_k3._typing import FloatArray

# Credibilities at which the coverage is compared.
_LEVELS = np.linspace(0.05, 0.95, 19)


def tarp_credibility(
    points: FloatArray, weights: FloatArray, truth: FloatArray, *, seed: int = 0
) -> FloatArray:
    """Credibility of the region that reaches from a random point to the true parameters.

    Each map gets a random reference θ_r from the prior. With the posterior as weights of points::

        f = Σ_k w_k [|θ_k − θ_r| < |θ − θ_r|]

    Distances are in standard deviations of the prior. If posteriors are right and the true θ are
    from the prior, f is uniform between 0 and 1.

    Parameters
    ----------
    points : float array, shape (k, n_parameters)
        θ_k, a sample of the prior.
    weights : float array, shape (n, k)
        w_k of each map; each row adds up to 1.
    truth : float array, shape (n, n_parameters)
        θ of each map.
    seed : int, default 0
        Seed of the reference points.

    Returns
    -------
    float64 array, shape (n,)

    Examples
    --------
    >>> points = np.arange(11.0)[:, None]
    >>> certain = np.eye(11)[[3]]  # all weight at 3
    >>> tarp_credibility(points, certain, np.array([[3.0]])).tolist()
    [0.0]

    References
    ----------
    Lemos et al. 2023 (arXiv 2302.03026), TARP: tests of accuracy with random points.
    """
    points, truth = (values / np.std(points, axis=0) for values in (points, truth))
    chosen = np.random.default_rng(seed).integers(len(points), size=len(truth))
    credibility = np.empty(len(truth))
    for i, reference in enumerate(points[chosen]):
        nearer = _distance(points, reference) < _distance(truth[i], reference)
        credibility[i] = weights[i] @ nearer
    return credibility


def coverage_error(credibility: FloatArray) -> float:
    """Largest difference between the expected coverage and its credibility.

    The coverage of the credibility α is the fraction of maps with f < α::

        max_α |⟨[f < α]⟩ − α|,    α = 0.05, 0.1 … 0.95

    Parameters
    ----------
    credibility : float array, shape (n,)
        f, as ``tarp_credibility`` returns it.

    Returns
    -------
    float
        0 if posteriors are right; n independent maps scatter by up to 1.4/√n.

    Examples
    --------
    >>> uniform, certain = np.linspace(0, 1, 1001), np.zeros(9)
    >>> [round(coverage_error(credibility), 2) for credibility in (uniform, certain)]
    [0.0, 0.95]
    """
    coverage = (credibility[:, None] < _LEVELS).mean(axis=0)
    return float(np.abs(coverage - _LEVELS).max())


def _distance(points: FloatArray, reference: FloatArray) -> FloatArray:
    return np.linalg.norm(points - reference, axis=-1)
