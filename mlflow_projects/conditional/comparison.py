"""Distances between generated and simulated maps at each held-out cosmology, with their nulls."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from cosmogan_k3._typing import FloatMaps
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import Validation, null_halves, power_spectrum

Record: TypeAlias = dict[str, Any]  # comparison at one cosmology

# Added to the seed: the comparison has other latents than the training.
TEST_SEED = 1_000_003

# Divisions of the boxes into halves that distances are averaged over.
DIVISIONS = 6

DISTANCES = {
    "power_spectrum_error_mean": "mean \\|ΔP/P\\|",
    "ks_pixels_distance": "KS distance of pixels",
    "peak_counts_error": "Σ\\|Δ peaks\\|/Σ peaks",
}


def compare(emulators: Mapping[str, Emulator], held: MapSet, *, seed: int) -> list[Record]:
    """Compare the maps of each emulator with the simulated ones, cosmology by cosmology.

    Parameters
    ----------
    emulators : mapping of str to Emulator
        Conditional on the same parameters.
    held : MapSet
        Simulated maps of cosmologies without training maps.
    seed : int
        Of the training.

    Returns
    -------
    list of dict
        For each cosmology its parameters, spectra and distances: those of each emulator, "null"
        between halves of the simulated boxes, and "neighbour" to the nearest other cosmology.
    """
    names = next(iter(emulators.values())).conditioning.names
    points = np.stack([held.parameters[name] for name in names], axis=1)
    cosmologies, of_map = np.unique(points, axis=0, return_inverse=True)
    sets = [held.take(np.flatnonzero(of_map == i)) for i in range(len(cosmologies))]
    records = []
    for cosmology, real, nearest in zip(cosmologies, sets, neighbours(cosmologies), strict=True):
        parameters = dict(zip(names, cosmology.tolist(), strict=True))
        drawn = {
            name: emulator.sample(len(real), seed=seed + TEST_SEED, parameters=parameters)
            for name, emulator in emulators.items()
        }
        records.append(parameters | compared(real, drawn, sets[nearest]))
    return records


def neighbours(points: np.ndarray) -> list[int]:
    """Return the index of the nearest other point, in units of the scatter of all."""
    if len(points) == 1:
        return [0]
    scaled = points / points.std(axis=0)
    distances = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1).tolist()


def compared(real: MapSet, drawn: Mapping[str, FloatMaps], neighbour: MapSet) -> Record:
    """Return distances and spectra of maps of one cosmology.

    Every distance compares half of the simulated boxes with as many maps: of the other half (the
    null), of an emulator, or of another cosmology.
    """
    sets = {name: np.asarray(maps) for name, maps in drawn.items()}
    sets["neighbour"] = np.asarray(neighbour.kappa)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("null", *sets)}
    kappa = np.asarray(real.kappa)
    for division in range(DIVISIONS):
        first, second = null_halves(len(real), division, real.map_id)
        validation = Validation(kappa[first], pixel_arcmin=real.pixel_arcmin)
        found["null"].append(validation.distances(kappa[second]))
        rng = np.random.default_rng(division)
        for name, maps in sets.items():
            chosen = rng.choice(len(maps), len(second), replace=False)
            found[name].append(validation.distances(maps[chosen]))
    ell, power = power_spectrum(kappa, pixel_arcmin=real.pixel_arcmin)
    spectra = {"ell": ell.tolist(), "simulated_power": power.mean(axis=0).tolist()}
    for name, maps in drawn.items():
        power = power_spectrum(maps, pixel_arcmin=real.pixel_arcmin)[1]
        spectra[f"{name}_power"] = power.mean(axis=0).tolist()
    return {name: averaged(rows) for name, rows in found.items()} | spectra


def averaged(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each distance over the divisions."""
    return {name: float(np.mean([row[name] for row in rows])) for name in DISTANCES}
