"""What came out of a study, in words."""

import textwrap
from collections.abc import Mapping
from typing import Any

import optuna

from cosmogan_k3.tuning.study import CAUSE, counted_trials


def best(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> str:
    """Return number, values and parameters of the best trial.

    A study counts its trials from 1 while it runs; Optuna's pages and the names of runs from 0.

    Parameters
    ----------
    study : optuna.Study
    trial : FrozenTrial
    """
    values = dict(zip(study.metric_names or (), trial.values, strict=True))
    number = f"trial {trial.number + 1} ({trial.number} in Optuna)"
    return f"Best: {number}, {listed(values)}; {listed(trial.params)}"


def listed(values: Mapping[str, Any]) -> str:
    """Return names and values, numbers with four digits.

    Parameters
    ----------
    values : mapping of str to Any

    Examples
    --------
    >>> listed({"loss": "hinge", "beta_1": 1 / 3, "batch_size": 32})
    'loss hinge, beta_1 0.3333, batch_size 32'
    """
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )


def wrapped(text: str) -> str:
    """Return a text in lines that fit a terminal of 80 columns; values stay whole.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> len(wrapped(", ".join(["beta_1 1e-05"] * 9)).splitlines())
    2
    """
    return textwrap.fill(text, 80, break_long_words=False, break_on_hyphens=False)


def counts(study: optuna.Study) -> str:
    """Return how the trials ended, in words.

    Parameters
    ----------
    study : optuna.Study

    Examples
    --------
    >>> counts(optuna.create_study())
    '0 trials: 0 complete, 0 pruned, 0 failed (0 diverged)'
    """
    state = optuna.trial.TrialState
    trials = counted_trials(study.get_trials(deepcopy=False)).values()
    number = {each: sum(trial.state == each for trial in trials) for each in state}
    diverged = sum(CAUSE in trial.user_attrs for trial in trials)
    return (
        f"{len(trials)} trials: {number[state.COMPLETE]} complete, {number[state.PRUNED]} pruned, "
        f"{number[state.FAIL]} failed ({diverged} diverged)"
    )
