"""Losses and logits over the epochs."""

import numpy as np

from cosmogan_k3.evaluation.figures.style import GENERATED, OTHER, REAL, new_figure


def loss_curves(history, *, smoothing=0.6):
    """Losses, faint as they are and bold as an exponential average, and the mean logits.

    Args:
        history: mapping of "discriminator_loss", "generator_loss", "real_logit" and "fake_logit" to lists.
        smoothing: float in [0, 1), weight of the past in the average.
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


def _smoothed(values, weight):
    """Exponential average without the bias of its start."""
    total, mass, result = 0.0, 0.0, []
    for value in values:
        total, mass = weight * total + (1 - weight) * value, weight * mass + (1 - weight)
        result.append(total / mass)
    return result
