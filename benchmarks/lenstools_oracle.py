"""Write what LensTools measures on N-body maps to ``tests/statistics/lenstools.json``.

    python benchmarks/lenstools_oracle.py FOLDER tests/statistics/lenstools.json

with a Python that has LensTools (its released 1.2 does not build any more, so from its repository:
``pip install git+https://github.com/apetri/LensTools@55e3885``). FOLDER holds the maps in FITS files; of each, the
corner ``[:256, :256]`` is measured. Only numbers are stored, no maps.
"""

import argparse
import importlib.metadata
import json
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.io import fits
from lenstools import ConvergenceMap

COMMIT = "55e38851f5fdb061cb484da334bb5ab9b26651b2"
PIXELS = 256
PIXEL_ARCMIN = {
    "lenstools_z150.fit": 3.5 * 60 / 512,
    "lenstools_z55.fit": 3.5 * 60 / 512,
    "kappatng_360.fits": 0.293,
}
SMOOTHING_ARCMIN = 2.0


def measure(path, pixel_arcmin):
    with fits.open(path) as file:
        kappa = file[0].data[:PIXELS, :PIXELS].astype(np.float64)
    # Edges without a simple relation to ℓ or κ of any mode or pixel.
    ell_edges = 360 * 60 / (PIXELS * pixel_arcmin) * np.linspace(0.77, 177.7, 26)
    thresholds = kappa.std() * np.linspace(-2.03, 5.01, 41)
    map_ = ConvergenceMap(kappa, angle=PIXELS * pixel_arcmin * u.arcmin)
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    result = {
        "lenstools": importlib.metadata.version("lenstools"),
        "commit": COMMIT,
        "pixels": PIXELS,
        "smoothing_arcmin": SMOOTHING_ARCMIN,
        "maps": {
            name: measure(arguments.folder / name, pixel) for name, pixel in PIXEL_ARCMIN.items()
        },
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
