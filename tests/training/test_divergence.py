"""Signs of divergence: each cause with constructed numbers, and healthy numbers."""

import math

import pytest

from cosmogan_k3.nn import losses
from cosmogan_k3.training.divergence import LARGEST_GAP, LARGEST_LOSS, MAX_ROLLBACKS, diagnose

pytestmark = pytest.mark.backend
HEALTHY = {
    "discriminator_loss": 1.3,
    "generator_loss": 0.8,
    "real_logit": 0.5,
    "fake_logit": -0.5,
    "validation_diversity": 0.9,
}
CROSS_ENTROPY = losses.CrossEntropy()
LOGITS = ("real_logit", "fake_logit")


def epochs(name, *values):
    """Return healthy epochs in which one number takes these values."""
    return [HEALTHY | {name: value} for value in values]


def test_limits():
    assert (LARGEST_LOSS, LARGEST_GAP, MAX_ROLLBACKS) == (1e4, 20.0, 3)


@pytest.mark.parametrize("name", ["discriminator_loss", "generator_loss", *LOGITS])
@pytest.mark.parametrize(
    ("value", "words"),
    [(math.nan, "is nan"), (-math.inf, "is -inf"), (-1.1e4, "is -1.1e+04, beyond 10000")],
)
def test_numbers_that_are_not_finite_or_explode(name, value, words):
    assert diagnose(epochs(name, 1.0, value), CROSS_ENTROPY) == f"{name} {words}"
    earlier = diagnose(epochs(name, value, 1.0), CROSS_ENTROPY)
    assert earlier is None, "only the last epoch is judged"


def test_large_losses_are_not_yet_exploding():
    assert diagnose(epochs("generator_loss", 0.99 * LARGEST_LOSS), CROSS_ENTROPY) is None


@pytest.mark.parametrize(
    "diversity", [(0.5, 0.09), (0.05, 0.2, 0.099), (0.05, 0.06, 0.07), (0.0, 0.0, 0.0)]
)
def test_a_diversity_that_falls_or_stays_too_small_is_a_collapse(diversity):
    cause = diagnose(epochs("validation_diversity", *diversity), CROSS_ENTROPY)
    assert cause.startswith("generated maps collapsed")


@pytest.mark.parametrize("diversity", [(0.03,), (0.05, 0.06), (0.05, 0.06, 0.11), (0.5, 0.11)])
def test_a_slow_start_is_no_collapse(diversity):
    assert diagnose(epochs("validation_diversity", *diversity), CROSS_ENTROPY) is None


def test_maps_that_are_not_finite():
    cause = diagnose(epochs("validation_diversity", 0.9, math.nan), CROSS_ENTROPY)
    assert cause.endswith("not finite")


def test_without_validation_maps_the_losses_are_judged():
    losses_only = {name: v for name, v in HEALTHY.items() if name != "validation_diversity"}
    assert diagnose([losses_only] * 4, CROSS_ENTROPY) is None
    nan = losses_only | {"real_logit": math.nan}
    assert diagnose([losses_only, nan], CROSS_ENTROPY) == "real_logit is nan"


@pytest.mark.parametrize(
    "loss",
    [
        CROSS_ENTROPY,
        losses.GeometricHinge(),
        losses.RelativisticAverageHinge(),
        losses.RelativisticPairing(),
    ],
)
def test_a_gap_in_three_epochs_in_a_row_is_a_dominating_discriminator(loss):
    # The generated maps have a mean logit of -0.5.
    wide = 0.1 + LARGEST_GAP - 0.5
    assert "dominates" in diagnose(epochs("real_logit", 0, wide, wide, wide), loss)
    assert diagnose(epochs("real_logit", 0, wide, wide), loss) is None
    assert diagnose(epochs("real_logit", wide, wide, 0, wide, wide), loss) is None
    below = LARGEST_GAP - 0.5 - 0.1
    assert diagnose(epochs("real_logit", below, below, below), loss) is None


def test_the_gap_of_a_loss_without_scale_is_not_judged():
    assert diagnose(epochs("real_logit", 90, 90, 90, 90), losses.Wasserstein()) is None
