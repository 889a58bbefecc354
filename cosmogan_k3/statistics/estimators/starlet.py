"""The starlet (isotropic undecimated wavelet) transform and the ℓ1-norm of its coefficients."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from cosmogan_k3._typing import AnyMaps, FloatArray
from cosmogan_k3.statistics._maps import checked_edges, checked_maps, finite_maps
from cosmogan_k3.statistics.binning import Bins


def starlet_transform(maps: AnyMaps, scales: int) -> FloatArray:
    """Starlet transform of each map: wavelet planes of doubling scale, and the smooth remainder.

    ::

        c_0 = κ,    c_{j+1} = c_j ∗ h_j,    w_{j+1} = c_j − c_{j+1},    κ = c_J + Σ_j w_j

    h_j is the B3 spline (1, 4, 6, 4, 1)/16 along rows and columns, with 2^j − 1 zeros between its
    taps. Plane w_{j+1} responds to structures of about 2^{j+1} pixels. The map is continued
    periodically.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    scales : int
        Number J of wavelet planes, at least 1.

    Returns
    -------
    float64 array, shape (n, J + 1, N, N)
        w_1 … w_J and c_J, which add up to the map.

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or not finite, or if ``scales`` is below 1.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(2, 16, 16))
    >>> planes = starlet_transform(maps, 3)
    >>> planes.shape, bool(np.allclose(planes.sum(axis=1), maps))
    ((2, 4, 16, 16), True)

    References
    ----------
    Starck, Fadili & Murtagh 2007 (IEEE Trans. Image Process. 16, 297).
    """
    transfers = _transfers(checked_maps(maps).shape[1], scales)
    return np.stack([np.stack(list(_planes(map_, transfers))) for map_ in finite_maps(maps)])


def starlet_l1_norm(maps: AnyMaps, thresholds: ArrayLike, *, scales: int = 4) -> FloatArray:
    """Sum the absolute starlet coefficients of each map in bins of their value, per scale.

    Over pixels p with lo_i ≤ w_j(p) < hi_i::

        ℓ1_{j,i} = Σ_p |w_j(p)|

    w_1 … w_J are the wavelet planes of ``starlet_transform``; its smooth remainder is not counted.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    thresholds : array_like of float, shape (bins + 1,) or (scales, bins + 1)
        Increasing edges of the bins in units of κ, for all scales or one row for each. Every bin is
        [lo, hi), the last one included.
    scales : int, default 4
        Number J of wavelet planes, at least 1.

    Returns
    -------
    float64 array, shape (n, scales, bins)
        Norms in units of κ.

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or not finite, if ``scales`` is below 1, if the thresholds
        do not increase, or if the number of their rows is not ``scales``.

    Examples
    --------
    >>> maps = np.zeros((1, 16, 16))
    >>> maps[0, 5, 5] = 256.0  # the first plane is 256 − 36 there, and −112 − 108 around it
    >>> starlet_l1_norm(maps, [-50, 0, 300], scales=1).tolist()
    [[[220.0, 220.0]]]

    References
    ----------
    Ajani, Starck & Pettorino 2021 (arXiv 2101.01542).
    """
    transfers = _transfers(checked_maps(maps).shape[1], scales)
    edges = np.asarray(thresholds, dtype=np.float64)
    rows = np.broadcast_to(edges, (scales, len(edges))) if edges.ndim == 1 else edges
    if rows.ndim != 2 or len(rows) != scales:
        raise ValueError(
            f"thresholds must have {scales} rows, one for each scale. Received: shape {edges.shape}"
        )
    bins = [Bins(checked_edges(row)) for row in rows]
    norms = np.empty((len(maps), scales, rows.shape[1] - 1))
    for i, map_ in enumerate(finite_maps(maps)):
        for j, (plane, scale) in enumerate(zip(_planes(map_, transfers), bins, strict=False)):
            values = plane.ravel()
            norms[i, j] = scale.sums(scale.index(values), np.abs(values))[1:-1]
    return norms


def _transfers(pixels: int, scales: int) -> list[FloatArray]:
    """Fourier transforms of h_0, h_0 ∗ h_1, … on the half-plane of ``rfft2``."""
    if scales < 1:
        raise ValueError(f"scales must be at least 1. Received: {scales}")
    transfers = [np.ones(())]
    for j in range(scales):
        # (1, 4, 6, 4, 1)/16 is the pair (1, 1)/2, of transform cos(k/2), convolved four times.
        rows, columns = (
            np.cos(np.pi * 2**j * k) ** 4 for k in (fft.fftfreq(pixels), fft.rfftfreq(pixels))
        )
        transfer = transfers[-1] * (rows[:, None] * columns)
        # Rounding turns zeros of the kernels into tiny numbers; products of them are subnormal and
        # slow.
        transfers.append(np.where(transfer < 1e-30, 0, transfer))
    return transfers[1:]


def _planes(map_: FloatArray, transfers: list[FloatArray]) -> Iterator[FloatArray]:
    """Wavelet planes of one map from the finest on, then the smooth remainder."""
    modes = fft.rfft2(map_)
    smooth = map_
    for transfer in transfers:
        smoother = fft.irfft2(modes * transfer, s=map_.shape, overwrite_x=True)
        yield smooth - smoother
        smooth = smoother
    yield smooth
