"""The progress of a training: its best epoch, its columns and its identity."""

import math

import pytest

from cosmogan_k3.training.progress import SCORE, Progress


def progress_of(*scores):
    """Return the progress of a training with these scores; None for an epoch without one."""
    epochs = [{"generator_loss": 1.0} | ({} if s is None else {SCORE: s}) for s in scores]
    return Progress({"seed": 0}, epochs=epochs)


@pytest.mark.parametrize(
    ("scores", "candidates", "best"),
    [
        ((3.0, 1.0, 2.0), (1, 2, 3), 2),
        ((3.0, 1.0, 2.0), (3, 1), 3),
        ((2.0, 1.0, 1.0), (3, 2, 1), 3),  # the last of equal scores
        ((2.0, 1.0, 1.09, 1.11), (1, 2, 3, 4), 3),  # and of those that are hardly larger
        ((-0.3, -0.05, 0.1, -0.01, 0.2), (1, 2, 3, 4, 5), 4),  # the last at the null's level
        ((0.3, 0.0, 0.2), (1, 2, 3), 2),
        ((1.0, 1.09, 1.18, 1.27), (2, 3, 4), 2),  # hardly larger than the smallest of all
        ((0.06, 0.06, 0.07, 0.08, 0.08), (1, 2, 3, 4, 5), 5),
        ((1.0, None, None), (0, 1, 3), 1),
        ((None, None), (0, 1, 2), 2),  # the last if none has a score
        ((), (0,), 0),
    ],
)
def test_the_best_epoch(scores, candidates, best):
    assert progress_of(*scores).best_of(candidates) == best


def test_a_column_is_nan_where_an_epoch_has_no_value():
    first, second = progress_of(0.5, None).column(SCORE)
    assert first == 0.5
    assert math.isnan(second)


RECORDED = Progress({"preset": "tiny", "losses": {"0": "hinge"}, "channels": [1, 2], "seed": 1})


def test_an_identity_with_further_names_does_not_differ():
    """An earlier version did not record them."""
    identity = {"preset": "tiny", "losses": {0: "hinge"}, "channels": (1, 2), "seed": 1}
    identity["later"] = 5
    assert not RECORDED.differences(identity)


def test_differences_are_named_with_both_values():
    given = RECORDED.identity | {"preset": "quick"}
    assert RECORDED.differences(given) == "preset: recorded tiny, given quick"


def test_a_recorded_name_that_is_not_given_differs():
    given = {name: value for name, value in RECORDED.identity.items() if name != "losses"}
    assert RECORDED.differences(given) == "losses: recorded {'0': 'hinge'}, given none"
