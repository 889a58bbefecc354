"""The whole of `cosmogan tune`: workers, figures, retraining, registration."""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import optuna
from tqdm import tqdm

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.build import check_conditional, for_edges
from cosmogan_k3.gan.presets import Preset, get_preset
from cosmogan_k3.maps.conditioning import parse_names
from cosmogan_k3.maps.io.atomic import check_writable
from cosmogan_k3.tracking import runs
from cosmogan_k3.training.trainer import conditioning_of, split
from cosmogan_k3.tuning import champion, plots, space
from cosmogan_k3.tuning.objective import Objective
from cosmogan_k3.tuning.storage import (
    open_storage,
    retry_on_disconnect,
    wait_for_databases,
    without_password,
)
from cosmogan_k3.tuning.study import CAUSE, finished, objectives, open_study, places, work
from cosmogan_k3.tuning.trials import TrialRunner

PARENT = "mlflow_run_id"
"""User attribute of the study: the run in MLflow under which its trials stand."""

_LOOK = 1.0
"""Seconds between two looks at what the workers have done."""


@dataclass(frozen=True)
class Plan:
    """What was checked before the maps are read: the preset of the trials and the ranges."""

    preset: Preset
    ranges: list


def prepare(config):
    """Check everything that can be checked before the expensive work.

    Args:
        config: ``TuneConfig``.

    Returns:
        ``Plan``.

    Raises:
        InputError
    """
    preset = get_preset(config.preset)
    if parse_names(config.condition):
        check_conditional(preset)
    ranges = space.read_ranges(config.ranges)
    space.check(ranges, preset)
    check_writable(config.out)
    open_storage(config.storage, config.heartbeat)
    return Plan(replace(preset, epochs=config.epochs or preset.epochs), ranges)


def tune(config, plan, maps, *, provenance=None):
    """Run the trials of a study and, once all are done, retrain and register the best.

    Args:
        config: ``TuneConfig``.
        plan: ``Plan``, from ``prepare``.
        maps: ``MapSet``.
        provenance: optional mapping of further parameters to log, such as the simulation's.

    Returns:
        The ``optuna.Study``.

    Raises:
        InputError: maps that cannot be used, another study of that name, or workers that all ended too early.
    """
    wait_for_databases()
    splits = split(maps, config.seed)
    objective = Objective(splits, conditioning_of(config, splits.train, maps))
    if objective.validation is None:
        raise InputError(
            f"A study needs three validation maps, a tenth of all. Received: {len(maps)} maps"
        )
    preset = for_edges(plan.preset, config.periodic, splits.train.kappa)
    identity = _identity(config, plan, maps)
    study = open_study(config, identity, alone=config.workers == 1 and config.finish == 1)
    parameters = {key: str(value) for key, value in identity.items()} | (provenance or {})
    parameters["storage"] = without_password(config.storage)
    runner = TrialRunner(
        config, preset, plan.ranges, objective, parameters, _parent(config, study, parameters)
    )
    if not config.finish:
        _run_trials(config, runner, study)
        return study
    with runs.training_run(config.study, parameters, run_id=runner.parent):
        _run_workers(config, study) if config.workers > 1 else _run_trials(config, runner, study)
        _finish(config, maps, splits, study, parameters)
    return study


def _parent(config, study, parameters):
    """The run of the study in MLflow, under which those of its trials stand; a new study gets one."""
    if PARENT not in study.user_attrs:
        with runs.training_run(config.study, parameters) as run:
            study.set_user_attr(PARENT, run.info.run_id)
    return study.user_attrs[PARENT]


def _identity(config, plan, maps):
    """What all workers of a study share, now and when it is gone on with."""
    shared = (
        "preset",
        "condition",
        "objective",
        "sampler",
        "pruner",
        "repeats",
        "seed",
        "periodic",
    )
    identity = {name: getattr(config, name) for name in shared}
    ranges = {
        r.name: {key: value for key, value in asdict(r).items() if key != "name"}
        for r in plan.ranges
    }
    return identity | {
        "backend": backend.name,
        "epochs": plan.preset.epochs,
        "data_fingerprint": maps.fingerprint(),
        "ranges": ranges,
    }


@contextlib.contextmanager
def _bar(config, study):
    """A bar that counts the trials of all workers, and a function that brings it up to date."""
    with tqdm(
        total=config.trials, desc="trials", unit="trial", disable=config.quiet or None
    ) as bar:

        def show():
            trials = places(retry_on_disconnect(study.get_trials, deepcopy=False)).values()
            bar.update(sum(trial.state.is_finished() for trial in trials) - bar.n)

        show()
        yield show
        show()


def _run_trials(config, runner, study):
    """Run trials in this process."""
    with _bar(config, study) as show:

        def run(trial):
            show()
            return runner(trial)

        work(study, config.trials, run)


def _run_workers(config, study):
    """Run workers as processes of their own, and wait for them.

    Raises:
        InputError: all of them ended, and trials are missing.
    """
    command = [
        sys.executable,
        "-m",
        "cosmogan_k3",
        "tune",
        *_options(replace(config, workers=1, finish=0, quiet=True)),
    ]
    threads = str(max(1, (os.cpu_count() or 1) // config.workers))
    environment = {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads} | os.environ
    environment.pop("MLFLOW_RUN_ID", None)  # of the study, not of its trials
    workers = [subprocess.Popen(command, env=environment) for _ in range(config.workers)]
    try:
        with _bar(config, study) as show:
            while any(worker.poll() is None for worker in workers):
                time.sleep(_LOOK)
                show()
    finally:
        for worker in workers:
            worker.terminate()
    if not retry_on_disconnect(finished, study, config.trials):
        codes = ", ".join(str(worker.wait()) for worker in workers)
        raise InputError(
            f"All workers ended (exit codes {codes}) before {config.trials} trials of the study {config.study!r} did; "
            "repeat the command to go on"
        )


def _options(config):
    """The command line that means this configuration."""
    for field in fields(config):
        value, flag = getattr(config, field.name), "--" + field.name.replace("_", "-")
        if not field.metadata["flag"]:
            yield from (flag, str(value))
        elif value:
            yield flag


def _finish(config, maps, splits, study, parameters):
    """Figures, importances, the best trial anew, and whether it becomes the champion."""
    folder = Path(config.out)
    folder.mkdir(parents=True, exist_ok=True)
    best = champion.best_trial(study)
    paths = plots.draw(study, folder)
    shares = plots.importances(study)
    verdicts = [_counts(study), f"Best: trial {best.number}, {best.values}, {best.params}"]
    verdicts += (
        ["Importances: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items())]
        if shares
        else []
    )
    if config.retrain:
        whole = for_edges(get_preset(config.preset), config.periodic, splits.train.kappa)
        found = champion.retrain(config, whole, maps, splits, best, parameters)
        scores = ", ".join(f"{metrics['validation_score']:.4f}" for _, metrics in found)
        verdicts.append(f"Retrained on {config.retrain} seeds: validation scores {scores}")
        if config.model_name:
            verdicts.append(champion.promote(config, found, splits))
    metrics = {f"importance.{name}": share for name, share in shares.items()}
    metrics |= {
        f"best.{name}": value for name, value in zip(objectives(config), best.values, strict=True)
    }
    runs.log_evidence(metrics, paths, description="\n\n".join(verdicts))
    if not config.quiet:
        print("\n".join(verdicts))


def _counts(study):
    """How the trials ended, in words."""
    state = optuna.trial.TrialState
    trials = places(study.get_trials(deepcopy=False)).values()
    count = {each: sum(trial.state == each for trial in trials) for each in state}
    diverged = sum(CAUSE in trial.user_attrs for trial in trials)
    return (
        f"{len(trials)} trials: {count[state.COMPLETE]} complete, {count[state.PRUNED]} pruned, "
        f"{count[state.FAIL]} failed ({diverged} diverged)"
    )
