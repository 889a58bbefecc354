"""Convergence maps of the halo model: haloes with NFW profiles on a lognormal density."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.stats import norm

from cosmogan_k3._typing import FloatArray, IntArray
from cosmogan_k3.simulation.background import Background, LensPlanes
from cosmogan_k3.simulation.compiled import compiled
from cosmogan_k3.simulation.lognormal import gaussian_power, mode_ell
from cosmogan_k3.simulation.theory import ccl_model
from cosmogan_k3.statistics.fourier import half_plane_weights

# Lighter haloes are part of the smooth matter: they are smaller than a pixel, and together they
# have less than a per cent of the one-halo power below ℓ = 2,000.
_LIGHTEST, _HEAVIEST = 10**11.7, 10**16.0  # solar masses
_MASSES = 40
_SHELLS = 12
_FINE = 2  # cells on a side of a pixel
_PROFILES = 16  # shapes of haloes that are told apart
_LEVELS = 128  # of the density, between which the numbers of haloes are tabulated
_RANGE = 6.0  # of the levels, in standard deviations of the logarithm of the density
_TABLE_SIZE = 256  # of spectra and profiles
_CRITICAL_DENSITY = 2.77536627e11  # solar masses h²/Mpc³


@dataclass(frozen=True)
class HaloModel:
    """What the maps of a cosmology are drawn from.

    Parameters
    ----------
    pixels : int
        Side N of a map in pixels; cells are half as large.
    gaussian : float64 array, shape (shells, 2 N, N + 1)
        Amplitude of each mode of g, the logarithm of the density.
    half_variance, highest : float64 array, shape (shells,)
        Half the variance of g; the last level at which numbers of haloes are tabulated, the first
        being its negative.
    expected : float64 array, shape (shells, levels)
        Expected number of haloes in a cell.
    cumulative : float64 array, shape (shells, levels, masses)
        Distribution function of their masses.
    kappa : float64 array, shape (shells, masses)
        Convergence of one halo, added up over the cells.
    profile : int array, shape (shells, masses)
        Number of the profile.
    profiles : float64 array, shape (profiles, 2 N, N + 1)
        Fourier transforms, averaged over a cell.
    smooth : float64 array, shape (shells,)
        Convergence of unit overdensity of the matter outside haloes.
    mean : float64 array, shape (shells,)
        Mean convergence of the haloes, which is subtracted.
    """

    pixels: int
    gaussian: FloatArray
    half_variance: FloatArray
    highest: FloatArray
    expected: FloatArray
    cumulative: FloatArray
    kappa: FloatArray
    profile: IntArray
    profiles: FloatArray
    smooth: FloatArray
    mean: FloatArray


def halo_model(
    background: Background, source_redshift: float, *, pixels: int, field_deg: float
) -> HaloModel:
    """Prepare the maps of a cosmology.

        κ = Σ_shells w [Σ_haloes M u(ℓ)/(ρ V) + (1 − f_b) δ],    n_h ∝ 1 + b δ

    Each shell has a lognormal density δ with the linear spectrum. Haloes are Poisson draws from a
    density that follows it with their linear bias. The matter outside haloes follows it so that the
    bias of all matter is 1: f_b is the fraction of mass in haloes, weighted by bias. The mean power
    is then that of the halo model, P₁ₕ + P₂ₕ.

    Parameters
    ----------
    background : Background
    source_redshift : float
    pixels : int
        Side N of a map in pixels.
    field_deg : float
        Side of a map in degrees.

    Returns
    -------
    HaloModel

    Examples
    --------
    >>> from cosmogan_k3.simulation.cosmology import Cosmology
    >>> model = halo_model(Background(Cosmology()), 1.0, pixels=16, field_deg=5.0)
    >>> model.profiles.shape
    (16, 32, 17)

    References
    ----------
    Giocoli et al. 2017 (arXiv 1701.02739); Cooray & Sheth 2002, section 3. Numbers and biases of
    haloes of Tinker et al. 2010, concentrations of Duffy et al. 2008, by pyccl.
    """
    cells = _FINE * pixels
    ell = mode_ell(cells, field_deg)
    planes = background.lens_planes(source_redshift, _SHELLS)
    haloes = _Haloes(background)
    cell = np.deg2rad(field_deg) / cells
    shells = [_shell(haloes, ell, cell, planes, number) for number in range(_SHELLS)]
    shape = np.concatenate([shell.pop("shape") for shell in shells])
    stacked = {name: np.stack([shell[name] for shell in shells]) for name in shells[0]}
    profile, profiles = _grouped(shape, stacked.pop("one_halo").ravel())
    return HaloModel(
        pixels=pixels,
        profile=profile.reshape(stacked["kappa"].shape),
        profiles=profiles * _cell_window(cells),
        **stacked,
    )


def _shell(
    haloes: "_Haloes", ell: FloatArray, cell: float, planes: LensPlanes, shell: int
) -> dict[str, Any]:
    """Return what a ``HaloModel`` holds of one shell, and the shapes of its haloes."""
    cells = len(ell)
    distance, a = planes.distance[shell], planes.scale_factor[shell]
    weight = planes.weight[shell]
    volume = (cell * distance) ** 2 * planes.thickness  # of a cell, in (Mpc/h)³
    number, bias = haloes.abundance(a)
    linear = haloes.linear_power(ell / distance, a) / (distance**2 * planes.thickness)
    spectrum, _ = gaussian_power(linear, np.rad2deg(cell * cells), 1.0, cells)
    variance = float((spectrum * half_plane_weights(cells)).sum()) / cells**2
    level = np.linspace(-_RANGE, _RANGE, _LEVELS) * np.sqrt(variance)
    overdensity = np.expm1(level - variance / 2)
    # Linear bias keeps the two-halo power: exp(b g) would raise it by a tenth.
    density = np.maximum(1 + bias * overdensity[:, None], 0)
    probability = norm.pdf(level, scale=np.sqrt(variance))
    density /= np.average(density, axis=0, weights=probability)  # of what is cut off at 0
    rate = number * volume * density
    total = rate.sum(axis=1, keepdims=True)  # 0 in early shells without haloes
    # The bias on large scales, after the cut: the first Hermite coefficient.
    cut_bias = np.average(density * level[:, None], axis=0, weights=probability) / variance
    # Convergence of a halo, in units of a cell: its mass over the mean mass of a cell.
    fraction = haloes.mass / (haloes.density * volume)
    in_haloes = number * volume * fraction
    return {
        "gaussian": np.sqrt(spectrum),
        "half_variance": np.float64(variance / 2),
        "highest": level[-1],
        "expected": total[:, 0],
        "cumulative": rate.cumsum(axis=1) / np.where(total > 0, total, 1),
        "kappa": weight * fraction,
        "smooth": weight * (1 - (in_haloes * cut_bias).sum()),
        "mean": weight * in_haloes.sum(),
        "one_halo": number * volume * (weight * fraction) ** 2,
        "shape": haloes.profiles(ell / distance, a),
    }


class _Haloes:
    """Numbers, biases and profiles of haloes in bins of mass, by pyccl; lengths in Mpc/h."""

    def __init__(self, background: Background) -> None:
        from pyccl import halos

        self._h = background.cosmology.h
        self._model = ccl_model(background.cosmology, "linear")
        edges = np.geomspace(_LIGHTEST, _HEAVIEST, _MASSES + 1)
        self._solar = np.sqrt(edges[1:] * edges[:-1])
        self._width = np.log10(edges[1] / edges[0])
        definition = halos.MassDef200m
        self._abundance = halos.MassFuncTinker10(mass_def=definition)
        self._bias = halos.HaloBiasTinker10(mass_def=definition)
        concentration = halos.ConcentrationDuffy08(mass_def=definition)
        self._profile = halos.HaloProfileNFW(
            mass_def=definition, concentration=concentration, fourier_analytic=True
        )
        self.mass = self._solar * self._h  # solar masses/h
        self.density = _CRITICAL_DENSITY * background.cosmology.omega_m  # solar masses h²/Mpc³

    def abundance(self, a: float) -> tuple[FloatArray, FloatArray]:
        """Return comoving number density in (h/Mpc)³ and bias of each bin."""
        number = self._abundance(self._model, self._solar, a) * self._width / self._h**3
        return number, self._bias(self._model, self._solar, a)

    def linear_power(self, k: FloatArray, a: float) -> FloatArray:
        """Return the linear power spectrum in (Mpc/h)³ at k in h/Mpc."""
        import pyccl

        table = np.geomspace(k.min() * 0.99, k.max() * 1.01, _TABLE_SIZE)
        power = pyccl.linear_matter_power(self._model, table * self._h, a) * self._h**3
        return np.exp(np.interp(np.log(k), np.log(table), np.log(power)))

    def profiles(self, k: FloatArray, a: float) -> FloatArray:
        """Return the transformed profiles at k in h/Mpc, 1 at k = 0, shape (masses, ...)."""
        table = np.geomspace(k.min() * 0.99, k.max() * 1.01, _TABLE_SIZE)
        values = self._profile.fourier(self._model, table * self._h, self._solar, a)
        values /= self._solar[:, None]
        return np.stack([np.interp(np.log(k), np.log(table), each) for each in values])


def _grouped(shapes: FloatArray, weights: FloatArray) -> tuple[IntArray, FloatArray]:
    """Group profiles of similar width, so that each group is transformed once a map.

    Parameters
    ----------
    shapes : float64 array, shape (n, ...)
        Transformed profiles.
    weights : float64 array, shape (n,)
        Of each profile in the one-halo power.

    Returns
    -------
    group : int array, shape (n,)
    profiles : float64 array, shape (profiles, ...)
        Root of the mean square in each group, which keeps the one-halo power.
    """
    # The mean over the modes falls with the width; a single mode would not, since profiles that
    # end at a radius oscillate.
    width = shapes.reshape(len(shapes), -1).mean(axis=1)
    edges = np.quantile(width, np.linspace(0, 1, _PROFILES + 1)[1:-1])
    group = np.digitize(width, edges)
    profiles = [
        np.sqrt(np.average(shapes[group == each] ** 2, axis=0, weights=weights[group == each]))
        for each in range(_PROFILES)
    ]
    return group, np.stack(profiles)


def _cell_window(cells: int) -> FloatArray:
    """Return the transform of a cell: the map is the mean over cells."""
    window = np.sinc(np.fft.fftfreq(cells))[:, None] * np.sinc(np.fft.rfftfreq(cells))
    return np.asarray(window)


def halo_map(model: HaloModel, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a convergence map; its opposite edges join.

    Parameters
    ----------
    model : HaloModel
    rng : numpy.random.Generator

    Returns
    -------
    float32 array, shape (N, N)
        Convergence (dimensionless).

    Examples
    --------
    >>> from cosmogan_k3.simulation.cosmology import Cosmology
    >>> model = halo_model(Background(Cosmology()), 1.0, pixels=16, field_deg=5.0)
    >>> halo_map(model, np.random.default_rng(0)).shape
    (16, 16)
    """
    cells = _FINE * model.pixels
    shape = cells, cells
    haloes = np.zeros((_PROFILES, *shape))
    smooth = np.zeros(shape)
    for shell in range(len(model.gaussian)):
        noise = fft.rfft2(rng.standard_normal(shape))
        g = fft.irfft2(noise * model.gaussian[shell], s=shape)
        smooth += model.smooth[shell] * np.expm1(g - model.half_variance[shell])
        _add_haloes(
            haloes.reshape(_PROFILES, -1),
            g.ravel(),
            model.highest[shell],
            (model.expected[shell], model.cumulative[shell]),
            (model.kappa[shell], model.profile[shell]),
            rng,
        )
    modes = (fft.rfft2(haloes) * model.profiles).sum(axis=0)
    kappa = fft.irfft2(modes, s=shape) + smooth - model.mean.sum()
    blocks = kappa.reshape(model.pixels, _FINE, model.pixels, _FINE)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


@compiled()
def _add_haloes(
    maps: FloatArray,
    g: FloatArray,
    highest: float,
    numbers: tuple[FloatArray, FloatArray],
    haloes: tuple[FloatArray, IntArray],
    rng: np.random.Generator,
) -> None:
    """Draw the haloes of a shell, and add each to the map of its profile."""
    expected, cumulative = numbers
    kappa, profile = haloes
    levels = len(expected)
    for cell in range(len(g)):
        level = round((g[cell] / highest + 1) / 2 * (levels - 1))
        level = min(max(level, 0), levels - 1)
        for _ in range(rng.poisson(expected[level])):
            mass = np.searchsorted(cumulative[level], rng.random())
            maps[profile[mass], cell] += kappa[mass]
