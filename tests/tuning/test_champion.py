"""The best trial of a study."""

import optuna
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.tuning import champion


def test_the_best_trial_of_several_objectives_has_the_best_mean():
    study = optuna.create_study(directions=["minimize"] * 2)
    for values in ((1.0, 3.0), (2.0, 1.5), (3.0, 3.0)):
        study.add_trial(optuna.trial.create_trial(values=values))
    assert champion.best_trial(study).number == 1


def test_a_study_without_a_completed_trial_has_no_champion():
    with pytest.raises(InputError, match="No trial of the study 'empty' was completed"):
        champion.best_trial(optuna.create_study(study_name="empty"))
