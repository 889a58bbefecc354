"""Whether a training is still one: the signs of divergence, collapse and dominance, and their bounds."""

import math

from cosmogan_k3.nn import losses

MAX_ROLLBACKS = 3
"""Divergences that are undone before a training is given up: another seed mends bad luck, not a bad recipe."""

LARGEST_LOSS = 1e4
"""Losses and mean logits beyond are exploding: healthy ones are of order 1, or a few hundred for a critic of slope 1 on
maps of 256² pixels."""

SMALLEST_DIVERSITY = 0.1
"""``statistics.relative_diversity`` below is a collapse. Untrained generators of the presets start at 0.03 to
0.13 and were all above 0.2 after 20 steps (seed 0, maps of 16 and 32 pixels); real maps have 1."""

LARGEST_GAP = 20.0
"""⟨D(x)⟩ − ⟨D(g)⟩ above is dominance: as log-odds, ±10, one error of the discriminator in 20,000 maps; ten times what
the hinges ask for, 2. Trainings of ``quick`` end below 0.1, and the presets begin with up to 3.4."""

JUDGED_BY_GAP = (
    losses.CrossEntropy,
    losses.GeometricHinge,
    losses.RelativisticAverageHinge,
    losses.RelativisticPairing,
)
"""Losses whose logits have a scale: log-odds, or a margin. Others are not judged by the gap."""

PATIENCE = 3
"""Epochs in a row that make a dominance, or a collapse of a generator that has not spread before."""


def diagnose(epochs, loss):
    """What is wrong with the last epoch, in words; None where nothing is.

    - a loss or mean logit that is not finite, or larger than ``LARGEST_LOSS``;
    - generated maps that are not finite, or collapsed: a diversity below ``SMALLEST_DIVERSITY`` right after an epoch
      above it, or in ``PATIENCE`` epochs in a row;
    - a discriminator that dominates: a gap of logits above ``LARGEST_GAP`` in ``PATIENCE`` epochs in a row.

    Args:
        epochs: list of mappings of names to numbers, one an epoch: ``discriminator_loss``, ``generator_loss``,
            ``real_logit``, ``fake_logit`` and, where maps were drawn, ``validation_diversity``.
        loss: ``AdversarialLoss`` of the last epoch.

    Example:
        >>> healthy = {"discriminator_loss": 1.3, "generator_loss": 0.7, "real_logit": 0.1, "fake_logit": -0.1}
        >>> diagnose([healthy], losses.CrossEntropy()) is None
        True
        >>> diagnose([healthy, healthy | {"generator_loss": float("nan")}], losses.CrossEntropy())
        'generator_loss is nan'
    """
    return _exploded(epochs[-1]) or _collapsed(epochs) or _dominated(epochs, loss)


def _exploded(epoch):
    for name in ("discriminator_loss", "generator_loss", "real_logit", "fake_logit"):
        if not math.isfinite(epoch[name]):
            return f"{name} is {epoch[name]}"
        if abs(epoch[name]) > LARGEST_LOSS:
            return f"{name} is {epoch[name]:.3g}, beyond {LARGEST_LOSS:g}"
    return None


def _collapsed(epochs):
    spread = [epoch.get("validation_diversity", math.inf) for epoch in epochs]
    if math.isnan(spread[-1]):
        return "generated maps are not finite"
    fell = spread[-1] < SMALLEST_DIVERSITY <= max(spread[:-1], default=0)
    if fell or _in_a_row(spread, lambda value: value < SMALLEST_DIVERSITY):
        return (
            f"generated maps collapsed: they differ by {spread[-1]:.2g} of what real ones do, "
            f"less than {SMALLEST_DIVERSITY:g}"
        )
    return None


def _dominated(epochs, loss):
    gaps = [epoch["real_logit"] - epoch["fake_logit"] for epoch in epochs]
    if isinstance(loss, JUDGED_BY_GAP) and _in_a_row(gaps, lambda gap: gap > LARGEST_GAP):
        return (
            f"the discriminator dominates: its logits of real and generated maps are {gaps[-1]:.3g} apart, "
            f"more than {LARGEST_GAP:g} in {PATIENCE} epochs in a row"
        )
    return None


def _in_a_row(values, is_bad):
    return len(values) >= PATIENCE and all(is_bad(value) for value in values[-PATIENCE:])
