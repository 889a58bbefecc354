"""Wavelet scattering coefficients."""

from functools import lru_cache
from math import log2

import numpy as np
from scipy import fft

from cosmogan_k3.statistics._maps import blocks, checked_maps

_REACH = 3.5
"""Standard deviations of its envelope to which a wavelet is kept in Fourier space."""

_FEWEST = 64
"""Pixels a side on which even the largest wavelet's map is formed, so that few of them do not blur its mean."""

_CHUNK = 2**16
"""Pixels transformed at a time, so that they stay in the processor's cache."""


def scattering_coefficients(maps, *, scales=None, angles=4):
    """Isotropic first- and second-order wavelet scattering coefficients of each map.

        s₁(j) = ⟨|κ ∗ ψ_jl|⟩,    s₂(j, k; Δ) = ⟨||κ ∗ ψ_jl| ∗ ψ_km|⟩,    k > j,  Δ = |angle between l and m|

    averaged over the map and over the angles l and m that Δ leaves free. ψ_jl is the Morlet wavelet

        ψ(x) ∝ exp(−(x∥² + s² x⊥²) / 2σ²) (exp(i k₀ x∥) − β),    σ = 0.8 · 2ʲ pixels, k₀ = ¾π / 2ʲ, s = 4 / angles

    turned by 180° l / angles, with unit peak in Fourier space (but for β, which makes its mean zero). s₂ is given
    over s₁(j), which takes the amplitude out of it: s₁ is a coarse power spectrum, s₂/s₁ tells how clustered the
    structures of scale j are at scale k, and its dependence on Δ their shapes.

    A wavelet fills a small part of the Fourier plane, so that each filtered map is formed on as few pixels as that part
    has modes. The tails cut off, and the mean of the modulus over fewer pixels, change coefficients by some 3e-4 of
    themselves: less than 1e-3 in maps with a red spectrum, 2e-3 in white noise. On maps of up to 64 pixels nothing is
    cut off.

    Args:
        maps: float array ``(n, N, N)``, κ, taken as periodic; computed in float32.
        scales: int, number of scales, j = 0 … scales − 1, at most log₂N − 1; log₂N − 2 by default, where the largest
            wavelet has three wavelengths to the map.
        angles: int, orientations over 180°, at least 3; 4 makes the envelope round.

    Returns:
        float64 ``(n, features)``: s₁ (unit of κ), then s₂/s₁, in the order of ``scattering_labels``; s₂/s₁ of a map
        without structure is 0.

    Raises:
        ValueError: maps that are not ``(n, N, N)`` or not finite, or scales or angles out of range.

    Example:
        >>> import numpy as np
        >>> white = np.random.default_rng(0).normal(size=(3, 32, 32))
        >>> features = scattering_coefficients(white)
        >>> features.shape == (3, len(scattering_labels(32))), bool((features[:, 0] > features[:, 1]).all())
        (True, True)

    Source: Cheng, Ting, Ménard & Bruna 2020 (arXiv 2006.08561); Mallat 2012 (arXiv 1101.2286).
    """
    maps = checked_maps(maps)
    scales = _checked_scales(maps.shape[1], scales, angles)
    wavelets = _wavelets(maps.shape[1], scales, angles)
    return np.concatenate(
        [_isotropic(*_orders(block, wavelets)) for _, block in blocks(maps, dtype=np.float32)]
    )


def scattering_labels(pixels, *, scales=None, angles=4):
    """Names of the features of ``scattering_coefficients``, in order.

    Args:
        pixels: int, N, side of the map.
        scales, angles: as for ``scattering_coefficients``.

    Returns:
        list of str.

    Example:
        >>> scattering_labels(16, angles=3)
        ['s1(0)', 's1(1)', 's2(0,1;0°)/s1(0)', 's2(0,1;60°)/s1(0)']
    """
    scales = _checked_scales(pixels, scales, angles)
    turns = [f"{180 * turn / angles:g}°" for turn in range(angles // 2 + 1)]
    pairs = [(j, k) for j in range(scales) for k in range(j + 1, scales)]
    return [f"s1({j})" for j in range(scales)] + [
        f"s2({j},{k};{turn})/s1({j})" for j, k in pairs for turn in turns
    ]


def _checked_scales(pixels, scales, angles):
    largest = int(log2(pixels)) - 1
    scales = max(1, largest - 1) if scales is None else scales
    if not 1 <= scales <= largest or angles < 3:
        raise ValueError(
            f"scales must lie between 1 and {largest} for maps of {pixels} pixels, and angles be at least 3. "
            f"Received: scales={scales}, angles={angles}"
        )
    return scales


@lru_cache(maxsize=4)
def _wavelets(pixels, scales, angles):
    wavelets = []
    for j in range(scales):
        wavelets.append(
            _wavelet(pixels, 2.0**j, angles, within=wavelets[-1][1].shape[1] if j else pixels)
        )
    return wavelets


def _wavelet(pixels, dilation, angles, within):
    """Fourier transform of one scale's wavelet at each angle, on a square ``within`` the modes of the scale before.

    Returns:
        ``(corners, values)``: the square's first mode down and across, int ``(angles, 2)``, and float32
        ``(angles, M, M)``, in increasing order of modes.
    """
    angle = np.pi * np.arange(angles).reshape(-1, 1, 1) / angles
    mode = pixels / (2 * np.pi)
    peak, width, slant = 0.75 * np.pi / dilation * mode, mode / (0.8 * dilation), 4 / angles
    size = min(fft.next_fast_len(max(2 * int(_REACH * width * max(1, slant)) + 1, _FEWEST)), within)
    # Below its peak the wavelet reaches further: there lies the part that makes its mean zero.
    room = max(0, (within - 1) // 2 - size // 2)
    centre = np.clip(
        np.rint(0.65 * peak * np.stack([np.sin(angle), np.cos(angle)])), -room, room
    ).astype(int)
    offsets = np.arange(size) - size // 2
    y, x = centre[0] + offsets[:, None], centre[1] + offsets

    def envelope(y, x, at):
        total = 0
        # A wavelet sampled on pixels has its spectrum's images too.
        for dy in (-pixels, 0, pixels):
            for dx in (-pixels, 0, pixels):
                along = (x + dx) * np.cos(angle) + (y + dy) * np.sin(angle) - at
                across = (y + dy) * np.cos(angle) - (x + dx) * np.sin(angle)
                total = total + np.exp(-(along**2 + (across / slant) ** 2) / (2 * width**2))
        return total

    origin = np.zeros((1, 1, 1))
    values = envelope(y, x, peak) - envelope(origin, origin, peak) / envelope(
        origin, origin, 0
    ) * envelope(y, x, 0)
    if size < pixels and size % 2 == 0:
        # An even square reaches one mode further down than up, which would favour a direction.
        values[:, 0] = values[:, :, 0] = 0
    return centre[:, :, 0, 0].T - size // 2, values.astype(np.float32)


def _modes(maps):
    """Fourier transform of maps ``(m, M, M)``, mode zero in the middle."""
    return fft.fftshift(fft.fft2(maps, norm="forward"), axes=(1, 2))


def _moduli(modes, wavelet):
    """|map ∗ ψ| at each angle, from the ``_modes`` of maps, float32 ``(m, angles, M, M)`` for a wavelet of M² modes."""
    corners, values = wavelet
    size = values.shape[1]
    step = max(1, _CHUNK // size**2)
    moduli = np.empty((len(modes), *values.shape), np.float32)
    for a, (top, left) in enumerate(corners + modes.shape[1] // 2):
        square = modes[:, top : top + size, left : left + size]
        for start in range(0, len(modes), step):
            chosen = slice(start, start + step)
            # The modes need not be moved back to the middle: that would change phases only.
            filtered = fft.ifft2(square[chosen] * values[a], norm="forward", overwrite_x=True)
            np.abs(filtered, out=moduli[chosen, a])
    return moduli


def _orders(block, wavelets):
    """s₁ ``(n, j, l)`` and s₂ ``(n, j, k, l, m)``, the latter where k > j."""
    n, scales, angles = len(block), len(wavelets), len(wavelets[0][1])
    first, second = np.empty((n, scales, angles)), np.empty((n, scales, scales, angles, angles))
    modes = _modes(block - block.mean(axis=(1, 2), keepdims=True))
    for j, wavelet in enumerate(wavelets):
        moduli = _moduli(modes, wavelet)
        first[:, j] = moduli.mean(axis=(2, 3))
        inner = _modes(moduli.reshape(-1, *moduli.shape[2:]))
        for k in range(j + 1, scales):
            second[:, j, k] = (
                _moduli(inner, wavelets[k]).mean(axis=(2, 3)).reshape(n, angles, angles)
            )
    return first, second


def _isotropic(first, second):
    """One row of features a map."""
    scales, angles = first.shape[1:]
    turn = np.abs(np.subtract.outer(np.arange(angles), np.arange(angles)))
    turn = np.minimum(turn, angles - turn)
    amplitude = first.mean(axis=2)
    inner, outer = np.triu_indices(scales, 1)
    pairs = second[:, inner, outer]
    relative = np.stack(
        [pairs[..., turn == t].mean(axis=-1) for t in range(angles // 2 + 1)], axis=-1
    )
    scale = amplitude[:, inner, None]
    relative = np.divide(relative, scale, out=np.zeros_like(relative), where=scale > 0)
    return np.concatenate([amplitude, relative.reshape(len(first), -1)], axis=1)
