"""From a finished study to the model that others load: trained anew on more seeds, and only if it is better."""

import numpy as np

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.statistics import validation_score
from cosmogan_k3.tracking import registry
from cosmogan_k3.training import trainer as training
from cosmogan_k3.training.callbacks import validation_of
from cosmogan_k3.tuning.space import apply


def best_trial(study):
    """The trial of the best score; of several objectives, the one on the Pareto front with the best mean.

    Raises:
        InputError: no trial was completed.
    """
    if not (front := study.best_trials):
        raise InputError(
            f"No trial of the study {study.study_name!r} came to its end; look at the causes in MLflow"
        )
    return min(front, key=lambda trial: (np.mean(trial.values), trial.number))


def retrain(config, preset, maps, splits, trial, provenance):
    """Train the preset with a trial's values on several seeds, each evaluated and logged as by ``cosmogan train``.

    Args:
        config: ``TuneConfig``, whose ``retrain`` says how many seeds; they are none of the trials'.
        preset: ``Preset`` that the study varied.
        maps: ``MapSet``.
        splits: ``Splits`` of them that the trials had.
        trial: ``optuna.trial.FrozenTrial``.
        provenance: mapping of further parameters to log.

    Returns:
        list of ``(Emulator, metrics)``.
    """
    preset = apply(preset, trial.params)
    found = []
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
        found.append(training.train(options, preset, maps, provenance=provenance, splits=splits))
    return found


def promote(config, found, splits):
    """Register the best of the retrained models, if it beats the present champion on the validation maps.

    Args:
        config: ``TuneConfig``.
        found: what ``retrain`` returned.
        splits: ``Splits``.

    Returns:
        What was decided and why, as one line.
    """
    emulator, metrics = min(found, key=lambda pair: pair[1]["validation_score"])
    score = metrics["validation_score"]
    present = registry.load_if_any(config.model_name, config.alias)
    if present is not None:
        rival = _score(present, splits)
        if rival is None:
            return f"Not registered: {config.model_name}@{config.alias} draws other maps, and cannot be compared"
        if rival <= score:
            return f"Not registered: score {score:.4f} of validation, the present {config.alias} has {rival:.4f}"
    info = registry.log_gan(emulator.gan, registered_name=config.model_name, alias=config.alias)
    beaten = "there was none before" if present is None else f"the one before has {rival:.4f}"
    return (
        f"{config.model_name} version {info.registered_model_version} is the {config.alias}: "
        f"score {score:.4f} of validation, {beaten}"
    )


def _score(gan, splits):
    """The validation score of a model, as an epoch of its own training would be judged; None for other maps."""
    maps = splits.validation
    if gan.pixels != maps.pixels or not np.isclose(gan.pixel_arcmin, maps.pixel_arcmin, rtol=1e-3):
        return None
    validation = validation_of(maps)
    try:
        given = Sampler(gan).parameters_of(maps, slice(len(validation.real)))
        return validation_score(
            validation.distances(Sampler(gan).sample(len(validation.real), parameters=given))
        )
    except (
        InputError,
        KeyError,
    ):  # a conditional model that was told other parameters, or in another range
        return None
