"""Real against generated maps: metrics.json and figures. Needs no Keras."""

import json
from pathlib import Path

import numpy as np

from cosmogan_k3 import figures
from cosmogan_k3.data.writers import check_writable, replacing
from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics import null_halves, pixel_histogram, power_spectrum, summary_distances

HISTOGRAM_BINS = 60


def evaluate_maps(real, generated, *, seed=0, permutations=499):
    """Compare two sets of maps and draw the figures.

    Args:
        real, generated: ``MapSet`` of the same side and pixel size.
        seed: int, of the permutations and the null's split.
        permutations: int.

    Returns:
        ``(metrics, figures)``: the distances of ``summary_distances`` with the numbers of maps, and a dict of names to
        matplotlib figures.

    Raises:
        InputError: maps of different sides or pixel sizes, or fewer than two real maps.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.data import MapSet
        >>> maps = MapSet(np.random.default_rng(0).normal(size=(8, 16, 16)).astype("float32"), pixel_arcmin=2.0)
        >>> metrics, drawn = evaluate_maps(maps, maps, permutations=9)
        >>> metrics["power_spectrum_error_mean"], sorted(drawn)
        (0.0, ['maps', 'pixel_histogram', 'power_spectrum'])
    """
    if real.pixels != generated.pixels or not np.isclose(real.pixel_arcmin, generated.pixel_arcmin, rtol=1e-3):
        raise InputError(
            "Real and generated maps must have the same side and pixel size. Received: "
            f"{real.pixels} pixels of {real.pixel_arcmin:g} arcmin and {generated.pixels} of {generated.pixel_arcmin:g}"
        )
    if len(real) < 2:
        raise InputError(f"The null needs at least two real maps to halve. Received: {len(real)}")
    a, b = (np.asarray(maps.kappa, dtype=np.float32) for maps in (real, generated))
    scale = {"pixel_arcmin": real.pixel_arcmin}
    metrics = summary_distances(a, b, **scale, seed=seed, permutations=permutations)
    metrics |= {"real_maps": len(a), "generated_maps": len(b), "evaluation_seed": seed}
    edges = np.linspace(*np.percentile(a, [0.001, 99.999]), HISTOGRAM_BINS + 1)
    ell, real_power = power_spectrum(a, **scale)
    _, generated_power = power_spectrum(b, **scale)
    first, second = null_halves(len(a), seed)
    drawn = {
        "maps": figures.map_gallery(a, b, field_deg=real.field_deg),
        "pixel_histogram": figures.pixel_distribution(
            edges,
            pixel_histogram(a, edges),
            pixel_histogram(b, edges),
            title=f"KS distance {metrics['ks_pixels_distance']:.4f} "
            f"(real against real {metrics['ks_pixels_distance_null']:.4f})",
        ),
        "power_spectrum": figures.power_spectrum_comparison(
            ell,
            real_power,
            generated_power,
            null_ratio=real_power[first].mean(axis=0) / real_power[second].mean(axis=0),
            title=f"mean |ΔP/P| {100 * metrics['power_spectrum_error_mean']:.1f} % "
            f"(real against real {100 * metrics['power_spectrum_error_mean_null']:.1f} %)",
        ),
    }
    return metrics, drawn


def write_evaluation(folder, metrics, drawn):
    """Write ``metrics.json`` and each figure as PNG, whole or not at all; return the paths.

    Raises:
        InputError: the folder cannot be written to.
    """
    folder = Path(folder)
    check_writable(folder)
    paths = []
    for name, figure in drawn.items():
        paths.append(folder / f"{name}.png")
        with replacing(paths[-1]) as partial:
            figure.savefig(partial, dpi=110)
    paths.append(folder / "metrics.json")
    with replacing(paths[-1]) as partial:
        partial.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n")
    return paths


def summary(metrics):
    """The distances and their nulls as a few aligned lines."""
    lines = [f"{'':28}{'generated':>12}{'real vs real':>14}"]
    names = (n for n in metrics if f"{n}_null" in metrics)
    lines += [f"{name:28}{metrics[name]:12.4f}{metrics[f'{name}_null']:14.4f}" for name in names]
    return "\n".join(lines)
