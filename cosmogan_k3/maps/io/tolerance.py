"""When two pixel sizes are the same."""

# Rounding in headers, and in what a user types, changes sizes by less.
_RELATIVE = 1e-3


def differ(one: float, other: float) -> bool:
    """Return whether two pixel sizes differ by more than rounding.

    Parameters
    ----------
    one, other : float
        In the same unit; positive.

    Returns
    -------
    bool

    Examples
    --------
    >>> differ(4.6875, 4.69), differ(4.6875, 4.7)
    (False, True)
    """
    return not abs(one - other) <= _RELATIVE * max(one, other)
