"""A tracking server that goes away costs neither records nor time."""

import contextlib
import json
import time

import mlflow
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.tracking import journal as journal_module
from cosmogan_k3.tracking import recorder, runs
from tests.tracking.rest_server import Runs, serving

pytestmark = pytest.mark.backend


SET = {"name": "maps.h5", "digest": "0123", "source_type": "local", "source": "{}"}
SET |= {"schema": "{}", "profile": "{}", "context": "training"}


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Return what a server holds, and a function that runs it again on the same port."""
    held = Runs(tmp_path / "artifacts")
    with serving(held) as port:
        pass  # the port is free again
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:canary@127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(recorder, "_PAUSE", 0.0)
    monkeypatch.setattr(recorder, "_PAUSE_FACTOR", 0.0)
    mlflow.set_tracking_uri(None)
    return held, lambda: serving(held, port)


def epochs_of(held):
    (run,) = held.runs.values()
    return [(step, value) for key, step, value in run["metrics"] if key == "by_epoch/loss"]


def test_records_survive_a_server_that_dies_and_arrive_once_and_in_order(server, tmp_path, capsys):
    held, start = server
    figure = tmp_path / "run" / "one.png"
    figure.parent.mkdir()
    figure.write_bytes(b"a figure")
    folder = tmp_path / "run" / "tracking"
    begin = time.monotonic()
    with contextlib.ExitStack() as first:
        first.enter_context(start())
        with runs.training_run("run", {"seed": 1}, folder=folder):
            runs.log_epoch({"loss": 0.1}, 1)
            assert epochs_of(held) == [(1, 0.1)]
            first.close()  # the server dies
            runs.log_epoch({"loss": 0.2}, 2)
            runs.log_epoch({"loss": float("nan")}, 3)
            runs.log_tags({"training": "complete"})
            runs.log_sets([SET])
            runs.log_evidence({"ks": 0.5}, [figure], description="**found**")
    assert time.monotonic() - begin < 10
    shown = capsys.readouterr().err
    assert shown.count("\n") == 2, shown
    assert "me:***@127.0.0.1" in shown
    assert "records are kept in" in shown
    assert "`cosmogan sync` with the folder" in shown
    assert epochs_of(held) == [(1, 0.1)]
    with pytest.raises(InputError, match="repeat the command when it can"):
        runs.sync(tmp_path)
    with start():
        assert runs.sync(tmp_path) == 8
        assert runs.sync(tmp_path) == 0
    (run,) = held.runs.values()
    assert [step for step, _ in epochs_of(held)] == [1, 2, 3]
    assert run["tags"]["training"] == "complete"
    assert run["tags"]["mlflow.note.content"] == "**found**"
    assert run["params"] == {"seed": "1"}
    assert run["inputs"] == ["maps.h5"]
    assert held.kind == "custom_model_development"
    assert run["status"] == "FINISHED"
    assert (tmp_path / "artifacts" / "results" / "figures" / "one.png").read_bytes() == b"a figure"
    assert "canary" not in "".join(path.read_text() for path in folder.iterdir())


def test_a_run_without_a_server_is_made_when_there_is_one(server, tmp_path, capsys):
    held, start = server
    with runs.training_run("run", {"seed": 1}, folder=tmp_path / "t") as run:
        assert run.run_id == ""
        assert runs.active_run_id() == ""
        runs.log_epoch({"loss": 0.1}, 1)
        with start():
            runs.log_epoch({"loss": 0.2}, 2)
            assert epochs_of(held) == [(1, 0.1), (2, 0.2)]
            assert run.run_id == runs.active_run_id() == "0" * 32
    assert capsys.readouterr().err.count("cannot be used") == 2  # before, and after


def test_a_server_behind_a_proxy_that_answers_with_errors_is_waited_for(server, tmp_path):
    held, start = server
    with start(), runs.training_run("run", {}, folder=tmp_path / "t"):
        held.answering = False
        runs.log_epoch({"loss": 0.1}, 1)
        held.answering = True
        runs.log_epoch({"loss": 0.2}, 2)
        assert epochs_of(held) == [(1, 0.1), (2, 0.2)]


def test_a_server_that_is_down_is_not_asked_at_every_epoch(server, tmp_path, monkeypatch):
    attempts = []
    monkeypatch.setattr(recorder, "_PAUSE", 60.0)
    real = recorder.send
    monkeypatch.setattr(recorder, "send", lambda each: attempts.append(1) or real(each))
    with runs.training_run("run", {}, folder=tmp_path / "t"):
        for epoch in range(20):
            runs.log_epoch({"loss": 0.1}, epoch)
    assert len(attempts) == 2, "at the start and at the end"


def test_a_resumed_run_sends_first_what_the_killed_process_could_not(server, tmp_path):
    held, start = server
    folder = tmp_path / "t"
    with contextlib.suppress(KeyboardInterrupt), runs.training_run("run", {}, folder=folder):
        runs.log_epoch({"loss": 0.1}, 1)
        raise KeyboardInterrupt
    with (folder / journal_module.RECORDS).open("a") as file:
        file.write('{"kind": "metr')  # killed while it wrote
    with start(), runs.training_run("run", {}, folder=folder, resume=True):
        runs.log_missing_epochs([{"loss": 0.1}, {"loss": 0.2}])
    assert epochs_of(held) == [(1, 0.1), (2, 0.2)]
    (run,) = held.runs.values()
    assert run["status"] == "FINISHED"
    records = (folder / journal_module.RECORDS).read_text().splitlines()
    assert [json.loads(line)["kind"] for line in records].count("run") == 1


def test_a_run_that_was_made_but_not_noted_is_found_again(server, tmp_path):
    held, start = server
    with start():
        with runs.training_run("run", {}, folder=tmp_path / "t"):
            runs.log_epoch({"loss": 0.1}, 1)
        (tmp_path / "t" / journal_module.SENT).unlink()  # the process died before
        runs.sync(tmp_path)
    assert len(held.runs) == 1


def test_a_run_that_records_is_not_synchronized_by_another_process(server, tmp_path):
    with (
        runs.training_run("run", {}, folder=tmp_path / "t"),
        pytest.raises(InputError, match="another process is writing"),
    ):
        runs.sync(tmp_path)
    with pytest.raises(InputError, match="holds no records"):
        runs.sync(tmp_path / "elsewhere")


def test_tracking_that_is_off_records_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with runs.training_run("run", {"seed": 1}, folder=tmp_path / "t", tracking="off") as run:
        runs.log_epoch({"loss": 0.1}, 1)
        runs.log_evidence({"a": 1}, [], description="")
        runs.log_missing_epochs([{"loss": 0.1}])
        assert run.run_id == runs.active_run_id() == ""
    assert not list(tmp_path.iterdir())
