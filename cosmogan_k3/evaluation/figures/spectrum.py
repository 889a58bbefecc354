"""The power spectra of real and generated maps."""

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import FloatArray, Rows
from cosmogan_k3.evaluation.figures.style import BEFORE, GENERATED, INK, REAL, new_figure


def power_spectrum_comparison(
    ell: FloatArray,
    real_power: Rows,
    generated_power: Rows,
    *,
    null_ratio: FloatArray | None = None,
    title: str = "",
) -> Figure:
    """Draw mean P(ℓ) with the scatter between maps, and the ratio of the means.

    Parameters
    ----------
    ell : float array (bins,)
        Multipoles.
    real_power, generated_power : float array (n, bins)
        P(ℓ) of each map in steradian.
    null_ratio : float array (bins,), optional
        Ratio of the mean of other real maps to that of the real maps, or of two halves.
    title : str, default ""
        Text above the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> power = np.random.default_rng(0).lognormal(size=(2, 9, 5))
    >>> len(power_spectrum_comparison(np.arange(1.0, 6.0), *power).axes)
    2
    """
    figure, (top, bottom) = new_figure(5, 3.7, rows=2, sharex=True, height_ratios=(3, 1.6))
    factor = ell * (ell + 1) / (2 * np.pi)
    for name, power, colour, dashes in (
        ("real", real_power, REAL, "-"),
        ("generated", generated_power, GENERATED, "--"),
    ):
        low, high = np.percentile(power, [16, 84], axis=0)
        top.fill_between(ell, factor * low, factor * high, color=colour, alpha=0.2, lw=0)
        top.plot(
            ell,
            factor * power.mean(axis=0),
            dashes,
            color=colour,
            label=f"{name}, mean and 68 % of maps",
        )
    mean = real_power.mean(axis=0)
    error = real_power.std(axis=0) / np.sqrt(len(real_power)) / mean
    bottom.fill_between(
        ell, 1 - 2 * error, 1 + 2 * error, color=REAL, alpha=0.25, lw=0, label="2σ of the real mean"
    )
    if null_ratio is not None:
        bottom.plot(ell, null_ratio, color=BEFORE, lw=1, label="real against real")
    ratio = generated_power.mean(axis=0) / mean
    bottom.plot(ell, ratio, color=GENERATED)
    bottom.axhline(1, color=INK, lw=0.8)
    reach = max(0.1, min(0.5, 1.2 * float(np.abs(ratio - 1).max())))
    bottom.set(xlabel="multipole ℓ", ylabel="generated / real", ylim=(1 - reach, 1 + 1.6 * reach))
    bottom.legend(frameon=False, fontsize="small", ncols=2)
    top.set(xscale="log", yscale="log", ylabel="ℓ(ℓ+1) P(ℓ) / 2π")
    top.set_title(title, fontsize="medium")
    top.legend(frameon=False, fontsize="small")
    return figure
