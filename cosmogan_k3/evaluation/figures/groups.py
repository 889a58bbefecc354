"""What the features of a statistic are, for the axes of its figure and the columns of its table."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import FloatArray, IntArray
from cosmogan_k3.statistics import Result
from cosmogan_k3.statistics.summary import SMOOTHING_PIXELS, STARLET_BINS, STARLET_RANGE, middles

# Orders of the scattering coefficients are 1 and 2; angles between two wavelets of order 2.
_ANGLES = (0, 45, 90)

# Label of the vertical axis of each curve.
_QUANTITIES = {
    "pixels": "fraction of pixels below κ",
    "power_spectrum": "P(ℓ) [sr]",
    "peaks": "peaks per map and bin",
    "minima": "minima per map and bin",
    "minkowski_v0": "V₀(κ), area fraction",
    "minkowski_v1": "V₁(κ) [arcmin⁻¹]",
    "minkowski_v2": "V₂(κ) [arcmin⁻²]",
    "bispectrum_equilateral": "B(ℓ, ℓ, ℓ) [sr²]",
    "bispectrum_squeezed": "B(ℓ, ℓ, ℓ_min) [sr²]",
    "betti_0": "β₀(κ), components per map",
    "betti_1": "β₁(κ), holes per map",
}


@dataclass(frozen=True)
class Group:
    """Features of a statistic that share their axes.

    Parameters
    ----------
    label : str
        Of the vertical axis, with its unit.
    axis_label : str
        Of the horizontal axis, with its unit.
    rows : int array (m,)
        Which features.
    position : float array (m,)
        Their places on the horizontal axis.
    names : tuple of str, default ()
        Their names, where they have no place but an order.
    title : str, default ""
        What tells groups of one quantity apart.
    """

    label: str
    axis_label: str
    rows: IntArray
    position: FloatArray
    names: tuple[str, ...] = ()
    title: str = ""


def groups_of(result: Result, pixel_arcmin: float = 0.0) -> list[Group]:
    """Return the groups of the features of a statistic.

    A curve is one group. Moments have one group for each order, but none for the mean: it is zero
    by convention, and its sign is chance. The starlet ℓ₁-norm has one for each scale, and
    scattering coefficients have two orders.

    Parameters
    ----------
    result : Result
        Of a statistic that is a curve or a list of coefficients.
    pixel_arcmin : float, default 0
        Side of a pixel, for scales in arcmin; without it they are in pixels.

    Returns
    -------
    list of Group

    Examples
    --------
    >>> from cosmogan_k3.statistics import compare
    >>> maps = np.random.default_rng(0).lognormal(size=(2, 20, 32, 32)).astype("float32")
    >>> comparison = compare(*maps, pixel_arcmin=2.0, permutations=1, splits=5)
    >>> [group.label for group in groups_of(comparison["moments"])]
    ['variance [κ²]', 'skewness', 'excess kurtosis']
    >>> [group.title for group in groups_of(comparison["starlet"], 2.0)]
    ['4 arcmin', '8 arcmin', '16 arcmin']
    """
    unit, size = ("arcmin", pixel_arcmin) if pixel_arcmin else ("pixels", 1.0)
    if result.name == "moments":
        return _moments(unit, size)
    if result.name == "starlet":
        return _starlet(result.axis.size // STARLET_BINS, unit, size)
    if result.name == "scattering":
        return _scattering(result.axis.size, unit, size)
    label = _QUANTITIES.get(result.name, result.label)
    return [Group(label, result.axis_label, np.arange(result.axis.size), result.axis)]


def _moments(unit: str, size: float) -> list[Group]:
    scales = tuple(f"{pixels * size:.2g}" for pixels in SMOOTHING_PIXELS)
    place = np.arange(len(scales), dtype=float)
    orders = enumerate(("variance [κ²]", "skewness", "excess kurtosis"), 1)
    return [
        Group(name, f"smoothing θ [{unit}]", 4 * np.arange(len(scales)) + order, place, scales)
        for order, name in orders
    ]


def _starlet(scales: int, unit: str, size: float) -> list[Group]:
    place = middles(np.linspace(-STARLET_RANGE, STARLET_RANGE, STARLET_BINS + 1))
    rows = np.arange(scales * STARLET_BINS).reshape(scales, -1)
    return [
        Group("ℓ₁ norm [κ]", "w / σ(w)", rows[j - 1], place, title=f"{2**j * size:.2g} {unit}")
        for j in range(1, scales + 1)
    ]


def _scattering(features: int, unit: str, size: float) -> list[Group]:
    """Of J scales there are J coefficients of first order, and J (J − 1) / 2 pairs of scales."""
    scales = next(j for j in range(1, features + 1) if j + 3 * j * (j - 1) // 2 >= features)
    sizes = [f"{2**j * size:.2g}" for j in range(scales)]
    first = Group(
        "s₁ [κ]",
        f"scale [{unit}]",
        np.arange(scales),
        np.arange(scales, dtype=float),
        tuple(sizes),
    )
    pairs = [f"{a}, {b}" for i, a in enumerate(sizes) for b in sizes[i + 1 :]]
    names = tuple(f"{pair}; {angle}°" for pair in pairs for angle in _ANGLES)
    # The angles of a pair stand together.
    place = np.array([i + shift for i in range(len(pairs)) for shift in (-0.22, 0.0, 0.22)])
    second = Group(
        "s₂ / s₁ at 0, 45, 90°", f"two scales [{unit}]", np.arange(scales, features), place, names
    )
    return [first, second] if pairs else [first]
