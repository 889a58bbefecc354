"""Sets of convergence maps that are reconstructed from maps of shear."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cosmogan_k3._typing import MapArray, Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.mapset import MapSet
from cosmogan_k3.maps.virtual import VirtualMaps, name_of_map, origin_of_maps, take_maps
from cosmogan_k3.survey.shear import convergence_from_shear


@dataclass(frozen=True, eq=False)
class ReconstructedMaps(VirtualMaps):
    """Maps of κ_E, reconstructed from the shear whenever they are indexed.

    Parameters
    ----------
    gamma1, gamma2 : array or VirtualMaps, shape (n, N, N)
    mask : bool array, shape (N, N), optional
        True where the shear is observed; elsewhere it counts as 0.

    Examples
    --------
    >>> gamma = np.random.default_rng(0).normal(size=(2, 3, 16, 16))
    >>> maps = ReconstructedMaps(*gamma)
    >>> maps.shape, maps.take([2, 0])[0].shape
    ((3, 16, 16), (16, 16))
    """

    gamma1: MapArray
    gamma2: MapArray
    mask: Mask | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (n, N, N)."""
        n, rows, columns = self.gamma1.shape
        return n, rows, columns

    @property
    def origin(self) -> str:
        """Where the shear comes from."""
        return f"reconstructed from shear, {origin_of_maps(self.gamma1)}"

    def name_of(self, index: int) -> str:
        """Return the name of a map, for messages; see ``VirtualMaps``."""
        return f"shear, {name_of_map(self.gamma1, index)}"

    def selected(self, indices: Any) -> "ReconstructedMaps":
        """Return the maps of some indices; see ``VirtualMaps``."""
        gamma1, gamma2 = take_maps(self.gamma1, indices), take_maps(self.gamma2, indices)
        return ReconstructedMaps(gamma1, gamma2, self.mask)

    def __getitem__(self, key: Any) -> Maps:
        gamma = np.stack([self.gamma1[key], self.gamma2[key]])
        if self.mask is not None:
            gamma = np.where(self.mask, gamma, 0)
        pixels = gamma.shape[-2:]
        kappa = np.empty(gamma.shape[1:], np.float32)
        # One map at a time, so that no other map changes its last bit.
        maps = zip(*gamma.reshape(2, -1, *pixels), kappa.reshape(-1, *pixels), strict=True)
        for gamma1, gamma2, reconstructed in maps:
            reconstructed[:] = convergence_from_shear(gamma1, gamma2)[0]
        return kappa


def reconstruct_set(gamma1: MapSet, gamma2: MapSet, *, mask: Mask | None = None) -> MapSet:
    """Return the convergence κ_E of two sets of shear maps, as ``convergence_from_shear`` does.

    Parameters
    ----------
    gamma1, gamma2 : MapSet
        The components of the shear of the same maps.
    mask : bool array, shape (N, N), optional
        True where the shear is observed. Other pixels, NaN included, are never read.

    Returns
    -------
    MapSet
        Its maps are computed when they are indexed.

    Raises
    ------
    InputError
        Sets of two shapes, pixel sizes or orders.

    Examples
    --------
    >>> zeros = MapSet(np.zeros((3, 16, 16), "float32"), pixel_arcmin=2.0)
    >>> len(reconstruct_set(zeros, zeros))
    3
    """
    same = (
        tuple(gamma1.kappa.shape) == tuple(gamma2.kappa.shape)
        and gamma1.pixel_arcmin == gamma2.pixel_arcmin
        and np.array_equal(gamma1.map_id, gamma2.map_id)
    )
    if not same:
        raise InputError(
            "the components of the shear must be those of the same maps. "
            f"Received: {gamma1.describe()}; {gamma2.describe()}"
        )
    kappa = ReconstructedMaps(gamma1.kappa, gamma2.kappa, mask)
    return replace(gamma1, kappa=kappa, quantity="kappa")
