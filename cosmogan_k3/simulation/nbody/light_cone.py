"""Convergence maps of random light cones through a box."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import FloatArray, Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.simulation.background import Background, LensPlanes
from cosmogan_k3.simulation.nbody.evolve import Box, evolve
from cosmogan_k3.simulation.nbody.mesh import Particles
from cosmogan_k3.simulation.nbody.planes import (
    NODES_PER_MESH,
    add_pixels,
    projected_slabs,
    summed_area,
)

_SMALLEST_BOX = 200.0  # Mpc/h: smaller ones lack the long waves that bias the haloes
_FEWEST_PLANES, _MOST_PLANES = 8, 16
_LARGEST_FIELD_DEG = 15.0
_SYMMETRIES = 8
_AXES = 3


@dataclass(frozen=True)
class LightCone:
    """A field of view through periodic copies of a box, in the Born approximation.

        κ = Σ w_i δ_i

    In each lens plane a map sees a random slab of the box: along one of its three axes, shifted and
    turned or reflected at random. One box gives hundreds of maps that are nearly independent.

    Parameters
    ----------
    box : Box
    planes : LensPlanes
    slabs : int
        Slabs in the box along an axis.
    field_deg : float
        Side of the field in degrees.

    References
    ----------
    Petri, Haiman & May 2016 (arXiv 1601.06792): how many maps a box gives.
    """

    box: Box
    planes: LensPlanes
    slabs: int
    field_deg: float

    @property
    def resolved_ell(self) -> float:
        """Multipole up to which the mesh has the power of theory to about 5 %.

        That of two cells at half the distance of the sources. Measured with 128³ and 160³ particles
        (docs/development/simulation.md).
        """
        source = len(self.planes) * self.planes.thickness
        return self.box.cells * source / 2


def light_cone(
    background: Background, source_redshift: float, field_deg: float, *, particles: int
) -> LightCone:
    """Choose the smallest box that the field fits into at the sources.

    Parameters
    ----------
    background : Background
    source_redshift : float
    field_deg : float
        Side of the field in degrees.
    particles : int
        Particles on a side of the box.

    Returns
    -------
    LightCone

    Raises
    ------
    InputError
        A field above 15 degrees, where the sky is not flat.

    Examples
    --------
    >>> from cosmogan_k3.simulation.cosmology import Cosmology
    >>> cone = light_cone(Background(Cosmology()), 1.0, 5.0, particles=160)
    >>> round(cone.box.side), len(cone.planes), cone.slabs
    (210, 11, 1)
    """
    if field_deg > _LARGEST_FIELD_DEG:
        raise InputError(
            f"a light cone is at most {_LARGEST_FIELD_DEG:g} degrees wide, since the sky is taken "
            f"to be flat. Received: {field_deg}",
            parameter="field_deg",
        )
    source = float(background.distance(source_redshift))
    smallest = max(_SMALLEST_BOX, np.deg2rad(field_deg) * source)

    def choice(planes: int) -> tuple[float, int, int]:
        thickness = source / planes
        slabs = int(np.ceil(smallest / thickness))
        return slabs * thickness, planes, slabs

    side, planes, slabs = min(choice(n) for n in range(_FEWEST_PLANES, _MOST_PLANES + 1))
    box = Box(background, side, particles)
    return LightCone(box, background.lens_planes(source_redshift, planes), slabs, field_deg)


def nbody_maps(
    cone: LightCone, numbers: range, *, pixels: int, seed: np.random.SeedSequence
) -> Maps:
    """Evolve a box and cut convergence maps from it.

    Parameters
    ----------
    cone : LightCone
    numbers : range
        Numbers of the maps in the box; a map does not depend on the others.
    pixels : int
        Side N of a map in pixels.
    seed : numpy.random.SeedSequence
        Of the box.

    Returns
    -------
    float32 array, shape (len(numbers), N, N)
        Convergence (dimensionless).

    Examples
    --------
    >>> from cosmogan_k3.simulation.cosmology import Cosmology
    >>> cone = light_cone(Background(Cosmology()), 1.0, 5.0, particles=16)
    >>> nbody_maps(cone, range(3), pixels=16, seed=np.random.SeedSequence(0)).shape
    (3, 16, 16)
    """
    planes = cone.planes
    views = _views(_child(seed, 1), numbers, len(planes), cone.slabs)
    maps = np.zeros((len(numbers), pixels, pixels))
    nodes_per_mpc = NODES_PER_MESH * cone.box.cells
    rng = np.random.default_rng(_child(seed, 0))
    snapshots = evolve(cone.box, planes.scale_factor[::-1].tolist(), rng)
    for plane, positions in zip(reversed(range(len(planes))), snapshots, strict=True):
        width = np.deg2rad(cone.field_deg) * planes.distance[plane] * nodes_per_mpc
        _add_plane(
            maps, views[:, plane], positions, cone, width / pixels, float(planes.weight[plane])
        )
    return maps.astype(np.float32)


def _add_plane(
    maps: FloatArray,
    views: NDArray[np.void],
    positions: Particles,
    cone: LightCone,
    pixel: float,
    weight: float,
) -> None:
    """Add what each map sees of a lens plane; ``pixel`` is its side in nodes of the plane."""
    for axis in np.unique(views["axis"]):
        slabs = projected_slabs(positions, axis, cone.slabs, cone.box.mesh)
        for slab in np.unique(views["slab"]):
            table = summed_area(slabs[slab])
            for number in np.flatnonzero((views["axis"] == axis) & (views["slab"] == slab)):
                view = views[number]
                corner = view["corner"] * slabs.shape[-1]
                add_pixels(table, corner, pixel, view["symmetry"], weight, maps[number])


def _child(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """Return one of the independent streams of a seed."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))


def _views(
    seed: np.random.SeedSequence, numbers: range, planes: int, slabs: int
) -> NDArray[np.void]:
    """Return what each map sees in each plane, shape (len(numbers), planes)."""
    views = np.empty(
        (len(numbers), planes),
        [("axis", int), ("slab", int), ("symmetry", int), ("corner", float, 2)],
    )
    for row, number in enumerate(numbers):
        rng = np.random.default_rng(_child(seed, number))
        views["axis"][row] = rng.integers(0, _AXES, planes)
        views["slab"][row] = rng.integers(0, slabs, planes)
        views["symmetry"][row] = rng.integers(0, _SYMMETRIES, planes)
        views["corner"][row] = rng.random((planes, 2))
    return views
