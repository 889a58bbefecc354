"""The measurement of two sets of maps: each map once, a block at a time."""

import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import FloatArray, IntArray, Maps, Rows
from cosmogan_k3.evaluation.bins import MeasurementBins
from cosmogan_k3.evaluation.part import Part
from cosmogan_k3.evaluation.scan import Scan
from cosmogan_k3.maps.mapset import BLOCK
from cosmogan_k3.statistics import (
    Features,
    SummaryStatistics,
    betti_features,
    integer_mode_edges,
    join_features,
    peak_counts,
    power_spectrum,
)
from cosmogan_k3.statistics.fourier import bin_modes
from cosmogan_k3.statistics.summary import middles
from cosmogan_k3.statistics.two_sample.pixel_counts import (
    PixelCounts,
    closed_edges,
    count_pixels,
    counts_below,
    group_members,
    histogram_rows,
    join_counts,
    sorted_pixels,
)
from cosmogan_k3.statistics.two_sample.units import Units

# A set is measured in at most so many calls, whose results are held together.
_MAX_CALLS = 64

# Maps, and pixels, that are measured together.
_BLOCK_MAPS = 64
_BLOCK_PIXELS = 2**21


@dataclass(frozen=True)
class Measurements:
    """Everything that is measured of a set of maps.

    Parameters
    ----------
    features : tuple of Features
        The statistics of the comparison.
    ell : float64 array (modes,)
        Multipole of each integer mode.
    power : float64 array (n, modes)
        P(ℓ) of each map in steradian.
    pixels : PixelCounts
        In the bins for real against generated maps.
    null_pixels : PixelCounts or None
        Of real maps in the bins for the nulls.
    fine_pixels, fine_peaks : int64 array (groups, 1024)
        Pixels and peaks in the fine bins, summed over the maps of each group.
    histogram : int64 array (n, 60)
        Pixels of each map in the bins of the figure.
    betti : tuple of Features
        Betti curves; empty if they are not measured.
    """

    features: tuple[Features, ...]
    ell: FloatArray
    power: Rows
    pixels: PixelCounts
    null_pixels: PixelCounts | None
    fine_pixels: IntArray
    fine_peaks: IntArray
    histogram: IntArray
    betti: tuple[Features, ...] = ()

    def rows(self, name: str) -> Rows:
        """Return the rows of a statistic of the comparison.

        Parameters
        ----------
        name : str
            Name of the statistic.

        Returns
        -------
        float64 array (n, features)
        """
        rows = next(f.rows for f in self.features if f.name == name)
        return np.asarray(rows, dtype=np.float64)


@dataclass(frozen=True)
class MeasuredPair:
    """Measurements of the real and the generated maps in the same bins.

    Parameters
    ----------
    real, generated : Measurements
        Of either set.
    null : Measurements
        Of the real maps, followed by other real maps if there are any.
    null_sets : list of two int64 arrays
        Indices of these maps: the disjoint sets between which the nulls are distances.
    bins : MeasurementBins
        Bins of all sets.
    units : two Units
        Independent units of the real and the generated maps.
    null_units : two Units
        Independent units of the sets of the nulls.
    start : Measurements, optional
        Of maps that the generator drew before its training.
    """

    real: Measurements
    generated: Measurements
    null: Measurements
    null_sets: list[IntArray]
    bins: MeasurementBins
    units: tuple[Units, Units]
    null_units: tuple[Units, Units]
    start: Measurements | None = None


def measuring_calls(
    scanned: Scan, bins: MeasurementBins, groups: IntArray | None = None
) -> "list[functools.partial[Measurements]]":
    """Return the calls that measure a set, which can be made anywhere and in any order.

    Parameters
    ----------
    scanned : Scan
        The set.
    bins : MeasurementBins
        Bins of all measurements.
    groups : int array (n,), optional
        The set of the nulls, 0 or 1, that each real map is in; None for generated maps.

    Returns
    -------
    list of functions without arguments
        Each returns the ``Measurements`` of consecutive maps, which are its first argument.

    Examples
    --------
    >>> from cosmogan_k3.evaluation.bins import choose_bins
    >>> from cosmogan_k3.evaluation.scan import scan
    >>> from cosmogan_k3.maps import MapSet
    >>> kappa = np.random.default_rng(0).normal(size=(4, 16, 16)).astype("float32")
    >>> scanned = scan(MapSet(kappa, 2.0), keep=np.arange(4))
    >>> nulls = [(scanned, np.arange(2)), (scanned, np.arange(2, 4))]
    >>> bins = choose_bins(scanned, scanned, nulls, pixel_arcmin=2.0)
    >>> measured = join_measurements(call() for call in measuring_calls(scanned, bins))
    >>> measured.power.shape, int(measured.fine_pixels.sum())
    ((4, 8), 1024)
    """
    size = max(BLOCK, -(-len(scanned) // _MAX_CALLS))
    starts = range(0, len(scanned), size)
    return [
        functools.partial(
            measure_part, part, bins, None if groups is None else groups[start : start + size]
        )
        for start, part in zip(starts, scanned.parts(size), strict=True)
    ]


def measure_part(part: Part, bins: MeasurementBins, groups: IntArray | None = None) -> Measurements:
    """Measure consecutive maps, a block at a time.

    Parameters
    ----------
    part : Part
        The maps.
    bins : MeasurementBins
        Bins of all measurements.
    groups : int array (n,), optional
        As in ``measuring_calls``.

    Returns
    -------
    Measurements

    Raises
    ------
    ValueError
        NaN where observed.

    Examples
    --------
    >>> from cosmogan_k3.evaluation.bins import choose_bins
    >>> from cosmogan_k3.evaluation.scan import scan
    >>> from cosmogan_k3.maps import MapSet
    >>> kappa = np.random.default_rng(0).normal(size=(4, 16, 16)).astype("float32")
    >>> scanned = scan(MapSet(kappa, 2.0), keep=np.arange(4))
    >>> nulls = [(scanned, np.arange(2)), (scanned, np.arange(2, 4))]
    >>> bins = choose_bins(scanned, scanned, nulls, pixel_arcmin=2.0)
    >>> measure_part(scanned.parts(3)[1], bins).histogram.shape
    (1, 60)
    """
    size = max(1, min(_BLOCK_MAPS, _BLOCK_PIXELS // bins.statistics.pixels**2))
    starts = itertools.count(0, size)
    return join_measurements(
        _measure_block(block, bins, None if groups is None else groups[start : start + len(block)])
        for start, block in zip(starts, part.blocks(size), strict=False)
    )


def _measure_block(maps: Maps, bins: MeasurementBins, groups: IntArray | None) -> Measurements:
    statistics = bins.statistics
    mask = statistics.mask
    pixels = sorted_pixels(maps, mask)
    ell, power = power_spectrum(maps, pixel_arcmin=statistics.pixel_arcmin, mask=mask)
    peaks, fine_peaks = _peaks(maps, bins)
    measured = {
        "pixels": (statistics.levels, counts_below(pixels, statistics.levels) / pixels.shape[1]),
        "power_spectrum": _coarse_power(power, statistics),
        "peaks": (middles(statistics.peak_edges), peaks),
    }
    members = group_members(len(maps), groups)
    fine_pixels = histogram_rows(pixels, bins.fine)
    return Measurements(
        tuple(statistics.measure(maps, measured)),
        ell,
        power,
        count_pixels(pixels, bins.pair),
        None if groups is None else count_pixels(pixels, bins.null, groups),
        np.stack([fine_pixels[chosen].sum(axis=0) for chosen in members]),
        np.stack([fine_peaks[chosen].sum(axis=0) for chosen in members]),
        histogram_rows(pixels, bins.histogram),
        _betti(maps, bins),
    )


def _betti(maps: Maps, bins: MeasurementBins) -> tuple[Features, ...]:
    if bins.betti is None:
        return ()
    return tuple(betti_features(maps, bins.betti, periodic=bins.statistics.periodic))


def _coarse_power(power: Rows, statistics: SummaryStatistics) -> tuple[FloatArray, Rows]:
    """P(ℓ) in the bins of the comparison, each of which joins bins of one integer mode."""
    scale = statistics.pixels, statistics.pixel_arcmin
    edges = integer_mode_edges(*scale)
    n_modes = bin_modes(*scale, edges).n_modes
    joined = bin_modes(*scale, statistics.ell_edges)
    first = np.searchsorted(edges, statistics.ell_edges[:-1])
    weights = n_modes / np.repeat(joined.n_modes, np.diff(np.append(first, len(n_modes))))
    return joined.ell, np.add.reduceat(power * weights, first, axis=1)


def _peaks(maps: Maps, bins: MeasurementBins) -> tuple[IntArray, IntArray]:
    """Peaks of each map in the bins of the comparison, and in the fine bins, counted once."""
    wanted = [closed_edges(edges) for edges in (bins.statistics.peak_edges, bins.fine)]
    edges = np.unique(np.concatenate(wanted))
    mask, periodic = bins.statistics.mask, bins.statistics.periodic
    counts = peak_counts(maps, edges, mask=mask, periodic=periodic)
    below = np.concatenate([np.zeros((len(maps), 1), np.int64), counts.cumsum(axis=1)], axis=1)
    coarse, fine = (below[:, np.searchsorted(edges, of_bins)] for of_bins in wanted)
    return np.diff(coarse, axis=1), np.diff(fine, axis=1)


def join_measurements(parts: Iterable[Measurements]) -> Measurements:
    """Join the measurements of the parts of a set.

    Parameters
    ----------
    parts : iterable of Measurements
        In the order of the maps, all in the same bins.

    Returns
    -------
    Measurements
    """
    parts = list(parts)
    null = [part.null_pixels for part in parts if part.null_pixels is not None]
    return Measurements(
        tuple(join_features([list(part.features) for part in parts])),
        parts[0].ell,
        np.concatenate([part.power for part in parts]),
        join_counts(part.pixels for part in parts),
        join_counts(null) if null else None,
        np.sum([part.fine_pixels for part in parts], axis=0),
        np.sum([part.fine_peaks for part in parts], axis=0),
        np.concatenate([part.histogram for part in parts]),
        tuple(join_features([part.betti for part in parts])),
    )
