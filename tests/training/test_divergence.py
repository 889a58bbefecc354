"""The guard: each cause with constructed numbers, and the healthy ones it must let pass."""

import math

import pytest

from cosmogan_k3.nn import losses
from cosmogan_k3.training import divergence as guard

pytestmark = pytest.mark.backend
HEALTHY = {
    "discriminator_loss": 1.3,
    "generator_loss": 0.8,
    "real_logit": 0.5,
    "fake_logit": -0.5,
    "validation_diversity": 0.9,
}
CROSS_ENTROPY = losses.CrossEntropy()


def epochs(name, *values):
    return [HEALTHY | {name: value} for value in values]


@pytest.mark.parametrize(
    "name", ["discriminator_loss", "generator_loss", "real_logit", "fake_logit"]
)
@pytest.mark.parametrize(
    ("value", "words"),
    [(math.nan, "is nan"), (-math.inf, "is -inf"), (-1.1e4, "is -1.1e+04, beyond 10000")],
)
def test_losses_that_are_not_finite_or_explode(name, value, words):
    assert guard.diagnose(epochs(name, 1.0, value), CROSS_ENTROPY) == f"{name} {words}"
    assert guard.diagnose(epochs(name, value, 1.0), CROSS_ENTROPY) is None, (
        "only the last epoch is judged"
    )


def test_large_losses_are_not_yet_exploding():
    assert (
        guard.diagnose(epochs("generator_loss", 0.99 * guard.LARGEST_LOSS), CROSS_ENTROPY) is None
    )


@pytest.mark.parametrize(
    "diversity", [(0.5, 0.09), (0.05, 0.2, 0.099), (0.05, 0.06, 0.07), (0.0, 0.0, 0.0)]
)
def test_a_collapse(diversity):
    cause = guard.diagnose(epochs("validation_diversity", *diversity), CROSS_ENTROPY)
    assert cause.startswith("generated maps collapsed")


@pytest.mark.parametrize("diversity", [(0.03,), (0.05, 0.06), (0.05, 0.06, 0.11), (0.5, 0.11)])
def test_a_slow_start_is_no_collapse(diversity):
    assert guard.diagnose(epochs("validation_diversity", *diversity), CROSS_ENTROPY) is None


def test_maps_that_are_not_finite():
    assert guard.diagnose(epochs("validation_diversity", 0.9, math.nan), CROSS_ENTROPY).endswith(
        "not finite"
    )


def test_without_validation_maps_the_losses_are_judged():
    unseen = {name: value for name, value in HEALTHY.items() if name != "validation_diversity"}
    assert guard.diagnose([unseen] * 4, CROSS_ENTROPY) is None
    assert (
        guard.diagnose([unseen, unseen | {"real_logit": math.nan}], CROSS_ENTROPY)
        == "real_logit is nan"
    )


@pytest.mark.parametrize(
    "loss", [CROSS_ENTROPY, losses.GeometricHinge(), losses.RelativisticAverageHinge()]
)
def test_a_dominating_discriminator(loss):
    wide = 0.1 + guard.LARGEST_GAP - 0.5
    assert "dominates" in guard.diagnose(epochs("real_logit", 0, wide, wide, wide), loss)
    assert guard.diagnose(epochs("real_logit", 0, wide, wide), loss) is None
    assert guard.diagnose(epochs("real_logit", wide, wide, 0, wide, wide), loss) is None


def test_the_gap_of_a_loss_without_scale_means_nothing():
    class Critic(losses.AdversarialLoss):
        pass

    assert guard.diagnose(epochs("real_logit", 90, 90, 90, 90), Critic()) is None
