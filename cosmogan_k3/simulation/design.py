"""Cosmologies spread over a range of parameters."""

from scipy.stats import qmc

from cosmogan_k3.errors import InputError


def parse_ranges(text, known):
    """Read "omega_m=0.2:0.4,sigma_8=0.6:1.0".

    Args:
        text: str, ``name=low:high`` for each parameter, with commas between them.
        known: names that may vary.

    Returns:
        dict of names to ``(low, high)``, in the order of the text.

    Raises:
        InputError: anything else, a name that is not known or stands there twice, or a range that is none.

    Example:
        >>> parse_ranges("omega_m=0.2:0.4", ["omega_m"])
        {'omega_m': (0.2, 0.4)}
    """
    ranges = {}
    for part in text.split(","):
        name, _, bounds = (piece.strip() for piece in part.partition("="))
        try:
            low, high = (float(bound) for bound in bounds.split(":"))
        except ValueError:
            raise InputError(
                f"--vary: expected name=low:high with commas between, such as omega_m=0.2:0.4,sigma_8=0.6:1.0. "
                f"Received: {part!r}"
            ) from None
        if name not in known or name in ranges:
            raise InputError(
                f"--vary: expected each at most once of {', '.join(known)}. Received: {name!r}"
            )
        if not -float("inf") < low < high < float("inf"):
            raise InputError(
                f"--vary: the range of {name} must rise from low to high. Received: {bounds}"
            )
        ranges[name] = (low, high)
    return ranges


def design(ranges, count, seed):
    """Points of a scrambled Sobol sequence in a box: they fill it evenly however many there are.

    Args:
        ranges: dict of names to ``(low, high)``.
        count: int, number of points; powers of two are the most even.
        seed: int, of the scrambling.

    Returns:
        float64 ``(count, len(ranges))``, all of them inside the box.

    Example:
        >>> points = design({"omega_m": (0.2, 0.4), "sigma_8": (0.6, 1.0)}, 32, seed=0)
        >>> points.shape, [int(sum(points[:, 1] < x)) for x in (0.7, 0.8, 0.9)]
        ((32, 2), [8, 16, 24])

    Source: Sobol 1967; Owen's scrambling, as ``scipy.stats.qmc.Sobol``.
    """
    low, high = zip(*ranges.values(), strict=True)
    whole = (count - 1).bit_length()  # SciPy warns of any other number of points
    return qmc.scale(qmc.Sobol(len(ranges), rng=seed).random_base2(whole)[:count], low, high)
