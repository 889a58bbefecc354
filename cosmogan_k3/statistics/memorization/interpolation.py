"""Smoothness of a path of maps along an interpolation of the latents."""

import numpy as np

from cosmogan_k3._typing import Maps


def interpolation_smoothness(path: Maps) -> float:
    """Largest step of a path of maps over its mean step.

    ::

        max_i |κ_{i+1} − κ_i| / ⟨|κ_{i+1} − κ_i|⟩

    The result is 1 if all steps have the same length. It is the number of steps if the map changes
    in one step only.

    Parameters
    ----------
    path : float array (steps + 1, N, N)
        Convergence maps along an even interpolation of the latents.

    Returns
    -------
    float
        The ratio, between 1 and the number of steps.

    Raises
    ------
    ValueError
        If there are fewer than two maps, or all maps are the same.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.linspace(0, 1, 5)[:, None, None] * np.ones((4, 4))
    >>> interpolation_smoothness(line), interpolation_smoothness(np.round(line + 0.1))
    (1.0, 4.0)

    References
    ----------
    Karras et al. 2019 (arXiv 1812.04948), section 4.1, take a mean; the largest step is ours.
    """
    maps = np.asarray(path, dtype=np.float64)
    steps = np.linalg.norm(np.diff(maps.reshape(len(maps), -1), axis=0), axis=1)
    if not steps.any():
        raise ValueError(
            f"A path needs two different maps. Received: {len(maps)} maps, all the same"
        )
    return float(steps.max() / steps.mean())
