"""Signs that a training has diverged, collapsed or is dominated by its discriminator."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from cosmogan_k3.nn import losses
from cosmogan_k3.nn.losses import AdversarialLoss

if TYPE_CHECKING:
    from cosmogan_k3.gan import GAN

# Rollbacks before a training is given up: another seed helps against bad luck, not against a bad
# recipe.
MAX_ROLLBACKS = 3

# Losses and mean logits beyond are exploding. Healthy ones are of order 1, or a few hundred for a
# critic of slope 1 on maps of 256² pixels.
LARGEST_LOSS = 1e4

# A ``statistics.relative_diversity`` below is a collapse. Untrained generators of the presets start
# at 0.03 to 0.13 and were all above 0.2 after 20 steps (seed 0, maps of 16 and 32 pixels); real
# maps have 1.
SMALLEST_DIVERSITY = 0.1

# ⟨D(x)⟩ − ⟨D(g)⟩ above is dominance: as log-odds, ±10 is one error of the discriminator in 20,000
# maps; the hinge losses ask for 2. Trainings of ``quick`` end below 0.1, and the presets start with
# up to 3.4.
LARGEST_GAP = 20.0

# Losses whose logits have a scale: log-odds, or a margin. The gap says nothing of the others.
JUDGED_BY_GAP = (
    losses.CrossEntropy,
    losses.GeometricHinge,
    losses.RelativisticAverageHinge,
    losses.RelativisticPairing,
)

# Consecutive epochs that make a dominance, or a collapse of a generator that was never diverse.
PATIENCE = 3

EpochNumbers = Mapping[str, float]


def diagnose(epochs: Sequence[EpochNumbers], loss: AdversarialLoss) -> str | None:
    """Describe what is wrong with the last epoch.

    - A loss or mean logit is not finite, or larger than ``LARGEST_LOSS``.
    - Generated maps are not finite, or have collapsed: their diversity falls below
      ``SMALLEST_DIVERSITY``, or stays below in ``PATIENCE`` consecutive epochs.
    - The discriminator dominates: the gap between the mean logits exceeds ``LARGEST_GAP`` in
      ``PATIENCE`` consecutive epochs.

    Parameters
    ----------
    epochs : sequence of mapping of str to float
        For each epoch ``discriminator_loss``, ``generator_loss``, ``real_logit``, ``fake_logit``
        and, if maps were drawn, ``validation_diversity``.
    loss : AdversarialLoss
        Loss of the last epoch.

    Returns
    -------
    str or None
        None if nothing is wrong.

    Examples
    --------
    >>> healthy = {"discriminator_loss": 1.3, "generator_loss": 0.7}
    >>> healthy |= {"real_logit": 0.1, "fake_logit": -0.1}
    >>> diagnose([healthy], losses.CrossEntropy()) is None
    True
    >>> diagnose([healthy, healthy | {"generator_loss": float("nan")}], losses.CrossEntropy())
    'generator_loss is nan'
    """
    return _exploded(epochs[-1]) or _collapsed(epochs) or _dominated(epochs, loss)


def not_finite(gan: "GAN") -> str:
    """Return the name of a variable of a GAN, its optimizers included, that is not finite.

    Returns
    -------
    str
        With what is wrong; empty if all are finite.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0)
    >>> not_finite(gan)
    ''
    """
    for variable in (*gan.variables, *gan.optimizer.variables):
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            return f"{variable.path} is not finite"
    return ""


def _exploded(epoch: EpochNumbers) -> str | None:
    for name in ("discriminator_loss", "generator_loss", "real_logit", "fake_logit"):
        if not math.isfinite(epoch[name]):
            return f"{name} is {epoch[name]}"
        if abs(epoch[name]) > LARGEST_LOSS:
            return f"{name} is {epoch[name]:.3g}, beyond {LARGEST_LOSS:g}"
    return None


def _collapsed(epochs: Sequence[EpochNumbers]) -> str | None:
    diversity = [epoch.get("validation_diversity", math.inf) for epoch in epochs]
    if math.isnan(diversity[-1]):
        return "generated maps are not finite"
    fell = diversity[-1] < SMALLEST_DIVERSITY <= max(diversity[:-1], default=0)
    if fell or _persists(diversity, lambda value: value < SMALLEST_DIVERSITY):
        return (
            f"generated maps collapsed: their diversity is {diversity[-1]:.2g} of that of real "
            f"maps, less than {SMALLEST_DIVERSITY:g}"
        )
    return None


def _dominated(epochs: Sequence[EpochNumbers], loss: AdversarialLoss) -> str | None:
    gaps = [epoch["real_logit"] - epoch["fake_logit"] for epoch in epochs]
    if isinstance(loss, JUDGED_BY_GAP) and _persists(gaps, lambda gap: gap > LARGEST_GAP):
        return (
            f"the discriminator dominates: its logits of real and generated maps are "
            f"{gaps[-1]:.3g} apart, more than {LARGEST_GAP:g} in {PATIENCE} epochs in a row"
        )
    return None


def _persists(values: Sequence[float], is_bad: Callable[[float], bool]) -> bool:
    return len(values) >= PATIENCE and all(is_bad(value) for value in values[-PATIENCE:])
