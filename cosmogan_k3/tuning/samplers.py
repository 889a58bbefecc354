"""Samplers, pruners and the measure of importance, all of them named.

Optuna's defaults differ between versions: TPE samples parameters together by default since version
5, and importances are those of another evaluator. What decides a study stands here.
"""

import importlib.util

import numpy as np
import optuna

from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import InputError

# Pruners keep one trial of so many at each rung.
_REDUCTION = 2


def check_sampler(name: str) -> None:
    """Refuse a sampler whose packages are not installed.

    Parameters
    ----------
    name : str
        One of the choices of ``TuneConfig.sampler``.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_sampler("tpe")
    """
    if name == "gp" and importlib.util.find_spec("torch") is None:
        raise InputError(
            "Gaussian processes need PyTorch, whichever backend trains: pip install torch. "
            "Received: 'gp'; or choose tpe",
            parameter="sampler",
        )


def make_sampler(config: TuneConfig, entropy: list[int] | None) -> optuna.samplers.BaseSampler:
    """Return the sampler of a study.

    Parameters
    ----------
    config : TuneConfig
    entropy : list of int or None
        What the sampler's seed follows from; None for a random one.

    Examples
    --------
    >>> type(make_sampler(TuneConfig(), [0, 0])).__name__
    'TPESampler'
    """
    seed = None
    if entropy is not None:
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    if config.sampler == "nsga":
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=50)
    if config.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if config.sampler == "gp":
        return optuna.samplers.GPSampler(
            seed=seed,
            # Margins, which only some losses have.
            independent_sampler=optuna.samplers.RandomSampler(seed=seed),
            warn_independent_sampling=False,
            n_startup_trials=10,
            deterministic_objective=False,
        )
    # The constant liar keeps parallel trials apart. TPE is not multivariate, because some
    # parameters exist only for some losses.
    return optuna.samplers.TPESampler(
        seed=seed, constant_liar=True, multivariate=False, group=False, n_startup_trials=10
    )


def make_pruner(config: TuneConfig, epochs: int) -> optuna.pruners.BasePruner:
    """Return the pruner of a study.

    Parameters
    ----------
    config : TuneConfig
    epochs : int
        Of a trial.

    Examples
    --------
    >>> type(make_pruner(TuneConfig(objective="pareto"), epochs=4)).__name__
    'NopPruner'
    """
    if config.objective == "pareto":  # Optuna prunes by one number
        return optuna.pruners.NopPruner()
    if config.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=epochs, reduction_factor=_REDUCTION
        )
    if config.pruner == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_REDUCTION)
    return optuna.pruners.NopPruner()


def importance_evaluator() -> optuna.importance.BaseImportanceEvaluator:
    """Return what measures importances, in figures and numbers.

    fANOVA: the share of a parameter in the variance of the trials' values, under a random forest.

    Examples
    --------
    >>> type(importance_evaluator()).__name__
    'FanovaImportanceEvaluator'
    """
    return optuna.importance.FanovaImportanceEvaluator(seed=0)
