"""The objective of a trial: its score, its distances, and the parameters of conditional maps."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, get_preset
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import validation_score
from cosmogan_k3.training import setup
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.tuning import objective
from cosmogan_k3.tuning.objective import Objective
from tests.tuning.small_study import config

ONE_EPOCH = replace(get_preset("tiny"), epochs=1)


def test_score_and_distances_of_an_epoch_are_means_over_the_seeds(maps, monkeypatch):
    judged = Objective(setup.split(maps, 0))
    shape = judged.judge.validation.real.shape
    drawn = iter(np.random.default_rng(1).lognormal(sigma=0.5, size=(4, *shape)))
    distances = []

    class Untrained:
        """A candidate whose maps of each epoch are the next ones."""

        def __init__(self, preset, objective, seed):
            self.validation = objective.judge.validation

        def train_epoch(self):
            distances.append(self.validation.distances(next(drawn)))
            return distances[-1]

    monkeypatch.setattr(objective, "Candidate", Untrained)
    epochs = list(judged.epochs_of(replace(ONE_EPOCH, epochs=2), [0, 1]))
    scores = np.reshape([validation_score(d) for d in distances], (2, 2))
    np.testing.assert_allclose([epoch.score for epoch in epochs], scores.mean(axis=1))
    for name in objective.PARETO:
        each = np.reshape([validation_score(d, (name,)) for d in distances], (2, 2))
        found = [epoch.distances[name] for epoch in epochs]
        np.testing.assert_allclose(found, each.mean(axis=1))


@pytest.mark.every_backend
def test_conditional_candidates_and_champions_draw_at_the_parameters_of_validation_maps(maps):
    sigma_8 = np.linspace(0.6, 1.0, len(maps))
    splits = setup.split(MapSet(maps.kappa, 3.0, parameters={"sigma_8": sigma_8}), 0)
    chosen = config(condition="sigma_8", epochs=1)
    whole = MapSet(maps.kappa, 3.0, parameters={"sigma_8": sigma_8})
    judged = Objective(splits, *setup.conditioning_of(chosen, splits.train, whole))
    candidate = objective.Candidate(ONE_EPOCH, judged, 0)
    parameters = Sampler(candidate.gan).parameters_of(splits.validation)
    expected = splits.validation.parameters["sigma_8"]
    np.testing.assert_array_equal(parameters["sigma_8"], expected)
    assert np.isfinite(validation_score(candidate.train_epoch()))
    drawn = Sampler(candidate.gan).sample(4, parameters=parameters)
    score = validation_score(judged.judge.validation.distances(drawn))
    assert EpochJudge(splits.validation).score(candidate.gan) == pytest.approx(score)
    without_parameters = setup.split(maps, 0)
    assert EpochJudge(without_parameters.validation).score(candidate.gan) is None


def test_a_study_needs_three_validation_maps(maps):
    few = MapSet(maps.kappa[:20], 3.0)
    with pytest.raises(InputError, match="three validation maps"):
        Objective(setup.split(few, 0))
