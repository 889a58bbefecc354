"""Write what LensTools measures on maps to ``tests/statistics/lenstools.json``.

    python benchmarks/lenstools_oracle.py FOLDER tests/statistics/lenstools.json

This needs a Python with LensTools. Its release 1.2 does not build with current tools, so install it
from its repository: ``pip install git+https://github.com/apetri/LensTools@55e3885``.

Two kinds of maps are measured: the corner ``[:256, :256]`` of N-body maps in FITS files in FOLDER,
which are not part of this repository, and two synthetic maps, which are written to
``lenstools_maps.npz`` beside the JSON file.
"""

import argparse
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from lenstools import ConvergenceMap
from numpy.typing import NDArray

COMMIT = "55e38851f5fdb061cb484da334bb5ab9b26651b2"
PIXELS = 256
PIXEL_ARCMIN = {
    "lenstools_z150.fit": 3.5 * 60 / 512,
    "lenstools_z55.fit": 3.5 * 60 / 512,
    "kappatng_360.fits": 0.293,
}
SYNTHETIC_PIXELS = 96
SYNTHETIC_PIXEL_ARCMIN = 0.7
SMOOTHING_ARCMIN = 2.0


def synthetic_maps() -> dict[str, NDArray[np.float32]]:
    """Draw a periodic Gaussian map with P ∝ exp(−k²θ²), and a lognormal map made from another.

    Returns
    -------
    dict of str to float32 array, shape (96, 96)
        κ by name.
    """
    rng = np.random.default_rng(20160706)
    sides = SYNTHETIC_PIXELS, SYNTHETIC_PIXELS
    rows, columns = np.fft.fftfreq(SYNTHETIC_PIXELS), np.fft.rfftfreq(SYNTHETIC_PIXELS)
    amplitude = np.exp(-np.add.outer(rows**2, columns**2) * (2 * np.pi * 1.5) ** 2 / 2)
    g, h = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(2, *sides))) * amplitude, s=sides)
    maps = {"gaussian": 0.02 * g / g.std(), "lognormal": 0.03 * np.expm1(0.6 * h / h.std())}
    return {name: kappa.astype(np.float32) for name, kappa in maps.items()}


def measure(kappa: NDArray[Any], pixel_arcmin: float) -> dict[str, Any]:
    """Measure one map with LensTools.

    Parameters
    ----------
    kappa : float array, shape (N, N)
        κ.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    dict of str to float or list of float
        Pixel size, edges of the bins, and the statistics.
    """
    kappa = kappa.astype(np.float64)
    pixels = len(kappa)
    # Edges without a simple relation to ℓ or κ of any mode or pixel.
    last = 177.7 if pixels == PIXELS else 0.69 * pixels
    ell_edges = 360 * 60 / (pixels * pixel_arcmin) * np.linspace(0.77, last, 26)
    thresholds = kappa.std() * np.linspace(-2.03, 5.01, 41)
    map_ = ConvergenceMap(kappa, angle=pixels * pixel_arcmin * u.arcmin)
    _, power = map_.powerSpectrum(ell_edges)
    _, density = map_.peakCount(thresholds)
    _, v0, v1, v2 = map_.minkowskiFunctionals(thresholds)
    smoothed = map_.smooth(SMOOTHING_ARCMIN * u.arcmin, kind="gaussianFFT").data
    centred = ConvergenceMap(smoothed - smoothed.mean(), angle=map_.side_angle)
    sigma = centred.moments()[0]
    _, _, skewness, _, _, kurtosis, *_ = centred.moments(connected=True, dimensionless=True)
    numbers = {
        "ell_edges": ell_edges,
        "power": power,
        "thresholds": thresholds,
        "peaks": np.rint(density * np.diff(thresholds)),
        "v0": v0,
        "v1": v1,
        "v2": v2,
        "smoothed_moments": [smoothed.mean(), sigma**2, skewness, kurtosis],
    }
    return {"pixel_arcmin": pixel_arcmin} | {
        name: [float(x) for x in values] for name, values in numbers.items()
    }


def measure_file(path: Path, pixel_arcmin: float) -> dict[str, Any]:
    """Measure the corner of a map in a FITS file with LensTools.

    Parameters
    ----------
    path : Path
        FITS file with κ in its first unit.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    dict of str to float or list of float
        As ``measure``.
    """
    with fits.open(path) as file:
        return measure(file[0].data[:PIXELS, :PIXELS], pixel_arcmin)


def main() -> None:
    """Measure all maps and write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    synthetic = synthetic_maps()
    np.savez_compressed(arguments.out.with_name("lenstools_maps.npz"), **synthetic)
    files = {
        name: measure_file(arguments.folder / name, pixel) for name, pixel in PIXEL_ARCMIN.items()
    }
    result = {
        "lenstools": importlib.metadata.version("lenstools"),
        "commit": COMMIT,
        "pixels": PIXELS,
        "smoothing_arcmin": SMOOTHING_ARCMIN,
        "maps": files
        | {name: measure(kappa, SYNTHETIC_PIXEL_ARCMIN) for name, kappa in synthetic.items()},
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
