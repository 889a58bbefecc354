"""Cosmologies spread over a range of parameters."""

from collections.abc import Mapping, Sequence

from scipy.stats import qmc

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.errors import InputError


def parse_ranges(text: str, known: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Parse ranges of parameters, such as "omega_m=0.2:0.4,sigma_8=0.6:1.0".

    Parameters
    ----------
    text : str
        ``name=low:high`` for each parameter, with commas between them.
    known : sequence of str
        Names of the parameters that can vary.

    Returns
    -------
    dict of str to (float, float)
        Name to lowest and highest value, in the order of the text.

    Raises
    ------
    InputError
        Any other text, a name that is unknown or appears twice, or a range that does not increase.

    Examples
    --------
    >>> parse_ranges("omega_m=0.2:0.4", ["omega_m"])
    {'omega_m': (0.2, 0.4)}
    """
    ranges: dict[str, tuple[float, float]] = {}
    for part in text.split(","):
        name, _, bounds = (piece.strip() for piece in part.partition("="))
        try:
            low, high = (float(bound) for bound in bounds.split(":"))
        except ValueError:
            raise InputError(
                "expected name=low:high with commas between, such as "
                f"omega_m=0.2:0.4,sigma_8=0.6:1.0. Received: {part!r}",
                parameter="vary",
            ) from None
        if name not in known or name in ranges:
            raise InputError(
                f"expected each at most once of {', '.join(known)}. Received: {name!r}",
                parameter="vary",
            )
        if not -float("inf") < low < high < float("inf"):
            raise InputError(
                f"the range of {name} must rise from low to high. Received: {bounds}",
                parameter="vary",
            )
        ranges[name] = (low, high)
    return ranges


def design(ranges: Mapping[str, tuple[float, float]], count: int, seed: int) -> FloatArray:
    """Draw points of a scrambled Sobol sequence, which fill a box evenly for any number of points.

    Parameters
    ----------
    ranges : mapping of str to (float, float)
        Name to lowest and highest value of each parameter.
    count : int
        Number of points; powers of two are the most even.
    seed : int
        Seed of the scrambling.

    Returns
    -------
    float64 array, shape (count, n_parameters)
        Points inside the box.

    Examples
    --------
    >>> points = design({"omega_m": (0.2, 0.4), "sigma_8": (0.6, 1.0)}, 32, seed=0)
    >>> points.shape, [int(sum(points[:, 1] < x)) for x in (0.7, 0.8, 0.9)]
    ((32, 2), [8, 16, 24])

    References
    ----------
    Sobol 1967, with Owen's scrambling, as in ``scipy.stats.qmc.Sobol``.
    """
    low, high = zip(*ranges.values(), strict=True)
    exponent = (count - 1).bit_length()  # SciPy warns unless the number is a power of two
    points = qmc.Sobol(len(ranges), rng=seed).random_base2(exponent)[:count]
    return qmc.scale(points, low, high)
