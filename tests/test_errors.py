"""Passwords of URLs are shown nowhere."""

import pytest

from cosmogan_k3.cli.main import main
from cosmogan_k3.errors import InputError, masked, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:pw@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("mysql+pymysql://me:p/w@host/db", "mysql+pymysql://me:***@host/db"),
        ("http://me:p@w:x@host/", "http://me:***@host/"),
        ("redis://:pw@host", "redis://:***@host"),
        ("'http://me:p'\"w@host'", "'http://me:***@host'"),
        (
            "cannot reach 'tcp://a:pw@h:1', 'tcp://h:2'",
            "cannot reach 'tcp://a:***@h:1', 'tcp://h:2'",
        ),
        ("postgresql://h/db?user=me&password=pw&x=1", "postgresql://h/db?user=me&password=***&x=1"),
        ("https://h/?X-Amz-Security-Token=pw", "https://h/?X-Amz-Security-Token=***"),
        ("sqlite:///study.db, tcp://10.0.0.1:8786", "sqlite:///study.db, tcp://10.0.0.1:8786"),
        ("models:/cosmogan@champion", "models:/cosmogan@champion"),
        ("http://host:5000/#/models", "http://host:5000/#/models"),
    ],
)
def test_passwords_and_nothing_else_are_masked(text, expected):
    assert masked(text) == expected
    assert str(InputError(text)) == expected


def test_a_message_is_masked_before_it_is_cut():
    assert one_line("postgresql://me:canary@host", 22) == "postgresql://me:***@ho"


def test_no_error_and_no_traceback_of_a_command_shows_a_password(monkeypatch, capsys):
    def fail(config):
        raise OSError("no answer from postgresql://me:canary@host/db")

    monkeypatch.setattr("cosmogan_k3.cli.commands.info.run", fail)
    assert main(["info", "--debug"]) == 2
    shown = "".join(capsys.readouterr())
    assert "postgresql://me:***@host/db" in shown
    assert "canary" not in shown
