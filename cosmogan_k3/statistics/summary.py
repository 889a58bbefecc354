"""The statistics of a comparison, measured map by map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import AnyMaps, FloatArray, FloatMaps, IntArray, Rows
from cosmogan_k3.statistics._maps import blocks, checked_maps, checked_mask
from cosmogan_k3.statistics.estimators.bispectrum import bispectrum
from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
from cosmogan_k3.statistics.estimators.minkowski import minkowski_functionals
from cosmogan_k3.statistics.estimators.moments import smoothed_moments
from cosmogan_k3.statistics.estimators.peaks import minima_counts, peak_counts
from cosmogan_k3.statistics.estimators.power_spectrum import integer_mode_edges, power_spectrum
from cosmogan_k3.statistics.estimators.scattering import scattering_coefficients
from cosmogan_k3.statistics.estimators.starlet import starlet_l1_norm, starlet_transform
from cosmogan_k3.units import pixel_size

# Axis and rows of one statistic.
Measured: TypeAlias = tuple[FloatArray, Rows | IntArray]

# Maps measured together: memory does not grow with the number of maps.
_BLOCK = 64

# Maps that set the thresholds, and maps that set those of the wavelet planes.
_THRESHOLD_MAPS = 256
_STARLET_THRESHOLD_MAPS = 8

_PIXEL_LEVELS = 256
_SPECTRUM_BINS = 32
_STARLET_SCALES = 4
# Bins of the starlet coefficients of a scale, and their largest value in standard deviations.
STARLET_BINS = 10
STARLET_RANGE = 4
# Smoothing scales of the moments.
SMOOTHING_PIXELS = (0, 1, 2, 4)

# Label and axis label of each statistic.
_LABELS = {
    "pixels": ("Pixel distribution", "convergence κ"),
    "power_spectrum": ("Power spectrum P(ℓ)", "multipole ℓ"),
    "peaks": ("Peak counts", "peak height κ"),
    "minima": ("Minima counts", "κ of the minimum"),
    "minkowski_v0": ("Minkowski V₀ (area)", "threshold κ"),
    "minkowski_v1": ("Minkowski V₁ (contour length)", "threshold κ"),
    "minkowski_v2": ("Minkowski V₂ (Euler characteristic)", "threshold κ"),
    "moments": ("Moments of smoothed maps", "mean to kurtosis, scale after scale"),
    "bispectrum_equilateral": ("Bispectrum, equilateral", "multipole ℓ"),
    "bispectrum_squeezed": ("Bispectrum, squeezed", "multipole ℓ of the two long sides"),
    "starlet": ("Starlet ℓ₁-norm", "bin, scale after scale"),
    "scattering": ("Wavelet scattering", "coefficient"),
}

# Sides at which a starlet has a scale, and at which squeezed triangles have two bins as well.
_SMALLEST_SIDE_MASKED, _SMALLEST_SIDE = 8, 9

# Statistics that accept a mask.
_MASKABLE = ("pixels", "power_spectrum", "peaks", "minima")


@dataclass(frozen=True)
class Features:
    """One statistic of each map of a set.

    Parameters
    ----------
    name : str
        Identifier of the statistic, as in metric names.
    label : str
        Name of the statistic for figures and tables.
    axis_label : str
        Name of the axis for figures.
    axis : float64 array, shape (features,)
        Position of each feature: κ, ℓ or a running number.
    rows : float64 or int64 array, shape (n_maps, n_features)
        Features, one row per map.

    Examples
    --------
    >>> Features("peaks", "Peak counts", "κ", np.zeros(2), np.ones((3, 2))).rows.shape
    (3, 2)
    """

    name: str
    label: str
    axis_label: str
    axis: FloatArray
    rows: Rows | IntArray


def middles(edges: FloatArray) -> FloatArray:
    """Middles of bins.

    Parameters
    ----------
    edges : float64 array, shape (bins + 1,)
        Increasing edges of the bins.

    Returns
    -------
    float64 array, shape (bins,)
        Mean of the two edges of each bin.

    Examples
    --------
    >>> middles(np.array([0.0, 1.0, 4.0])).tolist()
    [0.5, 2.5]
    """
    return (edges[:-1] + edges[1:]) / 2


def join_features(parts: Sequence[Sequence[Features]]) -> list[Features]:
    """Join the features of the parts of a set of maps.

    Parameters
    ----------
    parts : sequence of sequences of Features
        For each part the same statistics, in the same order.

    Returns
    -------
    list of Features
        Each statistic with the rows of all parts, in order.

    Examples
    --------
    >>> part = [Features("peaks", "Peak counts", "κ", np.zeros(2), np.ones((3, 2)))]
    >>> join_features([part, part])[0].rows.shape
    (6, 2)
    """
    return [
        replace(same[0], rows=np.concatenate([features.rows for features in same]))
        for same in zip(*parts, strict=True)
    ]


class SummaryStatistics:
    """All statistics of a comparison, with thresholds and bins set by the real maps.

    Thresholds and bins never change after construction, so every set of maps is measured alike.

    Parameters
    ----------
    real : float array, PatchTable or MapSet, shape (n, N, N)
        κ. The first 256 maps set the thresholds.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    periodic : bool, default False
        Whether opposite sides of a map are neighbours, for peaks and contours; False for maps cut
        from larger fields.
    mask : bool array, shape (N, N), optional
        True where observed. Other pixels, NaN included, are never read. With a mask only pixels,
        P(ℓ), peaks and minima are measured: ``left_out`` lists the other statistics, which need
        whole maps.

    Attributes
    ----------
    levels : float array, read-only
        κ at which the pixel distribution is measured.
    ell_edges : float64 array, read-only
        Edges of the bins of P(ℓ).
    peak_edges, minima_edges, contour_edges : float64 array, read-only
        Edges of the bins of κ of peaks, minima and Minkowski functionals.
    starlet_edges : float64 array, shape (scales, bins + 1), read-only
        Edges of the bins of the starlet coefficients.

    Raises
    ------
    ValueError
        If ``real`` is not ``(n, N, N)`` or smaller than 9² pixels (8² with a mask), if one of the
        first 256 maps is not finite where observed or all are constant, or if the mask has another
        shape or type.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(6, 32, 32)).astype("float32")
    >>> features = SummaryStatistics(maps, pixel_arcmin=2.0).measure(maps)
    >>> [f.name for f in features][:3], features[1].rows.shape
    (['pixels', 'power_spectrum', 'peaks'], (6, 16))
    """

    def __init__(
        self,
        real: AnyMaps,
        *,
        pixel_arcmin: float | None = None,
        periodic: bool = False,
        mask: ArrayLike | None = None,
    ) -> None:
        self.pixel_arcmin = pixel_size(real, pixel_arcmin)
        real = checked_maps(real)
        checked = checked_mask(mask, real.shape[1])
        self.mask = None if checked is None else _read_only(checked.copy())
        self.periodic = periodic
        _check_side(real.shape[1], masked=checked is not None)
        first_maps = next(blocks(real, self.mask, dtype=np.float32, step=_THRESHOLD_MAPS))[1]
        self.pixels = first_maps.shape[1]
        self._set_thresholds(first_maps)
        self._set_spectrum_bins()

    def _set_thresholds(self, first_maps: FloatMaps) -> None:
        """Set levels and edges in κ and in starlet coefficients."""
        observed = first_maps if self.mask is None else first_maps[:, self.mask]
        mean, sigma = float(observed.mean()), float(observed.std())
        if not observed.max() > observed.min():
            raise ValueError(
                "The real maps must vary. "
                f"Received: {mean:g} everywhere in the first {len(first_maps)}"
            )
        quantiles = np.linspace(0, 1, _PIXEL_LEVELS + 2)[1:-1]
        self.levels = _read_only(np.unique(np.quantile(observed, quantiles)))
        self.peak_edges = _read_only(mean + sigma * np.linspace(-1, 5, 13))
        self.minima_edges = _read_only(mean + sigma * np.linspace(-3, 1, 13))
        self.contour_edges = _read_only(mean + sigma * np.linspace(-2.1, 3.9, 21))
        self.scales = min(_STARLET_SCALES, int(np.log2(self.pixels)) - 2)
        planes = starlet_transform(first_maps[:_STARLET_THRESHOLD_MAPS], self.scales)
        widths = planes[:, : self.scales].std(axis=(0, 2, 3))
        self.starlet_edges = _read_only(
            widths[:, None] * np.linspace(-STARLET_RANGE, STARLET_RANGE, STARLET_BINS + 1)
        )

    def _set_spectrum_bins(self) -> None:
        """Set the bins of P(ℓ): at most 32, with edges between integer wave numbers."""
        modes = integer_mode_edges(self.pixels, self.pixel_arcmin)
        chosen = np.unique(np.linspace(0, len(modes) - 1, _SPECTRUM_BINS + 1).astype(int))
        self.ell_edges = _read_only(modes[chosen])

    @property
    def left_out(self) -> tuple[str, ...]:
        """Labels of the statistics that are not measured."""
        if self.mask is None:
            return ()
        return tuple(label for name, (label, _) in _LABELS.items() if name not in _MASKABLE)

    def measure(
        self, maps: AnyMaps, measured: Mapping[str, Measured] | None = None
    ) -> list[Features]:
        """Measure every statistic of each map, reading the maps once, block by block.

        Parameters
        ----------
        maps : float array or PatchTable, shape (n, N, N)
            κ.
        measured : mapping of str to (axis, rows), optional
            Statistics of these maps that are measured already, by name, in the bins of this object:
            any of "pixels", "power_spectrum", "peaks" and "minima". They are not measured again.

        Returns
        -------
        list of Features
            One entry per statistic.

        Raises
        ------
        ValueError
            If ``maps`` is not ``(n, N, N)`` or an observed pixel is not finite.
        """
        measured = measured or {}
        streamed = blocks(checked_maps(maps), self.mask, dtype=np.float32, step=_BLOCK)
        return join_features(
            [
                self._measure_block(
                    block, {name: (axis, rows[chosen]) for name, (axis, rows) in measured.items()}
                )
                for chosen, block in streamed
            ]
        )

    def _measure_block(self, maps: FloatMaps, measured: Mapping[str, Measured]) -> list[Features]:
        maskable = {
            "pixels": self._pixels,
            "power_spectrum": self._power_spectrum,
            "peaks": self._peaks,
            "minima": self._minima,
        }
        results = {
            name: measured[name] if name in measured else measure(maps)
            for name, measure in maskable.items()
        }
        if self.mask is None:
            results |= self._unmaskable(maps)
        return [
            Features(name, *_LABELS[name], np.asarray(axis, dtype=float), rows)
            for name, (axis, rows) in results.items()
        ]

    def _pixels(self, maps: FloatMaps) -> Measured:
        bounds = np.concatenate([[-np.inf], self.levels, [np.inf]])
        counts = pixel_histogram(maps, bounds, mask=self.mask)
        return self.levels, counts.cumsum(axis=1)[:, :-1] / counts[0].sum()

    def _power_spectrum(self, maps: FloatMaps) -> Measured:
        return power_spectrum(
            maps, pixel_arcmin=self.pixel_arcmin, ell_edges=self.ell_edges, mask=self.mask
        )

    def _peaks(self, maps: FloatMaps) -> Measured:
        counts = peak_counts(maps, self.peak_edges, periodic=self.periodic, mask=self.mask)
        return middles(self.peak_edges), counts

    def _minima(self, maps: FloatMaps) -> Measured:
        counts = minima_counts(maps, self.minima_edges, periodic=self.periodic, mask=self.mask)
        return middles(self.minima_edges), counts

    def _unmaskable(self, maps: FloatMaps) -> dict[str, Measured]:
        """Axis and rows of the statistics that need whole maps."""
        pixel = self.pixel_arcmin
        levels = middles(self.contour_edges)
        v0, v1, v2 = minkowski_functionals(
            maps, self.contour_edges, pixel_arcmin=pixel, periodic=self.periodic
        )
        moments = smoothed_moments(
            maps,
            pixel_arcmin=pixel,
            scales_arcmin=[pixels * pixel for pixels in SMOOTHING_PIXELS],
        )
        starlet = starlet_l1_norm(maps, self.starlet_edges, scales=self.scales)
        return {
            "minkowski_v0": (levels, v0),
            "minkowski_v1": (levels, v1),
            "minkowski_v2": (levels, v2),
            "moments": _numbered(moments.reshape(len(maps), -1)),
            "bispectrum_equilateral": bispectrum(maps, pixel_arcmin=pixel),
            "bispectrum_squeezed": bispectrum(maps, pixel_arcmin=pixel, configuration="squeezed"),
            "starlet": _numbered(starlet.reshape(len(maps), -1)),
            "scattering": _numbered(scattering_coefficients(maps)),
        }


def _check_side(pixels: int, *, masked: bool) -> None:
    smallest = _SMALLEST_SIDE_MASKED if masked else _SMALLEST_SIDE
    if pixels < smallest:
        raise ValueError(
            f"maps of {pixels} x {pixels} pixels are too small for the statistics: "
            f"give maps of {smallest} x {smallest} pixels or more"
        )


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _numbered(rows: Rows) -> Measured:
    """Rows, and the running number of each feature."""
    return np.arange(rows.shape[1], dtype=np.float64), rows
