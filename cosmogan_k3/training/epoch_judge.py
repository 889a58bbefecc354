"""How an epoch is judged: its maps against held-out maps, and its losses."""

from typing import TYPE_CHECKING

import numpy as np

from cosmogan_k3._typing import Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet
from cosmogan_k3.maps.io.tolerance import differ
from cosmogan_k3.statistics import Validation, relative_diversity, validation_score
from cosmogan_k3.training.divergence import diagnose

if TYPE_CHECKING:
    from cosmogan_k3.gan import GAN
    from cosmogan_k3.nn.losses import AdversarialLoss

# Largest number of maps that are generated and compared after an epoch.
_MAX_MAPS = 1000
# Two maps span no plane of principal components.
_MIN_MAPS = 3


class EpochJudge:
    """Compare the maps of each epoch with the same held-out maps.

    Parameters
    ----------
    held_out : MapSet
        Of at least three maps; the first 1,000 are used.

    Examples
    --------
    >>> kappa = np.random.default_rng(0).lognormal(size=(20, 16, 16)).astype("float32")
    >>> judge = EpochJudge(MapSet(kappa, 3.0))
    >>> judge.n_maps, judge.validation.real.shape
    (20, (20, 16, 16))
    """

    def __init__(self, held_out: MapSet) -> None:
        self.held_out = held_out
        self.n_maps = min(len(held_out), _MAX_MAPS)
        self._validation: Validation | None = None

    @classmethod
    def if_enough(cls, held_out: MapSet | None) -> "EpochJudge | None":
        """Return a judge, or None if there are fewer than three held-out maps."""
        return None if held_out is None or len(held_out) < _MIN_MAPS else cls(held_out)

    @property
    def validation(self) -> Validation:
        """The measured held-out maps; they are measured once, when first asked for."""
        if self._validation is None:
            first = slice(self.n_maps)
            self._validation = Validation(
                np.asarray(self.held_out.kappa[first]),
                pixel_arcmin=self.held_out.pixel_arcmin,
                groups=self.held_out.map_id[first],
            )
        return self._validation

    def draw(self, gan: "GAN") -> Maps:
        """Draw maps with the parameters of the held-out ones.

        The latents are always the same, so that epochs differ by their weights alone.
        """
        from cosmogan_k3.gan import Sampler

        sampler = Sampler(gan)
        parameters = sampler.parameters_of(self.held_out, slice(self.n_maps))
        return sampler.sample(self.n_maps, parameters=parameters)

    def score(self, gan: "GAN") -> float | None:
        """Return the validation score of a GAN; None if it does not draw maps like these."""
        other_size = differ(gan.pixel_arcmin, self.held_out.pixel_arcmin)
        if gan.pixels != self.held_out.pixels or other_size:
            return None
        try:
            return validation_score(self.validation.distances(self.draw(gan)))
        except (InputError, KeyError):  # conditioned on other parameters, or in another range
            return None

    def diversity(self, generated: Maps) -> float:
        """Return the maps' diversity relative to the held-out maps; NaN if they are not finite."""
        if not np.isfinite(generated).all():
            return float("nan")
        groups = self.held_out.map_id[: self.n_maps]
        return relative_diversity(self.validation.real, generated, groups=groups)


def judge_epoch(
    epochs: list[dict[str, float]],
    values: dict[str, float],
    loss: "AdversarialLoss",
    *,
    judge: EpochJudge | None,
    generated: Maps | None,
) -> tuple[dict[str, float], str | None]:
    """Add the diversity of an epoch's maps to its numbers, and look for a divergence.

    Parameters
    ----------
    epochs : list of dict
        The numbers of earlier epochs.
    values : dict of str to float
        The losses and logits of this one.
    loss : AdversarialLoss
        Loss of this epoch.
    judge : EpochJudge or None
    generated : ndarray or None
        Maps of this epoch, as ``judge.draw`` returns them.

    Returns
    -------
    values : dict of str to float
        With ``validation_diversity`` if maps were drawn.
    cause : str or None
        Why the epoch is to be given up; None if it is not.
    """
    if judge is not None and generated is not None:
        values = values | {"validation_diversity": judge.diversity(generated)}
    return values, diagnose([*epochs, values], loss)
