"""A study: which trials count, which are surplus, and which another trial replaces."""

import optuna
import pytest

from cosmogan_k3.tuning.objective import DivergedError
from cosmogan_k3.tuning.study import (
    VOID,
    _is_surplus,
    counted_trials,
    is_finished,
    open_study,
    work,
)
from tests.tuning.small_study import config

STATES = optuna.trial.TrialState


@pytest.fixture
def study():
    """An empty study in memory, whose trials other workers run, too."""
    return optuna.create_study()


def ask_for_repeat(study, number):
    """Ask for a trial that repeats another one, whose worker was lost."""
    study.tell(number, state=STATES.FAIL)
    attributes = {"failed_trial": number, "retry_history": [number]}
    study.add_trial(optuna.create_trial(state=STATES.WAITING, system_attrs=attributes))
    return study.ask()


def test_a_trial_is_surplus_if_enough_trials_are_older(study):
    trials = [study.ask() for _ in range(4)]
    assert [_is_surplus(study, trial, 2) for trial in trials] == [False, False, True, True]


def test_void_trials_do_not_count(study):
    first, _, third = (study.ask() for _ in range(3))
    first.set_user_attr(VOID, "interrupted")
    assert list(counted_trials(study.trials)) == [1, 2]
    assert not _is_surplus(study, third, 2)


def test_a_repeated_trial_takes_the_place_of_the_lost_one(study):
    for _ in range(2):
        study.ask()
    repeat = ask_for_repeat(study, 0)
    counted = counted_trials(study.trials)
    assert {number: trial.number for number, trial in counted.items()} == {1: 1, 0: 2}
    assert not _is_surplus(study, repeat, 2)


def test_a_study_is_finished_when_enough_trials_have_ended(study):
    first, second = study.ask(), study.ask()
    study.tell(first, 1.0)
    assert not is_finished(study, 2)
    study.tell(second, state=STATES.FAIL)
    assert is_finished(study, 2)
    assert not is_finished(study, 3)


def test_a_diverged_trial_counts(study):
    scores = iter([None, 1.0])

    def run(trial):
        score = next(scores)
        if score is None:
            raise DivergedError("generator_loss is nan")
        return score

    work(study, 2, run)
    assert [trial.state for trial in study.trials] == [STATES.FAIL, STATES.COMPLETE]


def test_a_surplus_trial_of_this_worker_is_void(study):
    """While this worker asks for its second trial, another one gets the last place."""
    ask, rivals = study.ask, []

    def ask_late(*arguments, **options):
        if len(study.trials) == 1:
            rivals.append(ask())
            study.tell(rivals[0], 0.5)
        return ask(*arguments, **options)

    study.ask = ask_late
    work(study, 2, lambda trial: 1.0)
    assert [trial.number for trial in counted_trials(study.trials).values()] == [0, 1]
    assert study.trials[2].user_attrs == {VOID: "surplus"}


def test_an_interrupted_trial_is_replaced_by_another(tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    study = open_study(config(storage=storage), {"epochs": 1}, single_worker=True)

    def interrupted(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(study, 2, interrupted)
    work(study, 2, lambda trial: trial.suggest_float("x", 0.0, 1.0))
    states = [trial.state for trial in study.trials]
    assert states == [STATES.FAIL, STATES.COMPLETE, STATES.COMPLETE]
