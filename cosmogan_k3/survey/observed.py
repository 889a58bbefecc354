"""Whole sets of maps as a survey sees them, a map at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cosmogan_k3._typing import IntArray, MapArray, Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.mapset import MapSet
from cosmogan_k3.maps.stream import MapStream
from cosmogan_k3.maps.virtual import VirtualMaps, name_of_map, origin_of_maps, take_maps
from cosmogan_k3.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class ObservedMaps(VirtualMaps):
    """Maps as a survey sees them, computed whenever they are indexed.

    Parameters
    ----------
    maps : array or VirtualMaps, shape (n, N, N)
        κ without noise.
    numbers : int array, shape (n,)
        Number of each map, which determines its noise.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    survey : Survey
    stream : str, default ""
        Sets with different streams have independent noise.
    mask : bool array, shape (N, N), optional
        True where observed.

    Examples
    --------
    >>> zeros = np.zeros((3, 16, 16), "float32")
    >>> maps = ObservedMaps(zeros, np.arange(3), 2.0, Survey(galaxy_density=30.0))
    >>> bool((maps[1:][0] == maps[1]).all()), maps.take([2, 0]).shape
    (True, (2, 16, 16))
    """

    maps: MapArray
    numbers: IntArray
    pixel_arcmin: float
    survey: Survey
    stream: str = ""
    mask: Mask | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (n, N, N)."""
        n, rows, columns = self.maps.shape
        return n, rows, columns

    @property
    def origin(self) -> str:
        """Where the maps without noise come from."""
        return origin_of_maps(self.maps)

    def name_of(self, index: int) -> str:
        """Return the name of a map, for messages; see ``VirtualMaps``."""
        return name_of_map(self.maps, index)

    def selected(self, indices: Any) -> "ObservedMaps":
        """Return the maps of some indices; see ``VirtualMaps``."""
        return replace(self, maps=take_maps(self.maps, indices), numbers=self.numbers[indices])

    def __getitem__(self, key: Any) -> Maps:
        kappa = np.asarray(self.maps[key], np.float32)
        observed = self.survey.observe(
            kappa.reshape(-1, *self.shape[1:]),
            pixel_arcmin=self.pixel_arcmin,
            numbers=np.atleast_1d(self.numbers[key]),
            stream=self.stream,
            mask=self.mask,
        )
        return observed.reshape(kappa.shape)


def observe_set(maps: MapSet, survey: Survey, *, stream: str, mask: Mask | None = None) -> MapSet:
    """Return a set of maps as a survey sees it; maps are computed when they are indexed.

    Parameters
    ----------
    maps : MapSet
        κ without noise.
    survey : Survey
    stream : str
        Sets with different streams have independent noise.
    mask : bool array, shape (N, N), optional
        True where observed; other pixels become NaN.

    Returns
    -------
    MapSet
        Of the same maps, with ``Survey.numbers`` among their parameters.

    Raises
    ------
    InputError
        Maps that carry the noise or the smoothing of a survey already, or as ``Survey.check``.

    Examples
    --------
    >>> maps = MapSet(np.zeros((3, 16, 16), "float32"), pixel_arcmin=2.0)
    >>> observed = observe_set(maps, Survey(galaxy_density=30.0), stream="real")
    >>> round(float(np.std(observed.kappa)), 2), observed.parameters["galaxy_density"].tolist()
    (0.02, [30.0, 30.0, 30.0])
    """
    survey.check(maps.pixels, maps.pixel_arcmin, mask)
    _check_unobserved(maps, survey)
    kappa = ObservedMaps(maps.kappa, np.arange(len(maps)), maps.pixel_arcmin, survey, stream, mask)
    parameters = {**maps.parameters, **_constant(maps, survey)}
    return replace(maps, kappa=kappa, parameters=parameters, quantity=survey.quantity)


def observe_stream(
    maps: MapStream, survey: Survey, *, stream: str, first: int = 0, mask: Mask | None = None
) -> MapStream:
    """Return a stream of maps as a survey sees it.

    Parameters
    ----------
    maps : MapStream
        κ without noise.
    survey : Survey
    stream : str
        Sets with different streams have independent noise.
    first : int, default 0
        Number of the first map, which determines its noise.
    mask : bool array, shape (N, N), optional
        True where observed; other pixels become NaN.

    Returns
    -------
    MapStream
        As ``observe_set``.

    Raises
    ------
    InputError
        As ``observe_set``.

    Examples
    --------
    >>> drawn = (np.zeros((k, 16, 16), "float32") for k in (2, 1))
    >>> maps = MapStream(3, 16, 2.0, drawn)
    >>> observed = observe_stream(maps, Survey(galaxy_density=30.0), stream="generated")
    >>> [len(block) for block in observed.blocks()]
    [2, 1]
    """
    survey.check(maps.pixels, maps.pixel_arcmin, mask)
    _check_unobserved(maps, survey)
    drawn = _observed_blocks(maps, survey, stream, first, mask)
    parameters = {**maps.parameters, **_constant(maps, survey)}
    return replace(maps, drawn=drawn, parameters=parameters, quantity=survey.quantity)


def _observed_blocks(
    maps: MapStream, survey: Survey, stream: str, first: int, mask: Mask | None
) -> Iterator[Maps]:
    for block in maps.blocks():
        numbers = np.arange(first, first + len(block))
        first += len(block)
        yield survey.observe(
            block, pixel_arcmin=maps.pixel_arcmin, numbers=numbers, stream=stream, mask=mask
        )


def _check_unobserved(maps: MapSet | MapStream, survey: Survey) -> None:
    """Refuse to add to maps what they say that they have."""
    if twice := [name for name in survey.numbers if name in maps.parameters]:
        raise InputError(
            f"these maps have the {', '.join(twice)} of a survey already; leave it out, or give "
            "the maps without it",
            parameter=twice[0],
        )


def _constant(maps: MapSet | MapStream, survey: Survey) -> dict[str, Any]:
    """Return the properties of the survey as parameters of each map."""
    return {name: np.full(len(maps), value) for name, value in survey.numbers.items()}
