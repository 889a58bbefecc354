"""Eight writers of one SQLite database: every trial is counted once, with its own value."""

from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest

from cosmogan_k3.tuning.storage import open_storage

WRITERS, TRIALS = 8, 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_eight_writers_leave_a_whole_study(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    optuna.create_study(study_name="shared", storage=open_storage(url, heartbeat=30))

    def write(writer):
        # Its own engine and connections, as another process has.
        study = optuna.load_study(study_name="shared", storage=open_storage(url, heartbeat=30))
        for number in range(TRIALS):
            trial = study.ask()
            trial.set_user_attr("writer", writer)
            trial.report(float(number), step=number)
            study.tell(trial, 100.0 * writer + number)
        return writer

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sorted(pool.map(write, range(WRITERS))) == list(range(WRITERS))
    trials = optuna.load_study(study_name="shared", storage=url).get_trials()
    assert [trial.number for trial in trials] == list(range(WRITERS * TRIALS))
    expected = {(w, 100.0 * w + n) for w in range(WRITERS) for n in range(TRIALS)}
    assert {(trial.user_attrs["writer"], trial.value) for trial in trials} == expected
    assert all(len(trial.intermediate_values) == 1 for trial in trials)
