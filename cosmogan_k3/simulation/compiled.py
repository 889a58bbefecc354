"""Compilation of the loops of a simulation by Numba."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(*, fastmath: bool = False) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function at its first call.

    The machine code is kept for the next process where a folder can be written to: beside the
    module, in the cache folder of the user, or in ``NUMBA_CACHE_DIR``. Elsewhere each process
    compiles it.

    Parameters
    ----------
    fastmath : bool, default False
        Whether sums may be reordered.

    Returns
    -------
    callable

    Examples
    --------
    >>> @compiled()
    ... def twice(x):
    ...     return 2 * x
    >>> twice(3)
    6
    """

    def decorate(function: Function) -> Function:
        options = {"fastmath": fastmath, "nogil": True}
        try:
            return cast(Function, numba.njit(cache=True, **options)(function))
        except RuntimeError:  # a read-only installation, and no folder of the user
            return cast(Function, numba.njit(**options)(function))

    return decorate
