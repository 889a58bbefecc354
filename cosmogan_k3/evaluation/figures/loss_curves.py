"""Losses and logits over the epochs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.evaluation.figures.style import GENERATED, OTHER, REAL, new_figure


def loss_curves(history: Mapping[str, Sequence[float]], *, smoothing: float = 0.6) -> Figure:
    """Draw the losses and the mean logits over the epochs.

    Each value is drawn faint, and its exponential average bold.

    Parameters
    ----------
    history : mapping of str to sequence of float
        One value an epoch of "discriminator_loss", "generator_loss", "real_logit" and "fake_logit".
    smoothing : float, default 0.6
        Weight of the past in the average, in [0, 1).

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> names = "discriminator_loss", "generator_loss", "real_logit", "fake_logit"
    >>> [axis.get_ylabel() for axis in loss_curves(dict.fromkeys(names, [1.0, 0.5])).axes]
    ['loss', 'mean logit']
    """
    figure, (left, right) = new_figure(9, 3.6, columns=2)
    panels = (
        (left, (("discriminator_loss", OTHER), ("generator_loss", GENERATED)), "loss"),
        (right, (("real_logit", REAL), ("fake_logit", GENERATED)), "mean logit"),
    )
    for axis, lines, label in panels:
        for name, colour in lines:
            values = np.asarray(history[name], float)
            epochs = np.arange(1, len(values) + 1)
            axis.plot(epochs, values, color=colour, alpha=0.3)
            axis.plot(
                epochs,
                _smoothed(values, smoothing),
                color=colour,
                label=name.replace("_", " "),
                marker=".",
            )
        axis.set(xlabel="epoch", ylabel=label)
        axis.legend(frameon=False)
    return figure


def _smoothed(values: FloatArray, weight: float) -> list[float]:
    """Exponential average, divided by the sum of its weights to remove the bias of the start."""
    total, mass, result = 0.0, 0.0, []
    for value in values:
        total, mass = weight * total + (1 - weight) * value, weight * mass + (1 - weight)
        result.append(total / mass)
    return result
