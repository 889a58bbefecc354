"""Early stopping: the best epoch so far, and whether training may stop."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class StoppingAdvice:
    """The best epoch so far, and whether training may stop.

    Parameters
    ----------
    best_epoch : int
        Epoch with the smallest merit, counted from 1; the first of equal ones.
    stop : bool
        Whether enough epochs have passed since then.

    Examples
    --------
    >>> StoppingAdvice(best_epoch=2, stop=False).stop
    False
    """

    best_epoch: int
    stop: bool


def stopping_advice(merits: ArrayLike, *, patience: int = 5) -> StoppingAdvice:
    """Find the best epoch and decide whether to stop after epochs without improvement.

    Parameters
    ----------
    merits : array_like of float (epochs,)
        One merit per epoch, the smaller the better, such as ``pca_merit`` of validation maps. NaN
        for an epoch that was not evaluated.
    patience : int, default 5
        Epochs without improvement after which to stop.

    Returns
    -------
    StoppingAdvice
        The best epoch, and whether to stop.

    Raises
    ------
    ValueError
        If there are no merits, or the patience is below 1.

    Examples
    --------
    >>> stopping_advice([9.0, 2.0, 3.0, 2.5], patience=2)
    StoppingAdvice(best_epoch=2, stop=True)

    References
    ----------
    The paper, section 6, proposes to stop by the shape of the PCA distribution.
    Prechelt 1998, Early stopping - but when?, for the patience.
    """
    merits = np.asarray(merits, dtype=np.float64)
    if merits.ndim != 1 or np.isnan(merits).all() or patience < 1:
        raise ValueError(
            "Stopping needs one merit or more and a positive patience. "
            f"Received: {merits.tolist()}, {patience}"
        )
    best = int(np.nanargmin(merits))
    return StoppingAdvice(best + 1, len(merits) - 1 - best >= patience)
