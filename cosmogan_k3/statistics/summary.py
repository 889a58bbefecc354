"""The statistics that a comparison looks at, measured map by map."""

from dataclasses import dataclass, replace

import numpy as np

from cosmogan_k3.statistics._maps import blocks, checked_maps, checked_mask
from cosmogan_k3.statistics.estimators.bispectrum import bispectrum
from cosmogan_k3.statistics.estimators.histogram import pixel_histogram
from cosmogan_k3.statistics.estimators.minkowski import minkowski_functionals
from cosmogan_k3.statistics.estimators.moments import smoothed_moments
from cosmogan_k3.statistics.estimators.peaks import minima_counts, peak_counts
from cosmogan_k3.statistics.estimators.power_spectrum import integer_mode_edges, power_spectrum
from cosmogan_k3.statistics.estimators.scattering import scattering_coefficients, scattering_labels
from cosmogan_k3.statistics.estimators.starlet import starlet_l1_norm, starlet_transform

_BLOCK = 64
"""Maps measured together: memory stays constant however many there are."""

_SCOUTS = 256
"""Maps from which the thresholds are taken."""

_PIXEL_LEVELS = 256
_SPECTRUM_BINS = 32
_STARLET_SCALES = 4
_STARLET_BINS = 10
_SMOOTHING_PIXELS = (0, 1, 2, 4)


@dataclass(frozen=True)
class Features:
    """What one statistic says of each map of a set."""

    name: str
    label: str
    axis_label: str
    axis: np.ndarray
    """float64 ``(features,)``."""
    rows: np.ndarray
    """float64 ``(n, features)``, one row a map."""


def join_features(parts):
    """The ``Features`` of a set of maps from the lists of those of its parts.

    Example:
        >>> part = [Features("peaks", "Peak counts", "κ", np.zeros(2), np.ones((3, 2)))]
        >>> join_features([part, part])[0].rows.shape
        (6, 2)
    """
    return [
        replace(same[0], rows=np.concatenate([f.rows for f in same]))
        for same in zip(*parts, strict=True)
    ]


class SummaryStatistics:
    """All statistics of a comparison, with thresholds and bins fixed by the real maps.

    Args:
        real: float array ``(n, N, N)``, κ, or ``PatchTable``; the first 256 maps set the thresholds.
        pixel_arcmin: float, side of a pixel in arcmin.
        periodic: bool; whether opposite sides of a map are neighbours, for peaks and contours; not so for maps cut from
            larger fields.
        mask: bool array ``(N, N)``, True where observed; other pixels, NaN included, are never read. With a mask only
            pixels, P(ℓ), peaks and minima are measured: ``left_out`` names the others, which need whole maps.

    Raises:
        ValueError: maps that are not ``(n, N, N)``, NaN where observed, first 256 maps that are constant, or a mask of
            another shape or type.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).normal(size=(6, 32, 32)).astype("float32")
        >>> features = SummaryStatistics(maps, pixel_arcmin=2.0).measure(maps)
        >>> [f.name for f in features][:3], features[1].rows.shape
        (['pixels', 'power_spectrum', 'peaks'], (6, 16))
    """

    def __init__(self, real, *, pixel_arcmin, periodic=False, mask=None):
        self.mask = checked_mask(mask, checked_maps(real).shape[1])
        scouts = next(blocks(real, self.mask, dtype=np.float32, step=_SCOUTS))[1]
        observed = scouts if mask is None else scouts[:, self.mask]
        mean, sigma = float(observed.mean()), float(observed.std())
        if not sigma > 0:
            raise ValueError(
                f"The real maps must vary. Received: {mean:g} everywhere in the first {len(scouts)}"
            )
        self.pixel_arcmin = pixel_arcmin
        self.periodic = periodic
        self.pixels = scouts.shape[1]
        self.levels = np.unique(np.quantile(observed, np.linspace(0, 1, _PIXEL_LEVELS + 2)[1:-1]))
        self.peak_edges = mean + sigma * np.linspace(-1, 5, 13)
        self.minima_edges = mean + sigma * np.linspace(-3, 1, 13)
        self.contour_edges = mean + sigma * np.linspace(-2.1, 3.9, 21)
        modes = integer_mode_edges(self.pixels, pixel_arcmin)
        self.ell_edges = modes[
            np.unique(np.linspace(0, len(modes) - 1, _SPECTRUM_BINS + 1).astype(int))
        ]
        self.scales = min(_STARLET_SCALES, int(np.log2(self.pixels)) - 2)
        widths = starlet_transform(scouts[:8], self.scales)[:, : self.scales].std(axis=(0, 2, 3))
        self.starlet_edges = widths[:, None] * np.linspace(-4, 4, _STARLET_BINS + 1)

    @property
    def left_out(self):
        """Labels of the statistics that are not measured."""
        return (
            ()
            if self.mask is None
            else tuple(_LABELS[name][0] for name in _LABELS if name not in _MASKABLE)
        )

    def measure(self, maps):
        """The ``Features`` of every statistic, reading the maps once, a block at a time."""
        streamed = blocks(checked_maps(maps), self.mask, dtype=np.float32, step=_BLOCK)
        return join_features([self._block(block) for _, block in streamed])

    def _block(self, maps):
        measured = (
            self._maskable(maps)
            if self.mask is not None
            else self._maskable(maps) | self._of_whole_maps(maps)
        )
        return [
            Features(name, *_LABELS[name], np.asarray(axis, dtype=float), rows)
            for name, (axis, rows) in measured.items()
        ]

    def _maskable(self, maps):
        below = np.concatenate([[-np.inf], self.levels, [np.inf]])
        counts = pixel_histogram(maps, below, mask=self.mask)
        edge = {"periodic": self.periodic, "mask": self.mask}
        return {
            "pixels": (self.levels, counts.cumsum(axis=1)[:, :-1] / counts[0].sum()),
            "power_spectrum": power_spectrum(
                maps, pixel_arcmin=self.pixel_arcmin, ell_edges=self.ell_edges, mask=self.mask
            ),
            "peaks": (_middles(self.peak_edges), peak_counts(maps, self.peak_edges, **edge)),
            "minima": (_middles(self.minima_edges), minima_counts(maps, self.minima_edges, **edge)),
        }

    def _of_whole_maps(self, maps):
        scale, edge = {"pixel_arcmin": self.pixel_arcmin}, {"periodic": self.periodic}
        v0, v1, v2 = minkowski_functionals(maps, self.contour_edges, **scale, **edge)
        moments = smoothed_moments(
            maps,
            **scale,
            scales_arcmin=[pixels * self.pixel_arcmin for pixels in _SMOOTHING_PIXELS],
        )
        starlet = starlet_l1_norm(maps, self.starlet_edges, scales=self.scales)
        levels = _middles(self.contour_edges)
        return {
            "minkowski_v0": (levels, v0),
            "minkowski_v1": (levels, v1),
            "minkowski_v2": (levels, v2),
            "moments": (np.arange(moments[0].size), moments.reshape(len(maps), -1)),
            "bispectrum_equilateral": bispectrum(maps, **scale),
            "bispectrum_squeezed": bispectrum(maps, **scale, configuration="squeezed"),
            "starlet": (np.arange(starlet[0].size), starlet.reshape(len(maps), -1)),
            "scattering": (
                np.arange(len(scattering_labels(self.pixels))),
                scattering_coefficients(maps),
            ),
        }


def _middles(edges):
    return (edges[:-1] + edges[1:]) / 2


_MASKABLE = ("pixels", "power_spectrum", "peaks", "minima")

_LABELS = {
    "pixels": ("Pixel distribution", "κ"),
    "power_spectrum": ("Power spectrum P(ℓ)", "ℓ"),
    "peaks": ("Peak counts", "κ of the peak"),
    "minima": ("Minima counts", "κ of the minimum"),
    "minkowski_v0": ("Minkowski V₀ (area)", "ν"),
    "minkowski_v1": ("Minkowski V₁ (contour length)", "ν"),
    "minkowski_v2": ("Minkowski V₂ (Euler characteristic)", "ν"),
    "moments": ("Moments of smoothed maps", "mean, variance, skewness, kurtosis at four scales"),
    "bispectrum_equilateral": ("Bispectrum, equilateral", "ℓ"),
    "bispectrum_squeezed": ("Bispectrum, squeezed", "ℓ of the short sides"),
    "starlet": ("Starlet ℓ₁-norm", "bin, scale after scale"),
    "scattering": ("Wavelet scattering", "coefficient"),
}
