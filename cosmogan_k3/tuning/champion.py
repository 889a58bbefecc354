"""From a finished study to the registry's champion: retrained, and registered if it wins."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna

from cosmogan_k3.config import TrainConfig, TuneConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, Preset
from cosmogan_k3.maps import MapSet, Splits
from cosmogan_k3.statistics import validation_score
from cosmogan_k3.tracking import registry
from cosmogan_k3.training import trainer
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.tuning.space import apply

# A model and the metrics of its evaluation.
Trained = tuple[Emulator, Mapping[str, Any]]


def best_trial(study: optuna.Study) -> optuna.trial.FrozenTrial:
    """Return the trial of the best score; of several objectives, that of the best mean.

    Raises
    ------
    InputError
        If no trial was completed.

    Examples
    --------
    >>> study = optuna.create_study()
    >>> study.add_trial(optuna.trial.create_trial(value=0.5))
    >>> best_trial(study).value
    0.5
    """
    if not (front := study.best_trials):
        raise InputError(
            f"No trial of the study {study.study_name!r} was completed; see the causes in MLflow",
            parameter="study",
        )
    return min(front, key=lambda trial: (np.mean(trial.values), trial.number))


def retrain(
    config: TuneConfig,
    preset: Preset,
    maps: MapSet,
    splits: Splits,
    trial: optuna.trial.FrozenTrial,
    *,
    provenance: Mapping[str, Any],
) -> list[Trained]:
    """Train the preset with a trial's values on several seeds.

    Each is evaluated and logged as by ``cosmogan train``.

    Parameters
    ----------
    config : TuneConfig
        Its ``retrain`` is the number of seeds. None of them is a trial's.
    preset : Preset
        Which the study varied.
    maps : MapSet
    splits : Splits
        Those of the trials.
    trial : FrozenTrial
    provenance : mapping of str to Any
        Further parameters to log.
    """
    preset = apply(preset, trial.params)
    trained: list[Trained] = []
    for number in range(config.retrain):
        seed = config.seed + config.repeats + number
        options = TrainConfig(
            data=config.data,
            pixels=config.pixels,
            pixel_arcmin=config.pixel_arcmin,
            periodic=config.periodic,
            preset=config.preset,
            condition=config.condition,
            seed=seed,
            model_name="",
            out=f"{config.out}/seed-{seed}",
            quiet=True,  # each writes its report; the study prints the verdict
        )
        result = trainer.train(options, preset, maps, provenance=provenance, splits=splits)
        assert result is not None  # it has no time limit and one process
        trained.append(result)
    return trained


def promote(config: TuneConfig, trained: Sequence[Trained], splits: Splits) -> str:
    """Register the best of the retrained models if it beats the present champion.

    Both are compared on the validation maps.

    Parameters
    ----------
    config : TuneConfig
    trained : sequence of (Emulator, metrics)
        What ``retrain`` returned.
    splits : Splits

    Returns
    -------
    str
        The decision and its reason, as one line.
    """
    emulator, metrics = min(trained, key=lambda pair: pair[1]["validation_score"])
    score = metrics["validation_score"]
    present = registry.load_if_any(config.model_name, config.alias)
    before = "there was none before"
    if present is not None:
        rival = _score(present, splits)
        if rival is None:
            return (
                f"Not registered: {config.model_name}@{config.alias} draws other maps, and cannot "
                "be compared"
            )
        if rival <= score:
            return (
                f"Not registered: score {score:.4f} of validation, the present {config.alias} has "
                f"{rival:.4f}"
            )
        before = f"the one before has {rival:.4f}"
    info = registry.log_gan(emulator.gan, registered_name=config.model_name, alias=config.alias)
    return (
        f"{config.model_name} version {info.registered_model_version} is the {config.alias}: "
        f"score {score:.4f} of validation, {before}"
    )


def _score(gan: GAN, splits: Splits) -> float | None:
    """Return the validation score of a model; None if it draws other maps."""
    maps = splits.validation
    assert maps is not None
    same_size = np.isclose(gan.pixel_arcmin, maps.pixel_arcmin, rtol=1e-3)
    if gan.pixels != maps.pixels or not same_size:
        return None
    judge = EpochJudge(maps)
    try:
        return validation_score(judge.validation.distances(judge.draw(gan)))
    except (InputError, KeyError):  # a model conditioned on other parameters, or another range
        return None
