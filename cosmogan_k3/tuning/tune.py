"""The whole of ``cosmogan tune``: trials, figures, retraining, registration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import optuna

from cosmogan_k3 import backend
from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import masked
from cosmogan_k3.evaluation.measurable import check_measurable
from cosmogan_k3.gan import Preset, get_preset
from cosmogan_k3.gan.build import check_conditional, for_edges
from cosmogan_k3.maps import MapSet, Splits
from cosmogan_k3.maps.conditioning import parse_names
from cosmogan_k3.maps.io.atomic import check_writable
from cosmogan_k3.tracking import runs
from cosmogan_k3.tracking.champion import register
from cosmogan_k3.tracking.registry import ModelCard, check_names
from cosmogan_k3.tracking.store import problem_of_store
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.training.setup import (
    TRACKING,
    conditioning_of,
    inspected,
    print_warnings,
    split,
)
from cosmogan_k3.tuning import champion, plots, space
from cosmogan_k3.tuning.objective import Objective
from cosmogan_k3.tuning.samplers import check_sampler
from cosmogan_k3.tuning.space import Range
from cosmogan_k3.tuning.storage import open_storage, storage_url, wait_for_databases
from cosmogan_k3.tuning.study import CAUSE, counted_trials, objectives, open_study
from cosmogan_k3.tuning.trials import TrialRunner
from cosmogan_k3.tuning.workers import run_here, run_workers

# User attribute of the study: its run in MLflow, the parent of those of its trials.
PARENT = "mlflow_run_id"


@dataclass(frozen=True)
class Plan:
    """What is checked before the maps are read.

    Parameters
    ----------
    preset : Preset
        That of the trials.
    ranges : tuple of Range
    """

    preset: Preset
    ranges: tuple[Range, ...]


def prepare(config: TuneConfig) -> Plan:
    """Check everything that can be checked before the expensive work.

    Parameters
    ----------
    config : TuneConfig

    Returns
    -------
    Plan

    Raises
    ------
    InputError

    Examples
    --------
    >>> prepare(TuneConfig(preset="tiny", epochs=2, storage="sqlite://")).preset.epochs
    2
    """
    preset = get_preset(config.preset, config.width)
    check_sampler(config.sampler)
    if parse_names(config.condition):
        check_conditional(preset)
    ranges = space.read_ranges(config.ranges)
    space.check(ranges, preset)
    check_writable(config.out)
    check_names(config.model_name, config.alias)
    open_storage(config.storage, config.heartbeat)
    runs.check_store(config.tracking)
    return Plan(replace(preset, epochs=config.epochs or preset.epochs), tuple(ranges))


def tune(
    config: TuneConfig,
    plan: Plan,
    maps: MapSet,
    *,
    provenance: Mapping[str, Any] | None = None,
) -> optuna.Study:
    """Run the trials of a study and, once all are done, retrain and register the best.

    Parameters
    ----------
    config : TuneConfig
    plan : Plan
        As ``prepare`` returns it.
    maps : MapSet
    provenance : mapping of str to Any, optional
        Further parameters to log, such as those of the simulation.

    Returns
    -------
    optuna.Study

    Raises
    ------
    InputError
        If the maps cannot be used, there is another study of that name, or all workers ended too
        early.
    """
    wait_for_databases()
    inspection = inspected(maps)  # first: its errors name the file
    splits = split(maps, config.seed)
    check_measurable(splits.test)
    print_warnings(inspection)
    identity = _identity(config, plan, inspection.fingerprint)
    objective = Objective(splits, *conditioning_of(config, splits.train, maps))
    preset = for_edges(plan.preset, config.periodic, splits.train.kappa)
    single = config.workers == 1 and config.finish == 1
    study = open_study(config, identity, single_worker=single)
    parameters = {key: str(value) for key, value in identity.items()} | dict(provenance or {})
    parameters["storage"] = masked(storage_url(config.storage))
    parent = _parent(config, study, parameters)
    runner = TrialRunner(config, preset, plan.ranges, objective, parameters, parent=parent)
    if not config.finish:
        run_here(config, runner, study)
        return study
    folder = Path(config.out) / TRACKING / config.study
    with runs.training_run(
        config.study,
        parameters,
        folder=folder,
        resume=True,
        run_id=parent,
        tracking=config.tracking,
    ):
        if config.workers > 1:
            run_workers(config, study)
        else:
            run_here(config, runner, study)
        _finish(config, maps, splits, study, parameters)
    return study


def _parent(config: TuneConfig, study: optuna.Study, parameters: Mapping[str, Any]) -> str:
    """Return the MLflow run of the study, which a new study gets; empty if MLflow is not there."""
    if config.tracking != "off" and PARENT not in study.user_attrs and not problem_of_store():
        with runs.training_run(config.study, parameters) as run:
            study.set_user_attr(PARENT, run.run_id)
    return study.user_attrs.get(PARENT, "")


def _identity(config: TuneConfig, plan: Plan, fingerprint: str) -> dict[str, Any]:
    """Return what all workers of a study share, now and when it is resumed."""
    shared = (
        *("preset", "condition", "objective", "sampler", "pruner"),
        *("repeats", "seed", "periodic"),
    )
    ranges = {r.name: {k: v for k, v in asdict(r).items() if k != "name"} for r in plan.ranges}
    return {name: getattr(config, name) for name in shared} | {
        "backend": backend.name,
        "epochs": plan.preset.epochs,
        "data_fingerprint": fingerprint,
        "ranges": ranges,
    }


def _finish(
    config: TuneConfig,
    maps: MapSet,
    splits: Splits,
    study: optuna.Study,
    parameters: Mapping[str, Any],
) -> None:
    """Draw the figures, retrain the best trial, and decide whether it becomes the champion."""
    folder = Path(config.out)
    folder.mkdir(parents=True, exist_ok=True)
    best = champion.best_trial(study)
    paths = plots.draw(study, folder)
    importances = plots.importances(study)
    verdicts = [_counts(study), f"Best: trial {best.number}, {best.values}, {best.params}"]
    if importances:
        listed = ", ".join(f"{name} {value:.2f}" for name, value in importances.items())
        verdicts.append(f"Importances: {listed}")
    if config.retrain:
        verdicts += _retrain(config, maps, splits, best, parameters)
    metrics = {f"importance/{name}": value for name, value in importances.items()}
    names = objectives(config)
    metrics |= {f"best/{name}": v for name, v in zip(names, best.values, strict=True)}
    runs.log_evidence(metrics, paths, description="\n\n".join(verdicts))
    if not config.quiet:
        print("\n".join(verdicts))


def _retrain(
    config: TuneConfig,
    maps: MapSet,
    splits: Splits,
    best: optuna.trial.FrozenTrial,
    parameters: Mapping[str, Any],
) -> list[str]:
    """Retrain the best trial on several seeds, register it if it wins, and say what came out."""
    preset = for_edges(get_preset(config.preset, config.width), config.periodic, splits.train.kappa)
    trained = champion.retrain(config, preset, maps, splits, best, provenance=parameters)
    scores = ", ".join(f"{metrics['validation_score']:.4f}" for _, metrics in trained)
    verdicts = [f"Retrained on {config.retrain} seeds: validation scores {scores}"]
    if config.model_name:
        assert splits.validation is not None  # the objective needs them
        emulator, metrics = min(trained, key=lambda pair: pair[1]["validation_score"])
        tags = {"preset": config.preset, "backend": backend.name, "study": config.study}
        about = [f"Trial {best.number} of the study `{config.study}`: {best.params}", *verdicts]
        registered = register(
            emulator.gan,
            EpochJudge(splits.validation).score,
            model_name=config.model_name,
            alias=config.alias,
            card=ModelCard("\n\n".join(about), tags, int(metrics["selected_epoch"])),
        )
        verdicts.append(registered.verdict)
    return verdicts


def _counts(study: optuna.Study) -> str:
    """Return how the trials ended, in words."""
    state = optuna.trial.TrialState
    trials = counted_trials(study.get_trials(deepcopy=False)).values()
    count = {each: sum(trial.state == each for trial in trials) for each in state}
    diverged = sum(CAUSE in trial.user_attrs for trial in trials)
    return (
        f"{len(trials)} trials: {count[state.COMPLETE]} complete, {count[state.PRUNED]} pruned, "
        f"{count[state.FAIL]} failed ({diverged} diverged)"
    )
