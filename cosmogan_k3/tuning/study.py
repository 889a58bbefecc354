"""A study: its trials, shared out among any number of workers, each finished once."""

import json
import time

import numpy as np
import optuna

from cosmogan_k3.errors import InputError
from cosmogan_k3.tuning.objective import PARETO, DivergedError
from cosmogan_k3.tuning.storage import fail_stale_trials, open_storage, retry_on_disconnect

VOID = "void"
"""User attribute of a trial that takes no place in the study: why it was given up before it was one."""
CAUSE = "cause"
"""User attribute of a failed trial: why it diverged."""

_POLL = 2.0
"""Seconds between two looks at trials that others have under way."""

_State = optuna.trial.TrialState


class VoidTrialError(RuntimeError):
    """The trial was one too many."""


def open_study(config, identity, *, alone):
    """Open the study of this name, or begin it.

    Args:
        config: ``TuneConfig``.
        identity: mapping of what all workers, now and later, have to share.
        alone: bool; a single worker draws from the command's seed, several draw from seeds of their own.

    Raises:
        InputError: a study of that name with another identity, or a storage that cannot be used.
    """
    storage = open_storage(config.storage, config.heartbeat)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=config.study,
        storage=storage,
        directions=["minimize"] * len(objectives(config)),
        load_if_exists=True,
        pruner=_pruner(config, identity["epochs"]),
    )
    recorded = study.user_attrs.get("identity")
    if recorded is None:
        study.set_user_attr("identity", identity)
    elif recorded != json.loads(json.dumps(identity)):
        differing = [
            name
            for name in identity
            if recorded.get(name) != json.loads(json.dumps(identity[name]))
        ]
        raise InputError(
            f"The study {config.study!r} was begun with other settings ({', '.join(differing)}); repeat those, or give "
            "this one another name with --study"
        )
    study.sampler = _sampler(
        config, [config.seed, len(study.get_trials(deepcopy=False))] if alone else None
    )
    return study


def objectives(config):
    """Names of what the study minimises."""
    return ("score",) if config.objective == "score" else PARETO


def _sampler(config, entropy):
    seed = None if entropy is None else int(np.random.SeedSequence(entropy).generate_state(1)[0])
    if config.sampler == "nsga":
        return optuna.samplers.NSGAIISampler(seed=seed)
    if config.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    # Parallel trials would crowd at one spot without the liar. Independent TPE: knobs come and go with the loss.
    return optuna.samplers.TPESampler(seed=seed, constant_liar=True)


def _pruner(config, epochs):
    if config.objective == "pareto":  # Optuna prunes by one number
        return optuna.pruners.NopPruner()
    if config.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=epochs, reduction_factor=2
        )
    if config.pruner == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return optuna.pruners.NopPruner()


def places(trials):
    """The trials that take a place in the study.

    Args:
        trials: all trials of a study.

    Returns:
        dict of the number of each original to the trial that stands for it: itself or, where its worker was lost, the
        one that repeats it.
    """
    void = [trial for trial in trials if VOID in trial.user_attrs]
    gone = {number for trial in void for number in (trial.number, *_repeated(trial))}
    return {
        (_repeated(trial) or [trial.number])[0]: trial
        for trial in trials
        if trial.number not in gone
    }


def _repeated(trial):
    """Numbers of the lost trials that this one repeats, the original first."""
    return trial.system_attrs.get("retry_history", [])


def finished(study, count):
    """Whether ``count`` trials have come to an end, and no worker has another under way."""
    trials = study.get_trials(deepcopy=False)
    return len(places(trials)) >= count and all(trial.state.is_finished() for trial in trials)


def work(study, count, run):
    """Run trials until, with those of other workers, ``count`` have come to an end.

    The number of a trial is the order in which the storage, atomically, made them; a worker that finds ``count`` older
    ones voids its own. So no lock is needed, and none is doubled.

    Args:
        study: ``optuna.Study``.
        count: int.
        run: function of an ``optuna.Trial`` to its value or values.
    """

    def objective(trial):
        if _surplus(study, trial, count):
            retry_on_disconnect(trial.set_user_attr, VOID, "one too many")
            raise VoidTrialError
        try:
            return run(trial)
        except (DivergedError, optuna.TrialPruned):
            raise
        except optuna.exceptions.UpdateFinishedTrialError:
            raise VoidTrialError from None  # another worker took this one for lost, and repeats the trial
        except BaseException as error:
            # Not the trial's fault: it makes room for another.
            retry_on_disconnect(trial.set_user_attr, VOID, f"interrupted by {type(error).__name__}")
            raise

    while not retry_on_disconnect(finished, study, count):
        retry_on_disconnect(fail_stale_trials, study)
        trials = retry_on_disconnect(study.get_trials, deepcopy=False)
        if len(places(trials)) < count or any(trial.state == _State.WAITING for trial in trials):
            _optimize(study, objective)
        else:
            time.sleep(_POLL)


def _optimize(study, objective):
    """Run one trial, and drop it if it was given to another worker meanwhile."""
    try:
        retry_on_disconnect(
            study.optimize, objective, n_trials=1, catch=(DivergedError, VoidTrialError)
        )
    except ValueError as error:
        if "Cannot tell a" not in str(error):  # Optuna has no exception of its own for it
            raise


def _surplus(study, trial, count):
    """Whether enough trials are older; one that repeats another has that one's place."""
    trials = retry_on_disconnect(study.get_trials, deepcopy=False)
    older = sum(number < trial.number for number in places(trials))
    return not _repeated(trials[trial.number]) and older >= count
