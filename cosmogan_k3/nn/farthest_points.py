"""Farthest-point sampling of a set of parameters."""

from typing import TypeVar

import numpy as np

from cosmogan_k3._typing import Conditions, FloatArray

_Points = TypeVar("_Points", Conditions, FloatArray)


def farthest_points(points: _Points, count: int) -> _Points:
    """Choose points that cover a set: each is the farthest from those chosen before.

    The first is the smallest point in lexicographic order. Repeated points count once.

    Parameters
    ----------
    points : array of float, shape (n, p)
        Parameters of the maps, standardized.
    count : int
        Largest number of points to choose.

    Returns
    -------
    array of float, shape (m, p)
        The chosen points; m is ``count``, or the number of distinct points if that is smaller.

    References
    ----------
    Gonzalez 1985 (Theor. Comput. Sci. 38, 293).

    Examples
    --------
    >>> farthest_points(np.array([[0.0], [1.0], [1.0], [4.0]]), 2).tolist()
    [[0.0], [4.0]]
    """
    distinct = np.unique(points, axis=0)
    chosen, distance = [0], np.full(len(distinct), np.inf)
    while len(chosen) < min(count, len(distinct)):
        distance = np.minimum(distance, np.square(distinct - distinct[chosen[-1]]).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return distinct[chosen]
