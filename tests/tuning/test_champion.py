"""The champion: the best trial, its registration, and the comparison with the present one."""

import numpy as np
import optuna
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import build_gan
from cosmogan_k3.maps import MapSet
from cosmogan_k3.tracking import runs
from cosmogan_k3.training import setup
from cosmogan_k3.tuning import champion
from tests.tuning.small_study import config

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def gan():
    return build_gan("tiny", pixels=16, pixel_arcmin=3.0)


def promote(gan, score, splits):
    """Offer a GAN with this validation score for registration."""
    return champion.promote(config(), [(Emulator(gan), {"validation_score": score})], splits)


def test_the_champion_stays_unless_another_model_has_a_better_score(maps, gan):
    splits = setup.split(maps, 0)
    present = champion._score(gan, splits)
    with runs.training_run("study", {}):
        assert "there was none before" in promote(gan, 9.0, splits)
        equal = promote(gan, present, splits)
        better = promote(gan, present - 0.1, splits)
    assert equal.startswith("Not registered")
    assert f"{present:.4f}" in equal
    assert better.startswith("cosmogan version 2 is the champion")


def test_a_champion_that_draws_other_maps_is_not_compared(maps, gan):
    smaller = MapSet(maps.kappa[:, :8, :8], 3.0)
    with runs.training_run("study", {}):
        promote(gan, 9.0, setup.split(maps, 0))
        assert "draws other maps" in promote(gan, 0.0, setup.split(smaller, 0))


def test_the_best_of_the_retrained_models_is_offered(maps, gan):
    pairs = [(Emulator(gan), {"validation_score": score}) for score in (2.0, 1.0, 3.0)]
    with runs.training_run("study", {}):
        assert "score 1.0000" in champion.promote(config(), pairs, setup.split(maps, 0))


def test_the_best_trial_of_several_objectives_has_the_best_mean():
    study = optuna.create_study(directions=["minimize"] * 2)
    for values in ((1.0, 3.0), (2.0, 1.5), (3.0, 3.0)):
        study.add_trial(optuna.trial.create_trial(values=values))
    assert champion.best_trial(study).number == 1


def test_a_study_without_a_completed_trial_has_no_champion():
    with pytest.raises(InputError, match="No trial of the study 'empty' was completed"):
        champion.best_trial(optuna.create_study(study_name="empty"))


def test_a_gan_for_maps_of_another_pixel_size_has_no_score(maps, gan):
    other = MapSet(maps.kappa, 2.0)
    assert champion._score(gan, setup.split(other, 0)) is None
    assert np.isfinite(champion._score(gan, setup.split(maps, 0)))
