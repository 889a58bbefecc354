"""The area under the curve of scores that tell generated from real maps, and its test."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.statistics.two_sample.exchanges import draw_exchanges
from cosmogan_k3.statistics.two_sample.results import Result
from cosmogan_k3.statistics.two_sample.units import Units

# Areas that differ by less than this are equal up to rounding.
_ROUNDING = 1e-12


def auc_test(
    real_scores: ArrayLike,
    generated_scores: ArrayLike,
    *,
    real_groups: ArrayLike | None = None,
    generated_groups: ArrayLike | None = None,
    permutations: int = 499,
    seed: int = 0,
) -> Result:
    """Test whether scores tell generated from real maps.

    The statistic is the area under the receiver operating characteristic: the probability that a
    generated map has a higher score than a real one. With the ranks r of all scores::

        AUC = (Σ_generated r − m (m + 1)/2) / (n m)

    It is 0.5 for scores that tell nothing, and 1 for scores that tell all. The scores have to come
    from a function that has seen none of these maps, such as a classifier trained on others. Then
    they can be exchanged between the sets::

        p = #{AUC* ≥ AUC} / #exchanges

    Whole units are exchanged (see ``draw_exchanges``); the true assignment is one of the exchanges.

    Parameters
    ----------
    real_scores : array_like of float (n,)
        Score of each real map, low if the map seems real.
    generated_scores : array_like of float (m,)
        Score of each generated map.
    real_groups, generated_groups : int array (n,) and (m,), optional
        Unit of each map, such as its simulation; by default each map is a unit.
    permutations : int, default 499
        Random exchanges.
    seed : int, default 0
        Seed of the exchanges.

    Returns
    -------
    Result
        ``distance`` is the AUC, ``null`` its values in the exchanges but the true one.

    Raises
    ------
    ValueError
        A set without scores, or scores that are not finite.

    Examples
    --------
    >>> result = auc_test([0.1, 0.2, 0.3, 0.4], [0.25, 0.35, 0.5, 0.6])
    >>> result.distance, round(result.pvalue, 3), result.null_median
    (0.8125, 0.1, 0.5)

    References
    ----------
    Mann & Whitney 1947, Ann. Math. Statist. 18, 50, for the statistic. Lopez-Paz & Oquab 2017
    (arXiv 1610.06545), section 3, for the test by a classifier.
    """
    sets = [np.asarray(scores, np.float64) for scores in (real_scores, generated_scores)]
    if any(scores.ndim != 1 or not scores.size for scores in sets):
        raise ValueError(
            f"Each set needs a score a map. Received: shapes {sets[0].shape} and {sets[1].shape}"
        )
    scores = np.concatenate(sets)
    if not np.isfinite(scores).all():
        raise ValueError("Scores must be finite. Received: NaN or infinity")
    exchanges = draw_exchanges(
        Units(len(sets[0]), real_groups),
        Units(len(sets[1]), generated_groups),
        permutations=permutations,
        rng=np.random.default_rng(seed),
    )
    areas = _areas(scores[exchanges.rows], exchanges.memberships)
    pvalue = float((areas >= areas[0] - _ROUNDING).mean())
    return Result(
        name="classifier",
        label="Classifier",
        axis_label="",
        axis=np.empty(0),
        real=np.empty(0),
        generated=np.empty(0),
        null_band=np.empty((2, 0)),
        distance=float(_areas(scores, np.arange(len(scores))[None] < len(sets[0]))[0]),
        unit="AUC of a network trained on other maps",
        null=areas[1:],
        pvalue=pvalue,
        corrected_pvalue=pvalue,
        smallest_pvalue=1 / len(areas),
    )


def _areas(scores: FloatArray, memberships: NDArray[np.bool_]) -> FloatArray:
    """AUC of each assignment, True where a score is that of a real map."""
    generated = ~memberships
    count = generated.sum(axis=1)
    ranks = generated @ rankdata(scores)
    return (ranks - count * (count + 1) / 2) / (count * (len(scores) - count))
