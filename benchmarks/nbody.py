"""The particle mesh against pyccl: matter power, convergence power, resolution, time and memory.

python -m benchmarks.nbody --boxes 4 --maps 500 --processes 2 --out nbody.json
"""

import argparse
import itertools
import json
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyccl

from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.cut_maps import cut_map_power
from cosmogan_k3.simulation.nbody.evolve import Box, evolve
from cosmogan_k3.simulation.nbody.light_cone import light_cone, nbody_maps
from cosmogan_k3.simulation.nbody.matter_power import matter_power
from cosmogan_k3.simulation.theory import ccl_model
from cosmogan_k3.statistics.fourier import half_plane_wavenumbers, half_plane_weights

_FIELD, _PIXELS, _REDSHIFT = 5.0, 64, 1.0
_EDGES = np.array([0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.1, 1.6, 2.3])
_ELL = np.array([60, 100, 150, 220, 330, 480, 700, 1000, 1300, 1500, 1800, 2304])


def matter(particles, seed):
    """Return P(k) of one box over halofit and over an emulator, at z = 1 and 0."""
    background = Background(Cosmology())
    cone = light_cone(background, _REDSHIFT, _FIELD, particles=particles)
    box = Box(background, cone.box.side, particles)
    outputs = (0.5, 1.0)
    model = ccl_model(background.cosmology)
    # Of Mira-Titan, whose range ends at this baryon density: 4 % below ours, P(k) by 0.3 %.
    near = replace(background.cosmology, omega_b=0.0478)
    emulator = ccl_model(near, pyccl.CosmicemuMTIIPk("tot"))
    h = background.cosmology.h
    ratios = []
    for a, positions in zip(
        outputs, evolve(box, outputs, np.random.default_rng(seed)), strict=True
    ):
        k, power = matter_power(positions, box.mesh, box.side, _EDGES)
        power -= box.side**3 / particles**3  # shot noise: 2 % of the power at k = 2 h/Mpc
        theory = pyccl.nonlin_matter_power(model, k * h, a) * h**3
        emulated = pyccl.nonlin_matter_power(emulator, k * h, a) * h**3
        ratios.append([(power / theory).tolist(), (power / emulated).tolist()])
    return ratios


def maps(count, particles, seed):
    """Return maps of one box, seconds of one core and peak memory in MB."""
    cone = light_cone(Background(Cosmology()), _REDSHIFT, _FIELD, particles=particles)
    start = time.process_time()
    kappa = nbody_maps(cone, range(count), pixels=_PIXELS, seed=np.random.SeedSequence(seed))
    seconds = time.process_time() - start
    return kappa, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def plane_power(ell):
    """Return the halofit spectrum of the sum over the lens planes, as the maps are made."""
    background = Background(Cosmology())
    planes = light_cone(background, _REDSHIFT, _FIELD, particles=160).planes
    model, h = ccl_model(background.cosmology), background.cosmology.h
    table = np.geomspace(ell.min(), ell.max(), 300)
    total = 0
    for distance, a, weight in zip(
        planes.distance, planes.scale_factor, planes.weight, strict=True
    ):
        k = np.clip(table / distance, 1e-4, 200)
        power = pyccl.nonlin_matter_power(model, k * h, a) * h**3
        total = total + weight**2 / planes.thickness / distance**2 * power
    return np.exp(np.interp(np.log(ell), np.log(table), np.log(total)))


def binned(power):
    modes = half_plane_wavenumbers(_PIXELS) * 360 / _FIELD
    weights = half_plane_weights(_PIXELS)
    return np.array(
        [
            np.average(power[inside], weights=weights[inside])
            for inside in ((modes > a) & (modes <= b) for a, b in itertools.pairwise(_ELL))
        ]
    )


def one_point(kappa):
    x = kappa.astype(float)
    x -= x.mean()
    std = x.std()
    peaks = np.ones(kappa[:, 1:-1, 1:-1].shape, bool)
    for row, column in ((r, c) for r in range(3) for c in range(3) if (r, c) != (1, 1)):
        peaks &= x[:, 1:-1, 1:-1] > x[:, row : row + _PIXELS - 2, column : column + _PIXELS - 2]
    heights = x[:, 1:-1, 1:-1][peaks] / std
    return {
        "std": std,
        "skewness": (x**3).mean() / std**3,
        "kurtosis": (x**4).mean() / std**4 - 3,
        **{f"peaks>{nu}": float((heights > nu).sum() / len(kappa)) for nu in (1, 2, 3, 5)},
    }


def report(boxes, count, particles, processes, first):
    seeds = range(first, first + boxes)
    with ProcessPoolExecutor(processes) as pool:
        drawn = list(pool.map(partial(maps, count, particles), seeds))
        ratios = np.array(list(pool.map(partial(matter, particles), seeds)))
    kappa = np.concatenate([each[0] for each in drawn])
    spectrum = (np.abs(np.fft.rfft2(kappa)) ** 2).mean(axis=0)
    spectrum *= (np.deg2rad(_FIELD) / _PIXELS**2) ** 2
    expected = cut_map_power(plane_power, pixels=_PIXELS, field_deg=_FIELD)
    return {
        "particles": particles,
        "boxes": boxes,
        "maps": len(kappa),
        "seconds of a core a box": [round(each[1], 1) for each in drawn],
        "peak MB": max(each[2] for each in drawn),
        "k": _EDGES.tolist(),
        **{
            f"P(k)/{theory} z={redshift}": ratios[:, row, column].mean(axis=0).round(3).tolist()
            for row, redshift in enumerate((1, 0))
            for column, theory in enumerate(("halofit", "CosmicEmu"))
        },
        "ell": _ELL.tolist(),
        "P(l)/halofit": (binned(spectrum) / binned(expected)).round(3).tolist(),
        "one point": {key: round(float(value), 5) for key, value in one_point(kappa).items()},
        "std of each box": [round(float(each[0].std()), 5) for each in drawn],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=4)
    parser.add_argument("--maps", type=int, default=500, help="maps a box")
    parser.add_argument("--particles", type=int, default=160)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="nbody.json")
    options = parser.parse_args()
    result = report(options.boxes, options.maps, options.particles, options.processes, options.seed)
    Path(options.out).write_text(json.dumps(result, indent=1))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
