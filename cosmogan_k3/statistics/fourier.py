"""Wave numbers, multipoles and rings of the Fourier plane of a square map.

Two layouts occur: the whole plane of ``fft2``, ``(N, N)``, and the half-plane of ``rfft2``,
``(N, N // 2 + 1)``. Both hold mode zero in their first element. Wave numbers count periods per side
of the map; wave number n of a field of θ degrees lies at the multipole ℓ = 360 n / θ.
"""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import FloatArray, IntArray
from cosmogan_k3.units import in_unit


class ModeBins(NamedTuple):
    """Bins (lo, hi] of multipoles and the modes of the half-plane that they hold.

    Parameters
    ----------
    ell : float64 array, shape (bins,)
        Mean multipole of the modes of the whole plane in each bin.
    n_modes : float64 array, shape (bins,)
        Number of modes of the whole plane in each bin.
    weights : float64 array, shape (N, N // 2 + 1)
        Number of modes of the whole plane that each mode stands for: 1 or 2.
    indices : int64 array, shape (N, N // 2 + 1)
        Bin of each mode, from 1 on; 0 and ``bins + 1`` hold the modes outside.
    """

    ell: FloatArray
    n_modes: FloatArray
    weights: FloatArray
    indices: IntArray


def wavenumbers(pixels: int, reference: int | None = None) -> FloatArray:
    """Wave number |k| of each mode of the whole plane.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    reference : int, optional
        Side of the map whose fundamental mode is the unit; ``pixels`` by default. A mode has the
        same number of cycles per pixel on both maps.

    Returns
    -------
    float64 array, shape (N, N)
        |k| in units of the fundamental mode.

    Examples
    --------
    >>> wavenumbers(4).round(3).tolist()[1]
    [1.0, 1.414, 2.236, 1.414]
    >>> wavenumbers(4, reference=8)[0].tolist()
    [0.0, 2.0, 4.0, 2.0]
    """
    modes = fft.fftfreq(pixels) * (pixels if reference is None else reference)
    return np.hypot(modes[:, None], modes)


def squared_wavenumbers(pixels: int) -> FloatArray:
    """Square |k|² of the wave number of each mode of the whole plane.

    Parameters
    ----------
    pixels : int
        Side N of the map.

    Returns
    -------
    float64 array, shape (N, N)
        |k|²; exact integers if N is a power of two, else integers up to rounding errors.

    Examples
    --------
    >>> squared_wavenumbers(4)[1].tolist()
    [1.0, 2.0, 5.0, 2.0]
    """
    modes = fft.fftfreq(pixels) * pixels
    return np.square(modes)[:, None] + np.square(modes)


def equal_wavenumber_rings(plane: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Group the modes whose wave numbers are equal into rings.

    Parameters
    ----------
    plane : float64 array, shape (N, N)
        Wave number of each mode, or its square. Values that differ in the last bit form different
        rings, so round what is not exact: ``wavenumbers(N).round(6)``.

    Returns
    -------
    values : float64 array, shape (rings,)
        Value of each ring, increasing.
    ring : int64 array, shape (N, N)
        Ring of each mode.
    count : int64 array, shape (rings,)
        Number of modes in each ring.

    Examples
    --------
    >>> values, ring, count = equal_wavenumber_rings(squared_wavenumbers(4))
    >>> values.tolist(), count.tolist()
    ([0.0, 1.0, 2.0, 4.0, 5.0, 8.0], [1, 4, 4, 2, 4, 1])
    """
    values, ring, count = np.unique(plane, return_inverse=True, return_counts=True)
    return values, ring.reshape(plane.shape), count


def ring_means(pixels: int, *, width: float = 1.08) -> NDArray[np.float32]:
    """Matrix that averages a flattened Fourier plane in rings of its wave number.

    The first ring is mode zero alone: its power is the square of the map's mean. The second ring
    starts at wave number ½. Each ring is one unit wide or, if that is more, ends at ``width`` times
    its start. Rings without modes are left out.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    width : float, default 1.08
        Smallest ratio of the edges of a wide ring.

    Returns
    -------
    float32 array, shape (N², rings)
        Column b holds 1 / (number of modes of ring b) at these modes and 0 elsewhere.

    Examples
    --------
    >>> rings = ring_means(16)
    >>> bool((abs(rings.sum(axis=0) - 1) < 1e-6).all())
    True
    """
    wavenumber = wavenumbers(pixels).ravel()
    edges = [0.0, 0.5]
    while edges[-1] <= wavenumber.max():
        edges.append(max(edges[-1] + 1, edges[-1] * width))
    inside = np.stack(
        [(wavenumber >= low) & (wavenumber < high) for low, high in itertools.pairwise(edges)]
    )
    inside = inside[inside.any(axis=1)]
    return (inside / inside.sum(axis=1, keepdims=True)).T.astype(np.float32)


def half_plane_wavenumbers(pixels: int) -> FloatArray:
    """Wave number |k| of each mode of the half-plane of ``rfft2``.

    Parameters
    ----------
    pixels : int
        Side N of the map.

    Returns
    -------
    float64 array, shape (N, N // 2 + 1)
        |k| in units of the fundamental mode.

    Examples
    --------
    >>> half_plane_wavenumbers(4).round(3).tolist()[1]
    [1.0, 1.414, 2.236]
    """
    return _half_plane_frequencies(pixels) * pixels


def half_plane_weights(pixels: int) -> FloatArray:
    """Count the modes of the whole plane that each mode of the half-plane of ``rfft2`` stands for.

    The mirror image of a mode of a real map is its complex conjugate. Columns inside the half-plane
    lack their mirror images and count twice. The first column, and the Nyquist column of an even
    side, contain theirs and count once.

    Parameters
    ----------
    pixels : int
        Side N of the map.

    Returns
    -------
    float64 array, shape (N, N // 2 + 1)
        1 or 2; the sum is N².

    Examples
    --------
    >>> half_plane_weights(4)[0].tolist(), half_plane_weights(5)[0].tolist()
    ([1.0, 2.0, 1.0], [1.0, 2.0, 2.0])
    """
    weight = np.full((pixels, pixels // 2 + 1), 2.0)
    weight[:, 0] = 1.0
    if pixels % 2 == 0:
        weight[:, -1] = 1.0
    return weight


def gaussian_window(pixels: int, sigma_pixels: float) -> FloatArray:
    """Fourier transform of a Gaussian kernel, at each mode of the half-plane of ``rfft2``.

        W(k) = exp(−k²σ²/2)

    Parameters
    ----------
    pixels : int
        Side N of the map.
    sigma_pixels : float
        σ, the standard deviation of the kernel in pixels; 0 or larger.

    Returns
    -------
    float64 array, shape (N, N // 2 + 1)
        W, 1 at mode zero. Values below 10⁻³⁰ are 0.

    Examples
    --------
    >>> gaussian_window(4, 1.0)[0].round(4).tolist()
    [1.0, 0.2912, 0.0072]
    """
    rows, columns = (
        np.exp(-2 * (np.pi * sigma_pixels * k) ** 2)
        for k in (fft.fftfreq(pixels), fft.rfftfreq(pixels))
    )
    window = rows[:, None] * columns
    # Arithmetic with subnormal numbers is slow.
    return np.where(window < 1e-30, 0, window)


def fundamental_multipole(pixels: int, pixel_arcmin: float) -> float:
    """Multipole of the fundamental mode of a map, ℓ = 2π/L.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    float
        ℓ.

    Examples
    --------
    >>> fundamental_multipole(60, 2.0)  # a field of 2 degrees
    180.0
    """
    return 360.0 * 60.0 / (pixels * in_unit(pixel_arcmin, "arcmin", "pixel_arcmin"))


def multipoles(pixels: int, pixel_arcmin: float) -> FloatArray:
    """Multipole |ℓ| of each mode of the half-plane of ``rfft2``.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    float64 array, shape (N, N // 2 + 1)
        |ℓ|.

    Examples
    --------
    >>> multipoles(4, 90.0)[0].tolist()  # a field of 6 degrees
    [0.0, 60.0, 120.0]
    """
    pixel_arcmin = in_unit(pixel_arcmin, "arcmin", "pixel_arcmin")
    return _half_plane_frequencies(pixels) * 360.0 * 60.0 / pixel_arcmin


def bin_modes(pixels: int, pixel_arcmin: float, edges: FloatArray) -> ModeBins:
    """Sort the modes of the half-plane of ``rfft2`` into bins (lo, hi] of ℓ.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    edges : float64 array, shape (bins + 1,)
        Increasing edges of the bins, in ℓ.

    Returns
    -------
    ModeBins
        Mean multipole and number of modes of each bin, weight and bin of each mode.

    Raises
    ------
    ValueError
        If a bin holds no mode.

    Examples
    --------
    >>> bins = bin_modes(4, 90.0, np.array([30.0, 65.0, 90.0]))
    >>> bins.n_modes.tolist(), bins.ell.round(1).tolist(), bins.indices[1].tolist()
    ([4.0, 4.0], [60.0, 84.9], [1, 2, 3])
    """
    ell = multipoles(pixels, pixel_arcmin)
    weights = half_plane_weights(pixels)
    # Rounding must not push a mode that lies on an edge across it.
    indices = np.searchsorted(edges * (1 + 1e-12), ell, side="left")
    flat, size = indices.ravel(), len(edges) + 1
    n_modes = np.bincount(flat, weights.ravel(), size)[1:-1].astype(np.float64)
    total = np.bincount(flat, (weights * ell).ravel(), size)[1:-1]
    if not n_modes.all():
        empty = int(np.argmin(n_modes))
        raise ValueError(
            f"No Fourier mode of a map of {pixels} pixels of {pixel_arcmin:g} arcmin lies in "
            f"({edges[empty]:g}, {edges[empty + 1]:g}]"
        )
    return ModeBins(total / n_modes, n_modes, weights, indices)


def _half_plane_frequencies(pixels: int) -> FloatArray:
    """Absolute frequency of each mode of the half-plane, in cycles per pixel."""
    return np.hypot(fft.fftfreq(pixels)[:, None], fft.rfftfreq(pixels)[None, :])
