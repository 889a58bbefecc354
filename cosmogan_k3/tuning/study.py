"""A study: its trials are shared among any number of workers, and each is finished once."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna

from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.parallel.identity import differing_names
from cosmogan_k3.tuning.objective import PARETO, DivergedError
from cosmogan_k3.tuning.samplers import make_pruner, make_sampler
from cosmogan_k3.tuning.storage import (
    fail_stale_trials,
    ignore_experimental_warnings,
    open_storage,
    repeated_trials,
    retry_on_disconnect,
)

# User attribute of a trial that does not count: the reason.
VOID = "void"
# User attribute of a failed trial: why it diverged.
CAUSE = "cause"

# Seconds between two looks at trials that other workers are running.
_POLL_SECONDS = 2.0

_State = optuna.trial.TrialState

# One value of a trial, or one for each objective.
TrialValues = float | Sequence[float]


class VoidTrialError(RuntimeError):
    """The trial does not count."""


def open_study(
    config: TuneConfig, identity: Mapping[str, Any], *, single_worker: bool
) -> optuna.Study:
    """Open the study of this name, or create it.

    Parameters
    ----------
    config : TuneConfig
    identity : mapping of str to Any
        What all workers, now and later, have to share.
    single_worker : bool
        A single worker samples from the command's seed; several sample from seeds of their own.

    Raises
    ------
    InputError
        If there is a study of this name with another identity, or the storage cannot be used.
    """
    storage = open_storage(config.storage, config.heartbeat)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = objectives(identity.get("objective", config.objective))
    study = optuna.create_study(
        study_name=config.study,
        storage=storage,
        directions=["minimize"] * len(names),
        load_if_exists=True,
        pruner=make_pruner(config, identity["epochs"]),
    )
    recorded = study.user_attrs.get("identity")
    if recorded is None:
        study.set_user_attr("identity", dict(identity))
    elif differing := differing_names(recorded, identity):
        raise InputError(
            f"The study {config.study!r} was begun with other settings ({', '.join(differing)}); "
            "repeat those, or give this study another name",
            parameter="study",
        )
    if study.metric_names is None:  # it is new, or of an earlier version of this package
        with ignore_experimental_warnings():
            study.set_metric_names(list(names))
    entropy = [config.seed, len(study.get_trials(deepcopy=False))] if single_worker else None
    study.sampler = make_sampler(config, entropy)
    return study


def objectives(objective: str) -> tuple[str, ...]:
    """Return the names of what a study minimizes.

    Parameters
    ----------
    objective : str
        As the study's identity names it.
    """
    return PARETO if objective == "pareto" else (objective,)


def counted_trials(
    trials: Sequence[optuna.trial.FrozenTrial],
) -> dict[int, optuna.trial.FrozenTrial]:
    """Return the trials that count.

    Parameters
    ----------
    trials : sequence of FrozenTrial
        All trials of a study.

    Returns
    -------
    dict of int to FrozenTrial
        The key is the number of a trial. The value is this trial or, if its worker was lost, the
        trial that repeats it.
    """
    void = [trial for trial in trials if VOID in trial.user_attrs]
    gone = {number for trial in void for number in (trial.number, *repeated_trials(trial))}
    return {
        (repeated_trials(trial) or [trial.number])[0]: trial
        for trial in trials
        if trial.number not in gone
    }


def is_finished(study: optuna.Study, count: int) -> bool:
    """Return whether ``count`` trials have ended, and no worker is running another."""
    trials = study.get_trials(deepcopy=False)
    enough = len(counted_trials(trials)) >= count
    return enough and all(trial.state.is_finished() for trial in trials)


def work(study: optuna.Study, count: int, run: Callable[[optuna.Trial], TrialValues]) -> None:
    """Run trials until, with those of other workers, ``count`` have ended.

    The storage numbers trials atomically. A worker that finds ``count`` older trials voids its
    own. No lock is needed, and no trial is run twice.

    Parameters
    ----------
    study : optuna.Study
    count : int
    run : callable
        From a trial to its value or values.

    Examples
    --------
    >>> study = optuna.create_study()
    >>> work(study, 2, lambda trial: trial.suggest_float("x", 0.0, 1.0))
    >>> len(study.trials)
    2
    """

    def objective(trial: optuna.Trial) -> TrialValues:
        if _is_surplus(study, trial, count):
            retry_on_disconnect(trial.set_user_attr, VOID, "surplus")
            raise VoidTrialError
        try:
            return run(trial)
        except (DivergedError, optuna.TrialPruned):
            raise
        except optuna.exceptions.UpdateFinishedTrialError:
            # Another worker took this trial for lost, and repeats it.
            raise VoidTrialError from None
        except BaseException as error:
            # The trial is not to blame: another takes its place.
            reason = f"interrupted by {type(error).__name__}"
            retry_on_disconnect(trial.set_user_attr, VOID, reason)
            raise

    while not retry_on_disconnect(is_finished, study, count):
        retry_on_disconnect(fail_stale_trials, study)
        trials = retry_on_disconnect(study.get_trials, deepcopy=False)
        waiting = any(trial.state == _State.WAITING for trial in trials)
        if waiting or len(counted_trials(trials)) < count:
            _optimize(study, objective)
        else:
            time.sleep(_POLL_SECONDS)


def _optimize(study: optuna.Study, objective: Callable[[optuna.Trial], TrialValues]) -> None:
    """Run one trial, and drop it if another worker was given it meanwhile."""
    try:
        retry_on_disconnect(
            study.optimize, objective, n_trials=1, catch=(DivergedError, VoidTrialError)
        )
    except ValueError as error:
        if "Cannot tell a" not in str(error):  # Optuna has no exception of its own for it
            raise


def _is_surplus(study: optuna.Study, trial: optuna.Trial, count: int) -> bool:
    """Return whether enough trials are older; one that repeats another takes its place."""
    trials = retry_on_disconnect(study.get_trials, deepcopy=False)
    older = sum(number < trial.number for number in counted_trials(trials))
    return not repeated_trials(trials[trial.number]) and older >= count
