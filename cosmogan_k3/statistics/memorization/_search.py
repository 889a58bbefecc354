"""Search for the reference with the largest correlation, with and without periodic shifts."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import FloatArray, IntArray, Maps

# Radius, in Fourier modes, of the disc in which candidates are searched.
_CUTOFF = 8

# Shifts per side that the candidate search tries: half the shortest wavelength of the disc apart.
_GRID = 16

# Candidates per map that are compared in full.
_CANDIDATES = 8

# References compared at a time, so that the products stay in the processor's cache.
_REFERENCES = 256

# Pixels copied at a time.
_BLOCK = 2**22


def search_shifts(
    maps: Maps, references: Maps, *, symmetries: bool, units: IntArray | None
) -> tuple[FloatArray, IntArray]:
    """Find the reference with the largest correlation over all periodic shifts.

    Parameters
    ----------
    maps : float array (n, N, N)
        Maps that vary and are finite.
    references : float array (m, N, N)
        Maps to compare with.
    symmetries : bool
        Whether to search over rotations by 90° and reflections.
    units : int array (n,) or None
        Unit of each map if both sets are the same: a map is not compared with those of its own.

    Returns
    -------
    correlation : float64 array (n,)
        Largest correlation of each map.
    index : int64 array (n,)
        The reference with that correlation.
    """
    turns = range(4 if symmetries else 1)
    low, wave = _low_modes(references, turns[:1])
    parts = np.ascontiguousarray(low[:, 0].T.real), np.ascontiguousarray(low[:, 0].T.imag)
    correlation, index = np.empty(len(maps)), np.empty(len(maps), dtype=np.int64)
    for i, turned in enumerate(_low_modes(maps, turns)[0]):
        scores = np.stack([_best_over_grid(modes * wave, parts, symmetries) for modes in turned])
        count = min(_CANDIDATES, len(references))
        if units is not None:
            own = units == units[i]
            scores[:, own] = -np.inf
            count = min(count, int(np.count_nonzero(~own)))
        candidates = np.argpartition(-scores.max(axis=0), count - 1)[:count]
        every_turn = np.stack([_turned(maps[i], turn) for turn in turns])
        likely_turn = every_turn[scores[:, candidates].argmax(axis=0)]
        full = _best_over_pixels(likely_turn, references[candidates], symmetries)
        index[i] = candidates[full.argmax()]
        correlation[i] = _best_over_pixels(every_turn, references[index[i]][None], symmetries).max()
    return correlation, index


def search_aligned(
    maps: Maps, references: Maps, *, symmetries: bool, units: IntArray | None
) -> tuple[FloatArray, IntArray]:
    """Find the reference with the largest correlation without shifts; see ``search_shifts``.

    Parameters
    ----------
    maps, references : float array (n, N, N), (m, N, N)
        Maps, and those to compare with.
    symmetries : bool
    units : int array (n,) or None
        As for ``search_shifts``.

    Returns
    -------
    correlation, index : float64 and int64 array (n,)
        As for ``search_shifts``.
    """
    correlation, index = np.full(len(maps), -np.inf), np.zeros(len(maps), dtype=np.int64)
    size = maps[0].size
    step = max(1, _BLOCK // size)
    for start in range(0, len(maps), step):
        block = _all_turned(_unit(maps[start : start + step]), symmetries)
        own = start + np.arange(block.shape[1])
        for first in range(0, len(references), step):
            unit = _unit(references[first : first + step]).reshape(-1, size)
            scores = (block.reshape(-1, size) @ unit.T).reshape(*block.shape[:2], -1).max(axis=0)
            if units is not None:
                scores[units[own][:, None] == units[first : first + len(unit)]] = -np.inf
            best = scores.argmax(axis=1)
            value = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
            better = value > correlation[own]
            correlation[own[better]], index[own[better]] = value[better], first + best[better]
    return correlation, index


def _unit(maps: NDArray[np.inexact]) -> Maps:
    """Subtract the mean of each map and scale it to unit norm, as float32."""
    mean = maps.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    # The mean is removed before the cast: a large mean would use up the digits of float32.
    centred = (maps - mean.astype(np.result_type(maps, np.float32))).astype(np.float32)
    flat = centred.reshape(len(maps), -1)
    flat /= np.sqrt(np.vecdot(flat, flat))[:, None]
    return flat.reshape(maps.shape)


def _turned(array: NDArray[np.inexact], turn: int) -> NDArray[np.inexact]:
    """One of four symmetries of the last two axes; the other four follow by a turn of 180°."""
    array = array[..., ::-1] if turn & 1 else array
    return np.swapaxes(array, -1, -2) if turn & 2 else array


def _all_turned(maps: Maps, symmetries: bool) -> NDArray[np.inexact]:
    """Stack the maps under all eight symmetries, or unchanged: ``(symmetries, n, N, N)``."""
    if not symmetries:
        return maps[None]
    quarter = np.stack([_turned(maps, turn) for turn in range(4)])
    return np.concatenate([quarter, quarter[..., ::-1, ::-1]])


def _low_modes(maps: Maps, turns: range) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Modes of a half-disc, at unit norm, and their phases under the shifts of the grid.

    Shapes ``(n, turns, modes)`` and ``(shifts, modes)``.
    """
    pixels = maps.shape[1]
    cutoff = min(_CUTOFF, (pixels - 1) // 2)
    n = np.arange(-cutoff, cutoff + 1)
    waves = np.exp(-2j * np.pi * np.outer(n, np.arange(pixels)) / pixels).astype(np.complex64)
    rows, columns = np.meshgrid(n, n, indexing="ij")
    # The other half of the disc is the complex conjugate of this one.
    half = (rows**2 + columns**2 <= cutoff**2) & ((rows > 0) | ((rows == 0) & (columns > 0)))
    modes = np.empty((len(maps), len(turns), half.sum()), dtype=np.complex64)
    step = max(1, _BLOCK // pixels**2)
    for start in range(0, len(maps), step):
        square = waves @ _unit(maps[start : start + step]) @ waves.T
        for turn in turns:
            modes[start : start + step, turn] = _turned(square, turn)[:, half]
    modes /= np.maximum(np.linalg.norm(modes, axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    shift = np.arange(_GRID) / _GRID
    phase = shift[:, None, None] * rows[half] + shift[:, None] * columns[half]
    return modes, np.exp(-2j * np.pi * phase).astype(np.complex64).reshape(_GRID**2, -1)


def _best_over_grid(
    shifted: NDArray[np.complex64],
    parts: tuple[NDArray[np.float32], NDArray[np.float32]],
    symmetries: bool,
) -> NDArray[np.float32]:
    """Largest correlation of a map's low modes, ``(shifts, modes)``, with each reference.

    A turn of 180° conjugates the modes: the product of the imaginary parts changes its sign.
    """
    real, imaginary = np.ascontiguousarray(shifted.real), np.ascontiguousarray(shifted.imag)
    scores = np.empty(parts[0].shape[1], dtype=np.float32)
    for start in range(0, len(scores), _REFERENCES):
        block = slice(start, start + _REFERENCES)
        even, odd = real @ parts[0][:, block], imaginary @ parts[1][:, block]
        even += np.abs(odd, out=odd) if symmetries else odd
        even.max(axis=0, out=scores[block])
    return scores


def _best_over_pixels(
    maps: NDArray[np.inexact], references: Maps, symmetries: bool
) -> NDArray[np.float32]:
    """Largest correlation of each map with its reference over all shifts, and turns by 180°."""
    a, b = (fft.rfft2(_unit(m)) for m in (maps, references))
    surfaces = [a * b.conj(), a * b] if symmetries else [a * b.conj()]
    sides = maps.shape[1:]
    return np.max([fft.irfft2(surface, s=sides).max(axis=(1, 2)) for surface in surfaces], axis=0)
