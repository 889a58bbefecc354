"""Whether maps can be maps of convergence: their pixels in four numbers a map, and warnings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import FloatArray, IntArray, Maps, Mask

# σ_κ from C(l): sources at z = 0.1 in pixels of 30 arcmin, and at z = 20 in pixels of 0.1 arcmin.
_EXPECTED_SCATTER = (0.0006, 0.11)
# Extreme cosmologies span 0.00006 to 0.29; shape noise in pixels of 0.1 arcmin adds 0.34.
_PLAUSIBLE_SCATTER = (5e-5, 0.5)
# The mean convergence of a set is far below its scatter; densities and magnifications are near 1.
_LARGEST_MEAN = 5.0
# Haloes reach κ of 1 or 2, up to 200 times the scatter in pixels of 0.1 arcmin.
_LARGEST_DEVIATION = 300.0
_NAMED = 3  # maps that a warning names
_AT_A_TIME = 2**20  # pixels that are converted to float64 together


@dataclass(frozen=True)
class PixelSummary:
    """Four numbers of the observed pixels of each map.

    Parameters
    ----------
    lowest, highest, mean, deviation : float64 array (n,)
        Smallest and largest pixel, mean and standard deviation.

    Examples
    --------
    >>> PixelSummary.of(np.array([[[0.0, 2.0]]])).deviation.tolist()
    [1.0]
    """

    lowest: FloatArray
    highest: FloatArray
    mean: FloatArray
    deviation: FloatArray

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Whether all observed pixels of a map are equal."""
        return self.lowest == self.highest

    def shared(self, others: "PixelSummary") -> int:
        """Return how many maps are among the others: those that agree in all four numbers.

        The numbers have 64 bits: two different maps do not agree in all of them by chance.

        Parameters
        ----------
        others : PixelSummary
            Of another set.

        Returns
        -------
        int

        Examples
        --------
        >>> maps = np.random.default_rng(0).normal(size=(5, 4, 4))
        >>> PixelSummary.of(maps[:3]).shared(PixelSummary.of(maps[1:]))
        2
        """
        known = set(others._rows())
        return sum(row in known for row in self._rows())

    def _rows(self) -> list[tuple[float, ...]]:
        numbers = np.stack([self.lowest, self.highest, self.mean, self.deviation], axis=1)
        return [tuple(row) for row in numbers.tolist()]

    @classmethod
    def of(cls, maps: Maps, mask: Mask | None = None) -> "PixelSummary":
        """Summarize maps in memory.

        Parameters
        ----------
        maps : float array (n, N, N)
            Convergence.
        mask : bool array (N, N), optional
            True where observed.

        Returns
        -------
        PixelSummary
        """
        step = max(1, _AT_A_TIME // maps[0].size)
        with np.errstate(all="ignore"):  # of pixels that are refused later
            return cls.join(
                [_summary(maps[start : start + step], mask) for start in range(0, len(maps), step)]
            )

    @classmethod
    def join(cls, parts: Sequence["PixelSummary"]) -> "PixelSummary":
        """Join the summaries of the parts of a set, in order."""
        names = ("lowest", "highest", "mean", "deviation")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _summary(maps: Maps, mask: Mask | None) -> PixelSummary:
    pixels = maps.reshape(len(maps), -1) if mask is None else maps[:, mask]
    # Row by row in memory: the sum of a map then has one rounding, whatever maps are beside it.
    pixels = np.ascontiguousarray(pixels, np.float64)
    return PixelSummary(
        pixels.min(axis=1), pixels.max(axis=1), pixels.mean(axis=1), pixels.std(axis=1)
    )


def sanity_warnings(summary: PixelSummary, name_of: Callable[[int], str]) -> tuple[str, ...]:
    """Say in which way maps do not look like maps of convergence.

    Maps whose scatter or mean is not that of convergence may be per cent, shear, counts or a
    density. Maps that are constant, or have pixels hundreds of standard deviations off, are often
    faults of the files. Nothing is refused: the maps may be right after all.

    Parameters
    ----------
    summary : PixelSummary
        Of the set.
    name_of : function
        Returns the name of the map with an index.

    Returns
    -------
    tuple of str
        One sentence for each finding; it names three maps at most.

    Examples
    --------
    >>> maps = 100 * np.random.default_rng(0).normal(0, 0.02, (4, 8, 8))
    >>> maps[1] = 0
    >>> for line in sanity_warnings(PixelSummary.of(maps), "map {}".format):
    ...     print(line)
    the scatter of the pixels is 2; convergence has between 0.0006 and 0.11 (...)
    1 of 4 maps is constant: map 1 (0 everywhere)
    """
    found = [_constant(summary, name_of)]
    varied = ~summary.constant
    if varied.any():
        centre = float(np.median(summary.mean[varied]))
        scatter = float(np.median(summary.deviation[varied]))
        found = [_scale(scatter), _offset(centre, scatter), *found]
        found.append(_outliers(summary, centre, scatter, name_of))
    return tuple(filter(None, found))


def _scale(scatter: float) -> str:
    if _PLAUSIBLE_SCATTER[0] <= scatter <= _PLAUSIBLE_SCATTER[1]:
        return ""
    lowest, highest = _EXPECTED_SCATTER
    return (
        f"the scatter of the pixels is {scatter:.2g}; convergence has between {lowest:g} and "
        f"{highest:g} (is it per cent, shear, counts or another field?)"
    )


def _offset(centre: float, scatter: float) -> str:
    if abs(centre) <= _LARGEST_MEAN * scatter:
        return ""
    return (
        f"the mean of the pixels is {centre:.3g}, {abs(centre) / scatter:.3g} times their scatter; "
        "that of convergence is near 0 (is it a density, a magnification or a count?)"
    )


def _constant(summary: PixelSummary, name_of: Callable[[int], str]) -> str:
    values = [f"{value:g} everywhere" for value in summary.lowest]
    where = np.flatnonzero(summary.constant)
    return _named(where, values, "is constant", "are constant", name_of)


def _outliers(
    summary: PixelSummary, centre: float, scatter: float, name_of: Callable[[int], str]
) -> str:
    above, below = summary.highest - centre, centre - summary.lowest
    distance = np.maximum(above, below) / scatter
    extreme = np.where(above > below, summary.highest, summary.lowest)
    values = [f"{x:.3g}, {d:.3g} sigma" for x, d in zip(extreme, distance, strict=True)]
    what = f"pixels more than {_LARGEST_DEVIATION:g} sigma from the mean"
    where = np.flatnonzero(distance > _LARGEST_DEVIATION)
    return _named(where, values, f"has {what}", f"have {what}", name_of)


def _named(
    indices: IntArray, values: list[str], one: str, many: str, name_of: Callable[[int], str]
) -> str:
    """How many maps a finding concerns, and the first of them with their values; "" if none."""
    if not len(indices):
        return ""
    names = [f"{name_of(int(i))} ({values[i]})" for i in indices[:_NAMED]]
    more = [f"and {len(indices) - _NAMED} more"] if len(indices) > _NAMED else []
    verb = one if len(indices) == 1 else many
    return f"{len(indices)} of {len(values)} maps {verb}: {', '.join(names + more)}"
