"""The bins of all measurements, chosen before any map is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import FloatArray, IntArray, Mask
from cosmogan_k3.evaluation.scan import Scan
from cosmogan_k3.statistics import SummaryStatistics
from cosmogan_k3.statistics.summary import middles
from cosmogan_k3.statistics.two_sample.distances import fine_edges
from cosmogan_k3.statistics.two_sample.kolmogorov_smirnov import (
    ks_levels,
    level_maps,
    published_edges,
)
from cosmogan_k3.statistics.two_sample.pixel_counts import PixelBins

# The bins are chosen from so many maps of each set, which are also those that the figures show.
FIRST_MAPS = 256

# Bins of the pixel histogram that is drawn.
_HISTOGRAM_BINS = 60


@dataclass(frozen=True)
class MeasurementBins:
    """Bins and thresholds of all measurements, fixed before any map is measured.

    Parameters
    ----------
    statistics : SummaryStatistics
        Thresholds of the statistics of the comparison, from the first real maps.
    pair : PixelBins
        For real against generated maps.
    null : PixelBins
        For the two sets of the nulls.
    fine : float64 array (1025,)
        Edges for the Wasserstein distances of pixels and peaks.
    histogram : float64 array (61,)
        Edges of the pixel histogram that is drawn.
    betti : float64 array (20,) or None
        κ at which Betti curves are measured; None if they are not.
    """

    statistics: SummaryStatistics
    pair: PixelBins
    null: PixelBins
    fine: FloatArray
    histogram: FloatArray
    betti: FloatArray | None = None


def kept_maps(count: int, pixels: int, sets: Sequence[IntArray] = ()) -> IntArray:
    """Return which maps of a set have to stay at hand while the bins are chosen.

    Parameters
    ----------
    count : int
        Number of maps.
    pixels : int
        N, side of a map.
    sets : sequence of int arrays
        Indices of the maps in the sets of the nulls.

    Returns
    -------
    int64 array (k,)
        Increasing indices.

    Examples
    --------
    >>> kept_maps(3, 64).tolist(), len(kept_maps(5000, 64))
    ([0, 1, 2], 256)
    """
    few = level_maps(pixels)
    first = np.arange(min(count, FIRST_MAPS))
    return np.unique(np.concatenate([first, *(rows[:few] for rows in sets)]))


def choose_bins(
    real: Scan,
    generated: Scan,
    nulls: Sequence[tuple[Scan, IntArray]],
    *,
    pixel_arcmin: float,
    mask: Mask | None = None,
    betti: bool = False,
) -> MeasurementBins:
    """Choose all bins from the ranges and the first maps of two sets.

    Parameters
    ----------
    real, generated : Scan
        With the maps of ``kept_maps``.
    nulls : sequence of two pairs of Scan and int array
        The sets that the nulls compare, each with its maps in a scan.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    mask : bool array (N, N), optional
        True where observed.
    betti : bool, default False
        Whether Betti curves are measured, at the levels of the Minkowski functionals.

    Returns
    -------
    MeasurementBins

    Raises
    ------
    ValueError
        Real maps that are constant, or a mask of another shape or type.

    Examples
    --------
    >>> from cosmogan_k3.evaluation.scan import scan
    >>> from cosmogan_k3.maps import MapSet
    >>> kappa = np.random.default_rng(0).normal(size=(4, 16, 16)).astype("float32")
    >>> scanned = scan(MapSet(kappa, 2.0), keep=np.arange(4))
    >>> nulls = [(scanned, np.arange(2)), (scanned, np.arange(2, 4))]
    >>> bins = choose_bins(scanned, scanned, nulls, pixel_arcmin=2.0)
    >>> len(bins.fine), len(bins.histogram), len(bins.pair.levels)
    (1025, 61, 1024)
    """
    first = real.first(FIRST_MAPS)
    statistics = SummaryStatistics(first, pixel_arcmin=pixel_arcmin, mask=mask)
    few = level_maps(first.shape[1])
    whole = max(len(real), len(generated)) <= few
    levels = ks_levels(real.first(few), generated.first(few), mask=mask, whole=whole)
    null_maps = [scanned.take(rows[:few]) for scanned, rows in nulls]
    null_whole = max(len(rows) for _, rows in nulls) <= few
    null_levels = ks_levels(null_maps[0], null_maps[1], mask=mask, whole=null_whole)
    observed = first if mask is None else first[:, mask]
    lowest, highest = np.percentile(observed, [0.001, 99.999])
    return MeasurementBins(
        statistics,
        PixelBins(levels, published_edges(real.extent())),
        PixelBins(null_levels, published_edges(nulls[0][0].extent(nulls[0][1]))),
        fine_edges(real.extent(), generated.extent()),
        np.linspace(lowest, highest, _HISTOGRAM_BINS + 1),
        middles(statistics.contour_edges) if betti else None,
    )
