"""Time every statistic on one thread: milliseconds a map, and LensTools beside it where it can be imported.

python benchmarks/statistics.py --maps 50 --pixels 256 --out times.json
"""
# ruff: noqa: E402 - the number of threads has to be set before NumPy is imported

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
# Running a script puts its own folder first, where this file would hide the standard library's module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from scipy import fft

from cosmogan_k3 import statistics

PIXEL_ARCMIN = 1.0


def lognormal_maps(n, pixels):
    """Skewed maps with a red spectrum, float32, of zero mean."""
    rng = np.random.default_rng(0)
    k = np.hypot(fft.fftfreq(pixels)[:, None], fft.rfftfreq(pixels))
    amplitude = np.exp(-(k**2) * 20) / (0.02 + k)
    field = fft.irfft2(
        fft.rfft2(rng.normal(size=(n, pixels, pixels))) * amplitude, s=(pixels, pixels)
    )
    maps = np.exp(0.7 * field / field.std())
    return (0.02 * (maps - maps.mean())).astype(np.float32)


def our_statistics(maps):
    thresholds = maps.std() * np.linspace(-3, 5, 51)
    scales = [0, 1, 2, 5, 10]
    half = len(maps) // 2
    battery = statistics.SummaryStatistics(maps, pixel_arcmin=PIXEL_ARCMIN)
    return {
        "power_spectrum": lambda: statistics.power_spectrum(maps, pixel_arcmin=PIXEL_ARCMIN),
        "pixel_histogram": lambda: statistics.pixel_histogram(maps, thresholds),
        "peak_counts": lambda: statistics.peak_counts(maps, thresholds),
        "minima_counts": lambda: statistics.minima_counts(maps, thresholds),
        "minkowski_functionals": lambda: statistics.minkowski_functionals(
            maps, thresholds, pixel_arcmin=PIXEL_ARCMIN
        ),
        "smoothed_moments": lambda: statistics.smoothed_moments(
            maps, pixel_arcmin=PIXEL_ARCMIN, scales_arcmin=scales
        ),
        "starlet_l1_norm": lambda: statistics.starlet_l1_norm(maps, thresholds),
        "bispectrum": lambda: statistics.bispectrum(maps, pixel_arcmin=PIXEL_ARCMIN),
        "scattering": lambda: statistics.scattering_coefficients(maps),
        "whole battery": lambda: battery.measure(maps),
        "ks_pixels": lambda: statistics.ks_pixels(maps[:half], maps[half:]),
        "pca_projection": lambda: statistics.pca_projection(maps[:half], maps[half:]),
    }


def lenstools_statistics(maps):
    try:
        import astropy.units as u
        from lenstools import ConvergenceMap
    except ImportError:
        return {}
    pixels = maps.shape[1]
    thresholds = maps.std() * np.linspace(-3, 5, 51)
    edges = statistics.integer_mode_edges(pixels, PIXEL_ARCMIN)

    def each(measure):
        # A fresh object every time: it keeps its derivatives.
        return lambda: [
            measure(ConvergenceMap(m, angle=pixels * PIXEL_ARCMIN * u.arcmin)) for m in maps
        ]

    return {
        "power_spectrum": each(lambda m: m.powerSpectrum(edges)),
        "pixel_histogram": each(lambda m: m.pdf(thresholds)),
        "peak_counts": each(lambda m: m.peakCount(thresholds)),
        "minkowski_functionals": each(lambda m: m.minkowskiFunctionals(thresholds)),
    }


def milliseconds(measure, maps, repeats):
    """Median time of the processor for a map: what other programs take does not count."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        measure()
        times.append(time.process_time() - start)
    return float(np.median(times)) / maps * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=50)
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the table as JSON")
    arguments = parser.parse_args()
    maps = lognormal_maps(arguments.maps, arguments.pixels)
    theirs = lenstools_statistics(maps)
    table = {}
    print(
        f"{arguments.maps} maps of {arguments.pixels}², one thread, median of {arguments.repeats}, ms a map"
    )
    print(f"{'statistic':24}{'cosmogan_k3':>12}{'LensTools':>12}{'ratio':>8}")
    for name, ours in our_statistics(maps).items():
        row = {"cosmogan_k3": milliseconds(ours, arguments.maps, arguments.repeats)}
        line = f"{name:24}{row['cosmogan_k3']:12.3f}"
        if name in theirs:
            row["lenstools"] = milliseconds(theirs[name], arguments.maps, arguments.repeats)
            line += f"{row['lenstools']:12.3f}{row['lenstools'] / row['cosmogan_k3']:8.1f}"
        table[name] = row
        print(line, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")
    if arguments.out:
        result = {
            "maps": arguments.maps,
            "pixels": arguments.pixels,
            "milliseconds_a_map": table,
            "peak_gib": peak,
        }
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
