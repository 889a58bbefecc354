"""Compiled programs of JAX that one process leaves to the next."""

import importlib.util
import os

import pytest

from cosmogan_k3.cli import cache
from cosmogan_k3.cli.cache import CACHE, cache_folder, keep_jax_compilations
from tests.harness import run_python

VARIABLES = (cache._FOLDER, *cache._LIMITS)

# Prints whether the program came from the cache. Its compilation is shorter than the threshold.
COMPILE = """
from cosmogan_k3.cli.cache import keep_jax_compilations
keep_jax_compilations()
import jax
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
jax.jit(lambda x: x + 1)(1.0)
print("/jax/compilation_cache/cache_hits" in events)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Nobody has chosen a folder; the cache of the user is empty, and not there yet."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    yield tmp_path
    for name in VARIABLES:  # what a test chose
        os.environ.pop(name, None)


def test_programs_are_kept_in_a_folder_of_the_user_alone(home):
    keep_jax_compilations()
    folder = cache_folder("compiled")
    assert os.environ[cache._FOLDER] == str(folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert set(VARIABLES) <= os.environ.keys()


def test_the_user_comes_first(home, monkeypatch):
    monkeypatch.setenv(cache._FOLDER, "")
    keep_jax_compilations()
    assert os.environ[cache._FOLDER] == ""
    assert not cache_folder("compiled").exists()


def test_a_folder_that_others_can_write_to_is_not_trusted(home, capsys):
    folder = cache_folder("compiled")
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    keep_jax_compilations()
    assert cache._FOLDER not in os.environ
    assert "others can write to it" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_changes_nothing(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv(CACHE, str(home / "file"))
    keep_jax_compilations()
    assert cache._FOLDER not in os.environ


@pytest.mark.slow  # three processes that import JAX
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
def test_the_next_process_reads_what_the_first_compiled(home):
    def compiled_before():
        every = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
        done = run_python("-W", "error", "-c", COMPILE, environment=every)
        return done.stdout.split()[-1] == "True"

    assert not compiled_before()
    assert compiled_before()
    # A process that was killed while it wrote leaves a part of an entry without time of access.
    for entry in cache_folder("compiled").glob("*-cache"):
        entry.write_bytes(entry.read_bytes()[:20])
        entry.with_name(entry.name.removesuffix("-cache") + "-atime").unlink()
    assert not compiled_before()
