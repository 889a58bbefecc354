"""Scattering coefficients against wavelets in real space, un-subsampled maps and a closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, special

from cosmogan_k3.statistics import scattering_coefficients, scattering_labels


def morlet(n, j, angle, slant=1.0):
    """A Morlet wavelet on n x n pixels, periodic, from its definition in real space."""
    sigma, k0 = 0.8 * 2**j, 0.75 * np.pi / 2**j
    # Wide enough that its envelope has died away before it is wrapped around the map.
    copies = int(np.ceil(9 * sigma / slant / n)) + 1
    y, x = np.mgrid[-copies * n : copies * n, -copies * n : copies * n]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    envelope = (
        np.exp(-(along**2 + (slant * across) ** 2) / (2 * sigma**2))
        * slant
        / (2 * np.pi * sigma**2)
    )
    wave = envelope * np.exp(1j * k0 * along)
    wavelet = wave - envelope * wave.sum() / envelope.sum()
    return wavelet.reshape(2 * copies, n, 2 * copies, n).sum(axis=(0, 2))


def plain_features(map_, scales, angles, convolve):
    """The definition, one wavelet after another, on all pixels."""
    n = len(map_)
    wavelets = [
        [morlet(n, j, np.pi * a / angles, 4 / angles) for a in range(angles)] for j in range(scales)
    ]
    fields = [[np.abs(convolve(map_, w)) for w in row] for row in wavelets]
    first = [np.mean(row) for row in fields]
    second = []
    for j in range(scales):
        for k in range(j + 1, scales):
            values = [[np.abs(convolve(f, w)).mean() for w in wavelets[k]] for f in fields[j]]
            for turn in range(angles // 2 + 1):
                pairs = [
                    (a, (a + t) % angles) for a in range(angles) for t in {turn, -turn % angles}
                ]
                second.append(np.mean([values[a][b] for a, b in pairs]) / first[j])
    return np.array(first + second)


def in_real_space(map_, kernel):
    """Periodic convolution as a sum over pixels."""
    n = len(map_)
    index = (np.arange(n)[:, None] - np.arange(n)) % n
    return np.einsum("abcd,bd->ac", kernel[index[:, :, None, None], index[None, None]], map_)


def by_fft(map_, kernel):
    return fft.ifft2(fft.fft2(map_) * fft.fft2(kernel))


def lumpy(rng, count, n):
    """Lognormal maps with a red spectrum: power at all scales, and far from Gaussian."""
    k = np.hypot(fft.fftfreq(n)[:, None], fft.fftfreq(n)) * n
    g = fft.ifft2(fft.fft2(rng.normal(size=(count, n, n))) / (1 + k / 4) ** 1.3).real
    return np.exp(g / g.std())


def test_the_two_convolutions_agree(rng):
    map_ = rng.normal(size=(12, 12))
    np.testing.assert_allclose(
        in_real_space(map_, morlet(12, 1, 0.5)), by_fft(map_, morlet(12, 1, 0.5)), atol=1e-12
    )


@pytest.mark.parametrize("angles", [3, 4, 6])
def test_against_convolution_in_real_space(rng, angles):
    # On 16 pixels nothing is cut off, and only float32 is approximate.
    maps = lumpy(rng, 2, 16)
    expected = [plain_features(m, 2, angles, in_real_space) for m in maps]
    np.testing.assert_allclose(scattering_coefficients(maps, angles=angles), expected, rtol=1e-5)


def test_fewer_pixels_change_coefficients_by_less_than_a_thousandth(rng):
    maps = lumpy(rng, 4, 128)
    expected = np.array([plain_features(m, 5, 4, by_fft) for m in maps])
    np.testing.assert_allclose(scattering_coefficients(maps), expected, rtol=1e-3)


def test_the_first_order_of_a_gaussian_field(rng):
    # The parts of κ ∗ ψ are Gaussian with variances a ≥ b along their principal axes:
    # ⟨|κ ∗ ψ|⟩ = √(2a/π) E(1 − b/a). This is √π/2 σ where a = b = σ²/2, as for all wavelets but the
    # smallest, which the pixels distort.
    n, count = 64, 400
    k = np.hypot(fft.fftfreq(n)[:, None], fft.fftfreq(n)) * n
    power = 1 / (1 + k / 4) ** 2
    maps = fft.ifft2(fft.fft2(rng.normal(size=(count, n, n))) * np.sqrt(power)).real
    result = scattering_coefficients(maps)[:, :4]
    mean, error = result.mean(axis=0), result.std(axis=0) / np.sqrt(count)
    for j in range(4):
        expected = []
        for angle in np.pi * np.arange(4) / 4:
            psi = fft.fft2(morlet(n, j, angle))
            mirrored = np.roll(psi[::-1, ::-1], 1, axis=(0, 1))
            variance = (power * np.abs(psi) ** 2).sum() / n**2
            pseudo = np.abs((power * psi * mirrored).sum()) / n**2
            a, b = (variance + pseudo) / 2, (variance - pseudo) / 2
            expected.append(np.sqrt(2 * a / np.pi) * special.ellipe(1 - b / a))
            if j:
                assert expected[-1] == pytest.approx(np.sqrt(np.pi * variance) / 2, rel=2e-3)
        assert abs(mean[j] - np.mean(expected)) < 4 * error[j]
        assert error[j] < 0.01 * mean[j]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.tuples(st.integers(0, 31), st.integers(0, 31)),
    turns=st.integers(0, 3),
    mirrored=st.booleans(),
)
def test_symmetries(seed, shift, turns, mirrored):
    maps = lumpy(np.random.default_rng(seed), 2, 32)
    moved = np.rot90(np.roll(maps, shift, axis=(1, 2)), turns, axes=(1, 2))
    moved = moved[:, ::-1] if mirrored else moved
    reference = scattering_coefficients(maps)
    np.testing.assert_allclose(scattering_coefficients(moved), reference, rtol=1e-4)
    # An amplitude and an offset pass into s1 and nowhere else.
    scale = np.where([name.startswith("s1") for name in scattering_labels(32)], 3, 1)
    np.testing.assert_allclose(
        scattering_coefficients(0.5 - 3 * maps), scale * reference, rtol=1e-4
    )


def test_symmetries_survive_fewer_pixels(rng):
    # Turned by 90 degrees, pixels of a smaller grid fall on pixels: exact but for float32. Shifted
    # pixels do not.
    maps = lumpy(rng, 2, 128)
    reference = scattering_coefficients(maps)
    np.testing.assert_allclose(
        scattering_coefficients(np.rot90(maps, axes=(1, 2))), reference, rtol=2e-3
    )
    np.testing.assert_allclose(
        scattering_coefficients(np.roll(maps, (3, 5), axis=(1, 2))), reference, rtol=2e-3
    )


@pytest.mark.parametrize("n", [8, 15, 100, 128])
@pytest.mark.parametrize("angles", [3, 5, 16])
def test_every_size_has_its_features(rng, n, angles):
    maps = rng.normal(size=(2, n, n))
    for scales in range(1, int(np.log2(n))):
        result = scattering_coefficients(maps, scales=scales, angles=angles)
        assert result.shape == (2, len(scattering_labels(n, scales=scales, angles=angles)))
        assert (result > 0).all()


def test_a_flat_map_has_no_structure():
    assert (scattering_coefficients(np.zeros((1, 16, 16))) == 0).all()


@pytest.mark.parametrize("options", [{"scales": 0}, {"scales": 4}, {"angles": 2}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="scales must lie between 1 and 3"):
        scattering_coefficients(np.zeros((2, 16, 16)), **options)


def test_a_single_map_without_its_axis_is_refused():
    with pytest.raises(ValueError, match="non-empty array"):
        scattering_coefficients(np.zeros((16, 16)))


def test_a_map_that_is_not_finite_is_named():
    maps = np.zeros((2, 16, 16))
    maps[1, 3, 3] = np.nan
    with pytest.raises(ValueError, match="infinity in map 1"):
        scattering_coefficients(maps)
