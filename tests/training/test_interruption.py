"""Signals end a command in order; errors say how to go on."""

import contextlib
import os
import signal
import time

import pytest

from cosmogan_k3.cli.commands import info
from cosmogan_k3.errors import InputError
from cosmogan_k3.training import interruption
from cosmogan_k3.training.interruption import Terminated, raising_on_signals
from tests.harness import run_command

ENDINGS = {
    signal.SIGINT: (130, "interrupted", KeyboardInterrupt),
    signal.SIGTERM: (143, "terminated", Terminated),
}


@pytest.fixture(autouse=True)
def signals_of_a_terminal():
    """Give signals the handlers of a command in a terminal: a job in the background ignores one."""
    before = {number: signal.getsignal(number) for number in ENDINGS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    """Send a signal to this process, and wait for it."""
    os.kill(os.getpid(), number)
    time.sleep(5)
    pytest.fail("the signal did not arrive")


@pytest.mark.parametrize("number", ENDINGS, ids=str)
def test_a_signal_ends_a_command_in_one_line(capsys, monkeypatch, number):
    code, word, _ = ENDINGS[number]
    before = [signal.getsignal(each) for each in ENDINGS]
    removed = []

    def run(config):
        try:
            send(number)
        except BaseException as error:
            error.add_note("2 of 3 files are written")
            raise
        finally:
            removed.append("temporary files")

    monkeypatch.setattr(info, "run", run)
    found, out, err = run_command(capsys, "info")
    assert (found, out, err) == (code, "", f"cosmogan info: {word}; 2 of 3 files are written\n")
    assert removed == ["temporary files"]
    assert [signal.getsignal(each) for each in ENDINGS] == before


@pytest.mark.parametrize("number", ENDINGS, ids=str)
def test_a_postponed_signal_arrives_at_the_next_check(number):
    with raising_on_signals(), contextlib.suppress(ENDINGS[number][2]), interruption.postponed():
        os.kill(os.getpid(), number)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "the second ends the process"
        with pytest.raises(ENDINGS[number][2]):
            interruption.check()


def test_a_postponed_signal_arrives_at_the_end_of_the_block():
    def work():
        with interruption.postponed():
            os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it was lost")

    with raising_on_signals(), pytest.raises(Terminated):
        work()


def test_an_error_on_the_way_out_is_not_reported(capsys, monkeypatch):
    def run(config):
        with interruption.postponed():
            os.kill(os.getpid(), signal.SIGTERM)
            raise RuntimeError("connection lost")

    monkeypatch.setattr(info, "run", run)
    assert run_command(capsys, "info") == (143, "", "cosmogan info: terminated\n")


def test_notes_of_an_error_follow_in_the_same_line(capsys, monkeypatch):
    def run(config):
        error = InputError("no disk")
        error.add_note("the model is run/model.keras")
        raise error

    monkeypatch.setattr(info, "run", run)
    line = "cosmogan info: error: no disk; the model is run/model.keras\n"
    assert run_command(capsys, "info") == (2, "", line)


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with raising_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
