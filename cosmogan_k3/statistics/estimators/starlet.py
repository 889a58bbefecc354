"""The starlet (isotropic undecimated wavelet) transform and the l1-norm of its coefficients."""

import numpy as np
from scipy import fft

from cosmogan_k3.statistics._maps import checked_edges, checked_maps, finite_maps
from cosmogan_k3.statistics.binning import Bins


def starlet_transform(maps, scales):
    """Starlet transform of each map: wavelet planes of doubling scale, and what is left after the last.

        c_0 = κ,    c_{j+1} = c_j ∗ h_j,    w_{j+1} = c_j − c_{j+1},    κ = c_J + Σ_j w_j

    h_j is the B3 spline (1, 4, 6, 4, 1)/16 along rows and columns, with 2^j − 1 zeros between its taps; plane w_{j+1}
    responds to structures of about 2^{j+1} pixels. Periodic.

    Args:
        maps: float array ``(n, N, N)``, κ.
        scales: int, J, number of wavelet planes, at least 1.

    Returns:
        float64 ``(n, J + 1, N, N)``: w_1 … w_J and c_J, which add up to the map.

    Raises:
        ValueError: maps that are not ``(n, N, N)`` and finite, or fewer than one scale.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).normal(size=(2, 16, 16))
        >>> planes = starlet_transform(maps, 3)
        >>> planes.shape, bool(np.allclose(planes.sum(axis=1), maps))
        ((2, 4, 16, 16), True)

    Source: Starck, Fadili & Murtagh 2007 (IEEE Trans. Image Process. 16, 297).
    """
    transfers = _transfers(checked_maps(maps).shape[1], scales)
    return np.stack([np.stack(list(_planes(map_, transfers))) for map_ in finite_maps(maps)])


def starlet_l1_norm(maps, thresholds, *, scales=4):
    """Sums of the absolute starlet coefficients of each map in bins of their value, scale by scale.

        ℓ1_{j,i} = Σ_p |w_j(p)|,    over pixels with lo_i ≤ w_j(p) < hi_i

    The wavelet planes w_1 … w_J of ``starlet_transform``; its smooth remainder is not counted.

    Args:
        maps: float array ``(n, N, N)``, κ.
        thresholds: increasing float array, edges of the bins in units of κ: ``(bins + 1,)`` for every scale or
            ``(scales, bins + 1)``; the last bin of each is open like the others.
        scales: int, J, number of wavelet planes, at least 1.

    Returns:
        float64 ``(n, scales, bins)``, in units of κ.

    Raises:
        ValueError: maps that are not ``(n, N, N)`` and finite, fewer than one scale, thresholds that do not increase
            or are not one row for each scale.

    Example:
        >>> import numpy as np
        >>> maps = np.zeros((1, 16, 16))
        >>> maps[0, 5, 5] = 256.0             # the first plane is 256 − 36 there, and −112 plus −108 around it
        >>> starlet_l1_norm(maps, [-50, 0, 300], scales=1).tolist()
        [[[220.0, 220.0]]]

    Source: Ajani, Starck & Pettorino 2021 (arXiv 2101.01542).
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


def _transfers(pixels, scales):
    """Fourier transforms of h_0, h_0 ∗ h_1, … of maps of this size."""
    if scales < 1:
        raise ValueError(f"scales must be at least 1. Received: {scales}")
    transfers = [1.0]
    for j in range(scales):
        # (1, 4, 6, 4, 1)/16 is four times the pair (1, 1)/2, whose Fourier transform is cos(k/2).
        rows, columns = (
            np.cos(np.pi * 2**j * k) ** 4 for k in (fft.fftfreq(pixels), fft.rfftfreq(pixels))
        )
        transfer = transfers[-1] * (rows[:, None] * columns)
        # What rounding leaves of the kernels' zeros would make the arithmetic crawl.
        transfers.append(np.where(transfer < 1e-30, 0, transfer))
    return transfers[1:]


def _planes(map_, transfers):
    """The wavelet planes of one map from the finest on, and the smooth remainder."""
    modes = fft.rfft2(map_)
    smooth = map_
    for transfer in transfers:
        smoother = fft.irfft2(modes * transfer, s=map_.shape, overwrite_x=True)
        yield smooth - smoother
        smooth = smoother
    yield smooth
