"""From a finished study to models that compete for the champion: its best trial, retrained."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from cosmogan_k3.config import TrainConfig, TuneConfig
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Preset
from cosmogan_k3.maps import MapSet, Splits
from cosmogan_k3.training import trainer
from cosmogan_k3.training.setup import exclusive_folder
from cosmogan_k3.tuning.space import apply

_log = logging.getLogger(__name__)

# User attribute of a study: the retrained model that is best on the validation maps.
WINNER = "model"

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


def folder_of(config: TuneConfig, number: int) -> Path:
    """Return the folder of a retrained model.

    Parameters
    ----------
    config : TuneConfig
    number : int
        Of the model, from 0.

    Examples
    --------
    >>> folder_of(TuneConfig(out="study"), 0).as_posix()
    'study/seed-1'
    """
    return Path(config.out) / f"seed-{_seed(config, number)}"


def winner_of(study: optuna.Study) -> Path | None:
    """Return the file of the best retrained model, if the study has one.

    Parameters
    ----------
    study : optuna.Study

    Examples
    --------
    >>> winner_of(optuna.create_study()) is None
    True
    """
    path = study.user_attrs.get(WINNER)
    return Path(path) if path else None


def _seed(config: TuneConfig, number: int) -> int:
    """Return a seed that is none of the trials'."""
    return config.seed + config.repeats + number


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
        folder = folder_of(config, number)
        seed = _seed(config, number)
        of_all = f"{number + 1} of {config.retrain}"
        _log.info("retraining trial %d on seed %d: %s", trial.number + 1, seed, of_all)
        options = TrainConfig(
            data=config.data,
            pixels=config.pixels,
            pixel_arcmin=config.pixel_arcmin,
            periodic=config.periodic,
            preset=config.preset,
            width=config.width,
            condition=config.condition,
            precision=config.precision,
            seed=seed,
            tracking=config.tracking,
            model_name="",
            out=str(folder),
            quiet=True,  # each writes its report; the study prints the verdict
        )
        with exclusive_folder(options):
            result = trainer.train(options, preset, maps, provenance=provenance, splits=splits)
        assert result is not None  # it has no time limit and one process
        trained.append(result)
    return trained
