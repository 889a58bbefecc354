"""Who runs the trials of a study: this process, or worker processes on this machine."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import optuna
from tqdm import tqdm

from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.tuning.announcer import Announcer
from cosmogan_k3.tuning.storage import STORAGE, retry_on_disconnect, storage_url
from cosmogan_k3.tuning.study import TrialValues, is_finished, work
from cosmogan_k3.tuning.trials import TrialRunner

# Seconds between two updates of the progress bar.
_UPDATE_SECONDS = 1.0


@contextlib.contextmanager
def _progress(config: TuneConfig, study: optuna.Study) -> Iterator[Callable[[], None]]:
    """Show the trials of all workers, and yield the function that updates what is shown."""
    hidden = config.quiet or None  # without a terminal there are lines alone
    announcer = Announcer(study, config.trials, study.metric_names or (), quiet=config.quiet)
    with tqdm(total=config.trials, desc="trials", unit="trial", disable=hidden) as bar:

        def update() -> None:
            trials = retry_on_disconnect(study.get_trials, deepcopy=False)
            bar.update(announcer.update(trials) - bar.n)

        update()
        yield update
        update()


def run_here(config: TuneConfig, runner: TrialRunner, study: optuna.Study) -> None:
    """Run trials in this process until the study is complete.

    Parameters
    ----------
    config : TuneConfig
    runner : TrialRunner
    study : optuna.Study
    """
    with _progress(config, study) as update:

        def run(trial: optuna.Trial) -> TrialValues:
            update()
            return runner(trial)

        work(study, config.trials, run)


def run_workers(config: TuneConfig, study: optuna.Study) -> None:
    """Run worker processes until they end.

    Parameters
    ----------
    config : TuneConfig
    study : optuna.Study

    Raises
    ------
    InputError
        If all of them ended and trials are missing.
    """
    options = command_line(replace(config, storage="", workers=1, finish=0, quiet=True))
    command = [sys.executable, "-m", "cosmogan_k3", "tune", *options]
    workers = [subprocess.Popen(command, env=_environment(config)) for _ in range(config.workers)]
    try:
        with _progress(config, study) as update:
            while any(worker.poll() is None for worker in workers):
                time.sleep(_UPDATE_SECONDS)
                update()
    finally:
        for worker in workers:
            worker.terminate()
    if not retry_on_disconnect(is_finished, study, config.trials):
        codes = ", ".join(str(worker.wait()) for worker in workers)
        raise InputError(
            f"All workers ended (exit codes {codes}) before {config.trials} trials of the study "
            f"{config.study!r} did; repeat the command to go on",
            parameter="workers",
        )


def _environment(config: TuneConfig) -> dict[str, str]:
    """Return the environment of a worker: its share of the cores, and where the study is."""
    threads = str(max(1, (os.cpu_count() or 1) // config.workers))
    environment = {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads} | os.environ
    environment[STORAGE] = storage_url(config.storage)
    environment.pop("MLFLOW_RUN_ID", None)  # of the study, not of its trials
    return environment


def command_line(config: TuneConfig) -> list[str]:
    """Return the command line that means a configuration.

    Examples
    --------
    >>> command_line(TuneConfig(quiet=True))[-1]
    '--quiet'
    """
    options = []
    for field in fields(config):
        value, flag = getattr(config, field.name), "--" + field.name.replace("_", "-")
        if not field.metadata["flag"]:
            options += [flag, str(value)]
        elif value:
            options.append(flag)
    return options
