"""The whole of ``cosmogan tune``: trials, figures, retraining, registration."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import optuna

from cosmogan_k3 import backend
from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import InputError, masked
from cosmogan_k3.evaluation.files import RESULTS
from cosmogan_k3.evaluation.measurable import check_measurable
from cosmogan_k3.gan import Preset, get_preset
from cosmogan_k3.gan.build import check_conditional, for_edges
from cosmogan_k3.maps import MapSet, Splits
from cosmogan_k3.maps.conditioning import parse_names
from cosmogan_k3.maps.io.atomic import check_writable
from cosmogan_k3.tracking import runs
from cosmogan_k3.tracking.champion import register
from cosmogan_k3.tracking.datasets import describe_sets
from cosmogan_k3.tracking.registry import ModelCard, check_names
from cosmogan_k3.tracking.store import problem_of_store
from cosmogan_k3.training.epoch_judge import EpochJudge
from cosmogan_k3.training.setup import (
    MODEL,
    TRACKING,
    conditioning_of,
    inspected,
    print_warnings,
    split,
)
from cosmogan_k3.tuning import artifacts, champion, plots, space, verdicts
from cosmogan_k3.tuning.objective import Measure, Objective
from cosmogan_k3.tuning.ranges import Range, check_queue, ranges_of
from cosmogan_k3.tuning.samplers import check_sampler
from cosmogan_k3.tuning.storage import (
    open_storage,
    retry_on_disconnect,
    storage_url,
    wait_for_databases,
)
from cosmogan_k3.tuning.study import open_study
from cosmogan_k3.tuning.tables import Tables, read_tables
from cosmogan_k3.tuning.trials import TrialRunner
from cosmogan_k3.tuning.workers import run_here, run_workers

# Names that a user's own objective cannot have.
BUILT_IN = ("score", "pareto")

_AT_NULL = (
    "A score of 0 or less: on average the distances are no larger than those between two halves of "
    "the validation maps. These maps cannot tell such trials apart."
)

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
    enqueued : tuple of mapping
        Values that are tried first.
    objective : callable, optional
        A user's own, minimized instead of the score.
    """

    preset: Preset
    ranges: tuple[Range, ...]
    enqueued: tuple[Mapping[str, Any], ...] = ()
    objective: Measure | None = None

    def objective_name(self, config: TuneConfig) -> str:
        """Return the name of what the trials minimize."""
        return config.objective if self.objective is None else self.objective.__name__


def prepare(
    config: TuneConfig,
    *,
    tables: Tables | None = None,
    ranges: Sequence[Range] | None = None,
    enqueue: Sequence[Mapping[str, Any]] = (),
    objective: Measure | None = None,
) -> Plan:
    """Check everything that can be checked before the expensive work.

    Parameters
    ----------
    config : TuneConfig
    tables : Tables, optional
        What ``config.ranges`` names, if it is read already.
    ranges : sequence of Range, optional
        What the trials vary, instead of what the tables say.
    enqueue : sequence of mapping of str to Any
        Values that are tried first, after those of the tables.
    objective : callable, optional
        Your own: a function of validation maps and as many generated maps, float32 ``(n, N, N)`` in
        κ, that returns a number to be minimized.

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
    own = ranges is not None or objective is not None
    if ranges is None:
        tables = tables or read_tables(config.ranges)
        ranges, enqueue = ranges_of(tables), (*tables.queue, *enqueue)
    plan = Plan(
        replace(preset, epochs=config.epochs or preset.epochs, precision=config.precision),
        tuple(ranges),
        tuple(enqueue),
        objective,
    )
    space.check(plan.ranges, preset)
    check_queue(plan.enqueued, plan.ranges)
    if own:
        _check_own(config, plan)
    check_writable(config.out)
    check_names(config.model_name, config.alias)
    open_storage(config.storage, config.heartbeat)
    runs.check_store(config.tracking)
    return plan


def _check_own(config: TuneConfig, plan: Plan) -> None:
    """Refuse a user's own objective or ranges where they cannot be used."""
    if config.workers > 1:
        raise InputError(
            "an objective or ranges in Python are known to this process alone; run the program "
            f"several times with one storage instead. Received: {config.workers} workers",
            parameter="workers",
        )
    if plan.objective and (config.objective != "score" or plan.objective_name(config) in BUILT_IN):
        raise InputError(
            f"expected one objective of your own, and a name for it other than {BUILT_IN}. "
            f"Received: {config.objective}, {plan.objective_name(config)}",
            parameter="objective",
        )


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
    conditions = conditioning_of(config, splits.train, maps)
    objective = Objective(splits, *conditions, measure=plan.objective)
    preset = for_edges(plan.preset, config.periodic, splits.train.kappa)
    single = config.workers == 1 and config.finish == 1
    study = open_study(config, identity, single_worker=single)
    parameters = {key: str(value) for key, value in identity.items()} | dict(provenance or {})
    parameters |= {"storage": masked(storage_url(config.storage)), "data": config.data}
    for values in plan.enqueued:
        retry_on_disconnect(study.enqueue_trial, dict(values), skip_if_exists=True)
    if not config.quiet:
        _say_what_begins(config, plan, study, splits)
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
        runs.log_sets(describe_sets(splits, parameters))
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
        *("preset", "condition", "sampler", "pruner"),
        *("repeats", "seed", "periodic"),
    )
    ranges = {r.name: {k: v for k, v in asdict(r).items() if k != "name"} for r in plan.ranges}
    return {name: getattr(config, name) for name in shared} | {
        "objective": plan.objective_name(config),
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
    said = [verdicts.counts(study), verdicts.best(study, best)]
    if study.metric_names == ["score"] and best.values[0] <= 0:
        said.append(_AT_NULL)
    if importances:
        listed = ", ".join(f"{name} {value:.2f}" for name, value in importances.items())
        said.append(f"Importances: {listed}")
    if config.retrain:
        said += _retrain(config, maps, splits, study, best, parameters)
    metrics = {f"importance/{name}": value for name, value in importances.items()}
    names = study.metric_names or ()
    metrics |= {f"best/{name}": v for name, v in zip(names, best.values, strict=True)}
    runs.log_evidence(metrics, paths, description="\n\n".join(said))
    if not config.quiet:
        print("\n".join(verdicts.wrapped(line) for line in said))


def _retrain(
    config: TuneConfig,
    maps: MapSet,
    splits: Splits,
    study: optuna.Study,
    best: optuna.trial.FrozenTrial,
    parameters: Mapping[str, Any],
) -> list[str]:
    """Retrain the best trial on several seeds, register it if it wins, and say what came out."""
    preset = for_edges(get_preset(config.preset, config.width), config.periodic, splits.train.kappa)
    trained = champion.retrain(config, preset, maps, splits, best, provenance=parameters)
    scores = ", ".join(f"{metrics['validation_score']:.4f}" for _, metrics in trained)
    said = [f"Retrained on {config.retrain} seeds: validation scores {scores}"]
    winner = min(range(len(trained)), key=lambda n: trained[n][1]["validation_score"])
    emulator, metrics = trained[winner]
    folder = champion.folder_of(config, winner)
    retry_on_disconnect(study.set_user_attr, champion.WINNER, str(folder / MODEL))
    artifacts.keep(study, config.out, [folder / name for name in (MODEL, *RESULTS)])
    if config.model_name:
        assert splits.validation is not None  # the objective needs them
        tags = {"preset": config.preset, "backend": backend.name, "study": config.study}
        values = verdicts.listed(best.params)
        about = [f"Trial {best.number} of the study `{config.study}`: {values}", *said]
        registered = register(
            emulator.gan,
            EpochJudge(splits.validation).score,
            model_name=config.model_name,
            alias=config.alias,
            card=ModelCard("\n\n".join(about), tags, int(metrics["selected_epoch"])),
        )
        said.append(registered.verdict)
    return said


def _say_what_begins(config: TuneConfig, plan: Plan, study: optuna.Study, splits: Splits) -> None:
    """Print what the study does, before a first trial that may take minutes."""
    done = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
    print(
        f"study {config.study!r}: {config.trials} trials ({done} done) of up to "
        f"{plan.preset.epochs} epochs on {len(splits.train)} maps; smaller is better for "
        f"{plan.objective_name(config)}; kept in {masked(storage_url(config.storage))}",
        flush=True,
    )
