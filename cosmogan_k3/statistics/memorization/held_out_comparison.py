"""Whether generated maps are closer to the training maps than held-out maps are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from cosmogan_k3._typing import FloatArray, IntArray, Maps
from cosmogan_k3.statistics.memorization.nearest_neighbours import nearest_neighbours
from cosmogan_k3.statistics.two_sample.exchanges import draw_exchanges
from cosmogan_k3.statistics.two_sample.units import Units

# Quantile of the held-out distances below which a generated map counts as closer.
_QUANTILE = 0.01

_EXCHANGES = 999


@dataclass(frozen=True)
class Memorisation:
    """Distances of generated and held-out maps to their nearest training map, with a test.

    Parameters
    ----------
    generated_distance : float64 array (generated,)
        Distance of each generated map, as in ``nearest_neighbours``.
    heldout_distance : float64 array (heldout,)
        Distance of each held-out map.
    nearest : int64 array (generated,)
        Index of the nearest training map of each generated map.
    pvalue : float
        One-sided p-value; small where generated maps are closer than held-out ones.
    fraction_closer : float
        Fraction of generated maps below the first percentile of the held-out distances; about 0.01
        without memorization.

    Examples
    --------
    >>> training, heldout, new = np.random.default_rng(0).normal(size=(3, 20, 16, 16))
    >>> result = memorisation_test(new, training, heldout)
    >>> result.nearest.shape, result.pvalue > 0.05
    ((20,), True)
    """

    generated_distance: FloatArray
    heldout_distance: FloatArray
    nearest: IntArray
    pvalue: float
    fraction_closer: float


def memorisation_test(
    generated: Maps,
    training: Maps,
    heldout: Maps,
    *,
    shifts: bool = True,
    symmetries: bool = True,
    heldout_groups: ArrayLike | None = None,
    generated_groups: ArrayLike | None = None,
) -> Memorisation:
    """Test whether generated maps are closer to the training maps than held-out maps are.

    Under the null hypothesis generated and held-out maps have one distribution and are independent
    of the training maps. Their nearest distances then have one distribution too. The p-value is
    that of a one-sided Mann-Whitney test, which detects a general shift to smaller distances. If
    maps are not independent it follows from 999 exchanges of whole units, with the same sum of
    ranks.

    A few copies among many new maps hardly change the ranks. They appear in ``fraction_closer``.
    Its expectation is 1 %, or 1/(heldout + 1) if that is more, with a scatter as large.

    A generator with too little small-scale structure is closer to *all* maps. Read a small p-value
    together with the power spectrum.

    Parameters
    ----------
    generated, training : float array (n, N, N)
        Convergence maps, dimensionless.
    heldout : float array (n, N, N)
        Maps of the same kind as the training maps, from other fields.
    shifts, symmetries : bool, default True
        Search over periodic shifts and symmetries, as in ``nearest_neighbours``.
    heldout_groups, generated_groups : int array (n,), optional
        Unit of each map, such as the larger map that it was cut from; by default each map is a
        unit.

    Returns
    -------
    Memorisation
        The distances, the p-value and the fraction of closer maps.

    Raises
    ------
    ValueError
        If ``nearest_neighbours`` refuses the maps.

    Examples
    --------
    >>> import numpy as np
    >>> training, heldout, new = np.random.default_rng(0).normal(size=(3, 40, 16, 16))
    >>> result = memorisation_test(np.concatenate([training[:10], new[:10]]), training, heldout)
    >>> result.fraction_closer >= 0.5, result.pvalue < 0.01
    (True, True)

    References
    ----------
    Mann & Whitney 1947, Ann. Math. Statist. 18, 50.
    Meehan et al. 2020 (arXiv 2004.05675) for nearest distances against held-out data.
    """
    options = {"shifts": shifts, "symmetries": symmetries}
    generated_distance, nearest = nearest_neighbours(generated, training, **options)
    heldout_distance, _ = nearest_neighbours(heldout, training, **options)
    units = (
        Units(len(generated_distance), generated_groups),
        Units(len(heldout_distance), heldout_groups),
    )
    pvalue = _pvalue(generated_distance, heldout_distance, units)
    # A new draw falls below Weibull's estimate of a quantile with exactly that probability.
    limit = np.quantile(heldout_distance, _QUANTILE, method="weibull")
    closer = np.mean(generated_distance < limit)
    return Memorisation(generated_distance, heldout_distance, nearest, float(pvalue), float(closer))


def _pvalue(generated: FloatArray, heldout: FloatArray, units: tuple[Units, Units]) -> float:
    """One-sided p-value of the sum of ranks of the generated maps."""
    if all(of_set.are_rows for of_set in units):
        return float(stats.mannwhitneyu(generated, heldout, alternative="less").pvalue)
    rng = np.random.default_rng(0)
    exchanges = draw_exchanges(*units, permutations=_EXCHANGES, rng=rng)
    ranks = stats.rankdata(np.concatenate([generated, heldout])[exchanges.rows])
    sums = exchanges.memberships @ ranks
    return float(np.mean(sums <= sums[0]))
