"""Losses and logits over the epochs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.evaluation.figures.style import DISCRIMINATOR, GENERATED, INK, REAL, new_figure

# Loss of a discriminator of the cross-entropy whose every logit is 0.
UNDECIDED_LOSS = 2 * np.log(2)


def loss_curves(
    history: Mapping[str, Sequence[float]], *, smoothing: float = 0.6, undecided: bool = False
) -> Figure:
    """Draw the losses and the mean logits over the epochs.

    Each value is drawn faint, and its exponential average bold.

    Parameters
    ----------
    history : mapping of str to sequence of float
        One value an epoch of "discriminator_loss", "generator_loss", "real_logit" and "fake_logit".
    smoothing : float, default 0.6
        Weight of the past in the average, in [0, 1).
    undecided : bool, default False
        Whether to mark 2 ln 2, the cross-entropy of a discriminator that cannot decide.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> names = "discriminator_loss", "generator_loss", "real_logit", "fake_logit"
    >>> [axis.get_ylabel() for axis in loss_curves(dict.fromkeys(names, [1.0, 0.5])).axes]
    ['loss', 'mean logit']
    """
    figure, (top, bottom) = new_figure(5, 4.6, rows=2, sharex=True)
    panels = (
        (top, (("discriminator_loss", DISCRIMINATOR), ("generator_loss", GENERATED)), "loss"),
        (bottom, (("real_logit", REAL), ("fake_logit", GENERATED)), "mean logit"),
    )
    if undecided:
        top.axhline(UNDECIDED_LOSS, color=INK, lw=0.8, ls="--", label="2 ln 2, undecided")
    for axis, lines, label in panels:
        for name, colour in lines:
            values = np.asarray(history[name], float)
            epochs = np.arange(1, len(values) + 1)
            axis.plot(epochs, values, color=colour, alpha=0.3)
            axis.plot(
                epochs,
                _smoothed(values, smoothing),
                color=colour,
                label=_NAMES[name],
                marker=".",
            )
        axis.set(ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend(frameon=False, fontsize="small")
    bottom.set_xlabel("epoch")
    return figure


_NAMES = {
    "discriminator_loss": "discriminator",
    "generator_loss": "generator",
    "real_logit": "real maps",
    "fake_logit": "generated maps",
}


def _smoothed(values: FloatArray, weight: float) -> list[float]:
    """Exponential average, divided by the sum of its weights to remove the bias of the start."""
    total, mass, result = 0.0, 0.0, []
    for value in values:
        total, mass = weight * total + (1 - weight) * value, weight * mass + (1 - weight)
        result.append(total / mass)
    return result
