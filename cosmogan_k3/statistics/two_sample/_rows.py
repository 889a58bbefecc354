"""What the statistics of rows of features share."""

import numpy as np


def standardised(real_rows, generated_rows):
    """Both sets as float64 ``(n, features)``, less the real mean and over the real standard deviation.

    Example:
        >>> real, generated = standardised([[0.0], [2.0]], [[3.0]])
        >>> real.tolist(), generated.tolist()
        ([[-1.0], [1.0]], [[2.0]])
    """
    real, generated = (np.asarray(rows, dtype=np.float64) for rows in (real_rows, generated_rows))
    if (
        real.ndim != 2
        or generated.ndim != 2
        or real.shape[1] != generated.shape[1]
        or not real.size
    ):
        raise ValueError(
            f"Rows must be (n, features), as many features in both. Received: {real.shape}, {generated.shape}"
        )
    if len(real) < 2 or not len(generated):
        raise ValueError(
            f"Needs two real rows and a generated one. Received: {len(real)} and {len(generated)}"
        )
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        raise ValueError("Rows must be finite. Received: NaN or infinity")
    scale = real.std(axis=0)
    if not scale.all():
        raise ValueError(
            f"Features must vary over the real rows. Received: constant {np.flatnonzero(scale == 0).tolist()}"
        )
    mean = real.mean(axis=0)
    return (real - mean) / scale, (generated - mean) / scale


def correlations(rows):
    """Correlation matrix of the columns, in which a constant one correlates with none, not even itself."""
    centred = rows - rows.mean(axis=0)
    centred[:, np.ptp(rows, axis=0) == 0] = 0
    norm = np.sqrt((centred**2).sum(axis=0))
    centred /= np.where(norm > 0, norm, 1)
    return np.clip(centred.T @ centred, -1, 1)
