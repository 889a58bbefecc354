"""The most similar map of a set, wherever it was shifted to and however it was turned."""

import numpy as np
from scipy import fft

from cosmogan_k3.statistics._maps import checked_maps

_CUTOFF = 8
"""Radius, in Fourier modes, of the disc in which candidates are sought."""
_GRID = 16
"""Shifts a side that are tried there: half the shortest wavelength of the disc."""
_CANDIDATES = 8
"""Candidates of each map that are compared in full."""
_REFERENCES = 256
"""References compared at a time: the products stay in the processor's cache."""
_BLOCK = 2**22
"""Pixels copied at a time."""


def nearest_neighbours(maps, references=None, *, shifts=True, symmetries=True):
    """Nearest reference of each map, under the symmetries of the square and periodic shifts.

        d = √(2 − 2 r),    r = max over s, T of ⟨T κ̂(x − s), κ̂_ref(x)⟩

    with κ̂ the map less its mean, at unit norm; d is the Euclidean distance of κ̂ after the best alignment: 0 for a
    copy, √2 where nothing is shared.

    With shifts the search has two stages. Candidates are ranked by the correlation of their modes within 8 of the
    origin, over 16x16 shifts; the best eight are then compared over all shifts of all pixels. What is returned is
    therefore the exact distance of a reference, and of the nearest one where it stands out: of lognormal maps of 64
    pixels that share a correlation of 0.7 with one of 1,000 references all were found, at 0.5 seven of ten; among
    independent maps a reference nearly as near may be returned. A test that treats generated and held-out maps alike
    stays valid. Without shifts, every pair is compared in full.

    Cost: n m products of few modes, whatever the side, and 20 transforms a map. One thread takes 9 μs a pair, and 2 ms
    or 14 ms a map of 64 or 256 pixels besides; without shifts 1 μs or 25 μs a pair.

    Args:
        maps: float array ``(n, N, N)``, κ.
        references: float array ``(m, N, N)``; where none are given, the other maps of the same set.
        shifts: bool, over all N² periodic shifts.
        symmetries: bool, over rotations by 90° and reflections.

    Returns:
        ``(distance, index)``: float64 and int64 ``(n,)``. Correlations are taken in float32, so that the distance of a
        copy reads up to 0.002 instead of 0.

    Raises:
        ValueError: maps of different sides, none to compare with, or a constant map.

    Example:
        >>> import numpy as np
        >>> references = np.random.default_rng(0).normal(size=(20, 16, 16))
        >>> moved = np.rot90(np.roll(references[7], (3, 5), axis=(0, 1)))
        >>> distance, index = nearest_neighbours(moved[None], references)
        >>> index.tolist(), bool(distance[0] < 0.002)
        ([7], True)

    Source: Lewis 1995, Fast normalized cross-correlation; ours in that candidates are sought in few modes.
    """
    within = references is None
    maps = _checked(maps)
    references = maps if within else _checked(references)
    if maps.shape[1] != references.shape[1]:
        raise ValueError(
            f"Maps of different sides. Received: {maps.shape[1]} and {references.shape[1]} pixels"
        )
    if len(references) <= within:
        raise ValueError(f"A map needs another to compare with. Received: {len(maps)} map")
    search = _over_shifts if shifts else _in_place
    correlation, index = search(maps, references, symmetries, within)
    return np.sqrt(np.clip(2 - 2 * correlation, 0, None)), index


def _checked(maps):
    maps = checked_maps(np.asarray(maps))
    lowest, highest = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
    if not ((lowest > -np.inf) & (lowest < highest) & (highest < np.inf)).all():
        raise ValueError("maps must vary and be finite. Received: a constant map, NaN or infinity")
    return maps


def _unit(maps):
    """Maps as float32 less their mean, at unit norm."""
    mean = maps.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    # The mean goes before the cast, or a large one would take the digits.
    flat = (
        (maps - mean.astype(np.result_type(maps, np.float32)))
        .astype(np.float32)
        .reshape(len(maps), -1)
    )
    flat /= np.sqrt(np.vecdot(flat, flat))[:, None]
    return flat.reshape(maps.shape)


def _turned(array, turn):
    """One of four symmetries of the last two axes; the other four are these turned by 180°."""
    array = array[..., ::-1] if turn & 1 else array
    return np.swapaxes(array, -1, -2) if turn & 2 else array


def _over_shifts(maps, references, symmetries, within):
    turns = range(4 if symmetries else 1)
    low, wave = _low_modes(references, turns[:1])
    parts = np.ascontiguousarray(low[:, 0].T.real), np.ascontiguousarray(low[:, 0].T.imag)
    correlation, index = np.empty(len(maps)), np.empty(len(maps), dtype=np.int64)
    count = min(_CANDIDATES, len(references) - within)
    for i, turned in enumerate(_low_modes(maps, turns)[0]):
        scores = np.stack([_best_over_grid(modes * wave, parts, symmetries) for modes in turned])
        if within:
            scores[:, i] = -np.inf
        candidates = np.argpartition(-scores.max(axis=0), count - 1)[:count]
        every_turn = np.stack([_turned(maps[i], turn) for turn in turns])
        likely_turn = every_turn[scores[:, candidates].argmax(axis=0)]
        index[i] = candidates[
            _best_over_pixels(likely_turn, references[candidates], symmetries).argmax()
        ]
        correlation[i] = _best_over_pixels(every_turn, references[index[i]][None], symmetries).max()
    return correlation, index


def _low_modes(maps, turns):
    """Modes of a half-disc, at unit norm ``(n, turns, modes)``, and their phases under shifts ``(shifts, modes)``."""
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


def _best_over_grid(shifted, parts, symmetries):
    """Largest correlation of the low modes of a map, ``(shifts, modes)``, with those of each reference.

    A rotation by 180° conjugates the modes: it turns the sign of the product of imaginary parts, over the same shifts.
    """
    real, imaginary = np.ascontiguousarray(shifted.real), np.ascontiguousarray(shifted.imag)
    scores = np.empty(parts[0].shape[1], dtype=np.float32)
    for start in range(0, len(scores), _REFERENCES):
        block = slice(start, start + _REFERENCES)
        even, odd = real @ parts[0][:, block], imaginary @ parts[1][:, block]
        even += np.abs(odd, out=odd) if symmetries else odd
        even.max(axis=0, out=scores[block])
    return scores


def _best_over_pixels(maps, references, symmetries):
    """Largest correlation of each map with its reference over all shifts, and turned by 180° too."""
    a, b = (fft.rfft2(_unit(m)) for m in (maps, references))
    surfaces = [a * b.conj(), a * b] if symmetries else [a * b.conj()]
    sides = maps.shape[1:]
    return np.max([fft.irfft2(surface, s=sides).max(axis=(1, 2)) for surface in surfaces], axis=0)


def _in_place(maps, references, symmetries, within):
    correlation, index = np.full(len(maps), -np.inf), np.zeros(len(maps), dtype=np.int64)
    size = maps[0].size
    step = max(1, _BLOCK // size)
    for start in range(0, len(maps), step):
        block = _all_turned(_unit(maps[start : start + step]), symmetries)
        own = start + np.arange(block.shape[1])
        for first in range(0, len(references), step):
            unit = _unit(references[first : first + step]).reshape(-1, size)
            scores = (block.reshape(-1, size) @ unit.T).reshape(*block.shape[:2], -1).max(axis=0)
            if within:
                scores[own[:, None] == first + np.arange(len(unit))] = -np.inf
            best = scores.argmax(axis=1)
            value = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
            better = value > correlation[own]
            correlation[own[better]], index[own[better]] = value[better], first + best[better]
    return correlation, index


def _all_turned(maps, symmetries):
    """The maps under all eight symmetries, or as they are: ``(symmetries, n, N, N)``."""
    if not symmetries:
        return maps[None]
    quarter = np.stack([_turned(maps, turn) for turn in range(4)])
    return np.concatenate([quarter, quarter[..., ::-1, ::-1]])
