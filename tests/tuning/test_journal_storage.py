"""A study in a file: workers that share it, one that is lost, and files that are none."""

from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.tuning import journal_storage
from cosmogan_k3.tuning.storage import fail_stale_trials, open_storage, repeated_trials
from cosmogan_k3.tuning.study import open_study, work
from tests.tuning.small_study import config

STATES = optuna.trial.TrialState


@pytest.fixture
def url(tmp_path, monkeypatch):
    """The URL of a file in the current folder."""
    monkeypatch.chdir(tmp_path)
    return "journal:///study.journal"


def opened(url, **options):
    return open_study(config(storage=url, **options), {"epochs": 1}, single_worker=False)


def test_a_path_after_three_slashes_is_relative_and_after_four_absolute(url, tmp_path):
    open_storage(url, heartbeat=30)
    open_storage(f"journal:///{tmp_path}/other.journal", heartbeat=30)
    assert {path.name for path in tmp_path.iterdir()} == {"study.journal", "other.journal"}


def test_workers_share_a_file(url):
    studies = [opened(url) for _ in range(3)]  # each with its own storage, as other processes have

    def run(study):
        work(study, 9, lambda trial: trial.suggest_float("x", 0.0, 1.0))

    with ThreadPoolExecutor(len(studies)) as pool:
        list(pool.map(run, studies))
    trials = [t for t in opened(url).trials if not t.user_attrs]
    assert [trial.state for trial in trials] == [STATES.COMPLETE] * 9


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_the_trial_of_a_lost_worker_is_repeated_once(url, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(journal_storage.time, "monotonic", lambda: now[0])
    lost, other = opened(url), opened(url)
    trial = lost.ask()
    x = trial.suggest_float("x", 0.0, 1.0)
    other.ask()  # runs, and gives signs
    storage = other._storage
    for seconds in (0, 60, 89, 91):  # three heartbeats of 30 s are missed after 90
        now[0] = seconds
        storage.record_heartbeat(other.trials[1]._trial_id)
        fail_stale_trials(other)
        expected = STATES.FAIL if seconds > 90 else STATES.RUNNING
        assert other.trials[0].state == expected
    assert other.trials[1].state == STATES.RUNNING
    repeat = other.trials[2]
    assert repeated_trials(repeat) == [0]
    assert repeat.params == {"x": x}
    with pytest.raises(ValueError, match="Cannot tell a FAIL trial"):
        lost.tell(trial, 1.0)
    lost._storage.record_heartbeat(trial._trial_id)  # of the thread that has not noticed yet


@pytest.mark.parametrize("path", ["nowhere/study.journal", "file"])
def test_a_file_that_cannot_hold_a_study_is_refused_in_one_line(url, tmp_path, path):
    (tmp_path / "file").write_text("no journal\n")
    with pytest.raises(InputError, match="no study can be kept there") as caught:
        open_storage(f"journal:///{path}", heartbeat=30)
    assert caught.value.parameter == "storage"
    assert "\n" not in str(caught.value)
