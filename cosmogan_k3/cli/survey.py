"""What the options of a survey do to the maps of a command."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from cosmogan_k3._typing import Mask
from cosmogan_k3.config import EvaluateConfig, GenerateConfig, SimulateConfig
from cosmogan_k3.maps import MapStream, read_mask
from cosmogan_k3.survey import Quantity, Survey, observe_stream


def survey_of(config: SimulateConfig | GenerateConfig | EvaluateConfig) -> Survey:
    """Return the survey that the options of a command describe.

    Parameters
    ----------
    config : SimulateConfig, GenerateConfig or EvaluateConfig

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        As ``Survey``.

    Examples
    --------
    >>> survey_of(SimulateConfig(galaxy_density=30.0, seed=3)).metadata
    {'galaxy_density': 30.0, 'sigma_epsilon': 0.37}
    """
    return Survey(
        galaxy_density=config.galaxy_density,
        sigma_epsilon=config.sigma_epsilon,
        smoothing_arcmin=config.smoothing_arcmin,
        kaiser_squires=bool(config.kaiser_squires),
        quantity=cast(Quantity, config.quantity),
        seed=config.seed,
    )


@dataclass(frozen=True, eq=False)
class Observation:
    """The survey and the mask through which a command writes its maps.

    Parameters
    ----------
    survey : Survey
    stream : str
        Name of the noise. Each command has its own, so that simulated and generated maps of one
        seed have independent noise.
    mask : bool array, shape (N, N), optional
        True where observed.

    Examples
    --------
    >>> Observation.of_command(SimulateConfig(galaxy_density=30.0), 64, "simulated").metadata
    {'galaxy_density': 30.0, 'sigma_epsilon': 0.37}
    """

    survey: Survey
    stream: str
    mask: Mask | None = None

    @classmethod
    def of_command(
        cls, config: SimulateConfig | GenerateConfig, pixels: int, stream: str
    ) -> "Observation":
        """Return the observation that the options of a command describe.

        Parameters
        ----------
        config : SimulateConfig or GenerateConfig
        pixels : int
            Side of the maps, which the mask must have.
        stream : str

        Raises
        ------
        InputError
            As ``Survey`` and ``read_mask``.
        """
        mask = read_mask(config.mask, pixels=pixels) if config.mask else None
        return cls(survey_of(config), stream, mask)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the maps depend on, as plain values; empty if they stay as they are."""
        if self.mask is None:
            return dict(self.survey.metadata)
        digest = hashlib.sha256(self.mask.tobytes()).hexdigest()
        return {**self.survey.metadata, "mask_sha256": digest}

    def of(self, maps: MapStream, *, first: int = 0) -> MapStream:
        """Return maps as they are observed.

        Parameters
        ----------
        maps : MapStream
        first : int, default 0
            Number of the first map, which determines its noise.

        Returns
        -------
        MapStream
            ``maps`` itself if nothing changes.

        Raises
        ------
        InputError
            As ``observe_stream``.
        """
        if not self.metadata:
            return maps
        return observe_stream(maps, self.survey, stream=self.stream, first=first, mask=self.mask)

    def of_draws(self, draw: Callable[[int, int], MapStream]) -> Callable[[int, int], MapStream]:
        """Return a function of ``Shards`` that draws maps as they are observed.

        Parameters
        ----------
        draw : callable
            Function of ``(first, count)`` that returns a ``MapStream`` of these maps.

        Returns
        -------
        callable
            It can be pickled if ``draw`` can.
        """
        return functools.partial(_draw, self, draw)


def _draw(
    observation: Observation, draw: Callable[[int, int], MapStream], first: int, count: int
) -> MapStream:
    return observation.of(draw(first, count), first=first)
