"""Principal components of maps, and when to stop by them."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from cosmogan_k3.statistics.two_sample._rows import standardised

_BLOCK = 1024
"""Rows whose distances are held at a time."""


def pca_projection(real, generated, components=2):
    """Project real and generated maps on the leading principal components of the real ones.

        y = (κ − ⟨κ⟩_real) · e_k,    e_k the leading eigenvectors of the covariance of the real maps' pixels

    Args:
        real, generated: float arrays ``(n, N, N)``, κ.
        components: int, at most the smaller of the number of real maps and of pixels.

    Returns:
        ``(real_projection, generated_projection, explained)``: float64 ``(n, components)`` each, in units of κ, and
        the share of the real variance that each component explains.

    Raises:
        ValueError: more components than maps or pixels, or maps of different sizes.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).normal(size=(30, 8, 8))
        >>> a, b, explained = pca_projection(maps, maps)
        >>> a.shape, bool(np.allclose(a, b))
        ((30, 2), True)

    Source: the paper, section 5.3.
    """
    real, generated = (
        np.asarray(maps, dtype=np.float64).reshape(len(maps), -1) for maps in (real, generated)
    )
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            f"Maps of different sizes. Received: {real.shape[1]} and {generated.shape[1]} pixels"
        )
    if not 1 <= components <= min(real.shape):
        raise ValueError(
            f"components must lie between 1 and {min(real.shape)}, the smaller of maps and pixels. "
            f"Received: {components}"
        )
    model = PCA(components, svd_solver="randomized", random_state=0).fit(real)
    return model.transform(real), model.transform(generated), model.explained_variance_ratio_


def pca_merit(real_projection, generated_projection):
    """How far apart two clouds of projected maps are, in units of what chance puts between clouds of the same kind.

        merit = D² / (1/n + 1/m) ⟨|y − y′|⟩_real,    D² = 2⟨|y − x|⟩ − ⟨|y − y′|⟩ − ⟨|x − x′|⟩

    with y the real and x the generated projections, each component over its real standard deviation. The means within
    a set include each point with itself; the energy distance D² of two samples of one distribution is then expected
    at exactly the denominator (its mean over pairs of different points), so that 1, to order 1/n, is as good as real
    maps and no split into halves is needed. It sees the shape of a cloud, not only its mean and covariance. Where the
    distributions differ, the merit grows with the number of maps: compare epochs at equal numbers.

    Args:
        real_projection, generated_projection: float arrays ``(n, components)``, as ``pca_projection`` returns them.

    Returns:
        float, not negative.

    Raises:
        ValueError: fewer than two real maps, other numbers of components, or a component without spread.

    Example:
        >>> import numpy as np
        >>> real, same = np.random.default_rng(0).normal(size=(2, 400, 2))
        >>> pca_merit(real, same) < 3, pca_merit(real, same + 1) > 50
        (True, True)

    Source: Székely & Rizzo 2013, Energy statistics, eqs. 5 and 6; the paper, section 6, for judging epochs by PCA.
    """
    real, generated = standardised(real_projection, generated_projection)
    n, m = len(real), len(generated)
    within = _mean_distance(real, real)
    energy = 2 * _mean_distance(real, generated) - within - _mean_distance(generated, generated)
    return float(max(energy, 0.0) / ((1 / n + 1 / m) * within * n / (n - 1)))


def _mean_distance(a, b):
    return sum(cdist(a[start : start + _BLOCK], b).sum() for start in range(0, len(a), _BLOCK)) / (
        len(a) * len(b)
    )


@dataclass(frozen=True)
class StoppingAdvice:
    """The best epoch so far, counted from 1, and whether training may stop."""

    best_epoch: int
    stop: bool


def stopping_advice(merits, *, patience=5):
    """Which epoch was best, and whether enough have passed since then to stop.

    Args:
        merits: floats, one an epoch, the smaller the better, such as ``pca_merit`` of validation maps; NaN for an epoch
            that was not judged.
        patience: int, epochs without improvement after which to stop.

    Returns:
        ``StoppingAdvice``; of equal epochs the first is best.

    Raises:
        ValueError: no merits, or a patience below 1.

    Example:
        >>> stopping_advice([9.0, 2.0, 3.0, 2.5], patience=2)
        StoppingAdvice(best_epoch=2, stop=True)

    Source: the paper, section 6, proposes to stop by the shape of the PCA distribution; Prechelt 1998 for patience.
    """
    merits = np.asarray(merits, dtype=np.float64)
    if merits.ndim != 1 or np.isnan(merits).all() or patience < 1:
        raise ValueError(
            f"Needs one merit or more and a positive patience. Received: {merits.tolist()}, {patience}"
        )
    best = int(np.nanargmin(merits))
    return StoppingAdvice(best + 1, len(merits) - 1 - best >= patience)
