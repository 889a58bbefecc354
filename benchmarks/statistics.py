"""Time of every statistic on one thread, in milliseconds per map, beside LensTools if installed.

python benchmarks/statistics.py --maps 50 --pixels 256 --out times.json
"""
# ruff: noqa: E402 - the number of threads must be set before NumPy is imported

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
# A script's own folder comes first, and this file would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from scipy import fft

from cosmogan_k3 import statistics
from cosmogan_k3._typing import Maps

PIXEL_ARCMIN = 1.0


def lognormal_maps(n: int, pixels: int) -> Maps:
    """Skewed maps with a red spectrum and zero mean."""
    rng = np.random.default_rng(0)
    k = np.hypot(fft.fftfreq(pixels)[:, None], fft.rfftfreq(pixels))
    amplitude = np.exp(-(k**2) * 20) / (0.02 + k)
    modes = fft.rfft2(rng.normal(size=(n, pixels, pixels))) * amplitude
    field = fft.irfft2(modes, s=(pixels, pixels))
    maps = np.exp(0.7 * field / field.std())
    return (0.02 * (maps - maps.mean())).astype(np.float32)


def our_statistics(maps: Maps) -> dict[str, Callable[[], Any]]:
    """Functions that compute one statistic of the maps each, by name."""
    thresholds = maps.std() * np.linspace(-3, 5, 51)
    scales = [0, 1, 2, 5, 10]
    half = len(maps) // 2
    pixel = {"pixel_arcmin": PIXEL_ARCMIN}
    summary = statistics.SummaryStatistics(maps, **pixel)
    return {
        "power_spectrum": lambda: statistics.power_spectrum(maps, **pixel),
        "pixel_histogram": lambda: statistics.pixel_histogram(maps, thresholds),
        "peak_counts": lambda: statistics.peak_counts(maps, thresholds),
        "minima_counts": lambda: statistics.minima_counts(maps, thresholds),
        "minkowski_functionals": lambda: statistics.minkowski_functionals(
            maps, thresholds, **pixel
        ),
        "betti_curves": lambda: statistics.betti_curves(maps, thresholds, periodic=False),
        "betti_curves, torus": lambda: statistics.betti_curves(maps, thresholds),
        "smoothed_moments": lambda: statistics.smoothed_moments(
            maps, scales_arcmin=scales, **pixel
        ),
        "starlet_l1_norm": lambda: statistics.starlet_l1_norm(maps, thresholds),
        "bispectrum": lambda: statistics.bispectrum(maps, **pixel),
        "scattering": lambda: statistics.scattering_coefficients(maps),
        "all of a comparison": lambda: summary.measure(maps),
        "ks_pixels": lambda: statistics.ks_pixels(maps[:half], maps[half:]),
        "pca_projection": lambda: statistics.pca_projection(maps[:half], maps[half:]),
    }


def lenstools_statistics(maps: Maps) -> dict[str, Callable[[], Any]]:
    """The same for LensTools; empty if it is not installed."""
    try:
        import astropy.units as u
        from lenstools import ConvergenceMap
    except ImportError:
        return {}
    pixels = maps.shape[1]
    angle = pixels * PIXEL_ARCMIN * u.arcmin
    thresholds = maps.std() * np.linspace(-3, 5, 51)
    edges = statistics.integer_mode_edges(pixels, PIXEL_ARCMIN)

    def each(measure: Callable[[Any], Any]) -> Callable[[], list[Any]]:
        # A new object every time, because it stores its derivatives.
        return lambda: [measure(ConvergenceMap(m, angle=angle)) for m in maps]

    return {
        "power_spectrum": each(lambda m: m.powerSpectrum(edges)),
        "pixel_histogram": each(lambda m: m.pdf(thresholds)),
        "peak_counts": each(lambda m: m.peakCount(thresholds)),
        "minkowski_functionals": each(lambda m: m.minkowskiFunctionals(thresholds)),
    }


def milliseconds(measure: Callable[[], Any], maps: int, repeats: int) -> float:
    """Median processor time per map; the time of other programs does not count."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        measure()
        times.append(time.process_time() - start)
    return float(np.median(times)) / maps * 1e3


def measure_all(maps: Maps, repeats: int) -> dict[str, dict[str, float]]:
    """Time all statistics and print one line for each."""
    theirs = lenstools_statistics(maps)
    times = {}
    for name, ours in our_statistics(maps).items():
        row = {"cosmogan_k3": milliseconds(ours, len(maps), repeats)}
        line = f"{name:24}{row['cosmogan_k3']:12.3f}"
        if name in theirs:
            row["lenstools"] = milliseconds(theirs[name], len(maps), repeats)
            line += f"{row['lenstools']:12.3f}{row['lenstools'] / row['cosmogan_k3']:8.1f}"
        times[name] = row
        print(line, flush=True)
    return times


def main() -> None:
    """Print a table of times and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=50)
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the table as JSON")
    arguments = parser.parse_args()
    size = f"{arguments.maps} maps of {arguments.pixels}²"
    print(f"{size}, one thread, median of {arguments.repeats}, ms per map")
    print(f"{'statistic':24}{'cosmogan_k3':>12}{'LensTools':>12}{'ratio':>8}")
    times = measure_all(lognormal_maps(arguments.maps, arguments.pixels), arguments.repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")
    if arguments.out:
        result = {
            "maps": arguments.maps,
            "pixels": arguments.pixels,
            "milliseconds_a_map": times,
            "peak_gib": peak,
        }
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
