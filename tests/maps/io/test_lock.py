"""Locks of outputs, between processes and after the death of their holder."""

import subprocess
import sys

import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.lock import exclusive

_HOLD = """
import sys, time
from cosmogan_k3.maps.io.lock import exclusive
with exclusive(sys.argv[1], folder=sys.argv[2] == "folder"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_lock_excludes_other_processes_and_ends_with_its_holder(tmp_path, kind):
    path, folder = tmp_path / "out", kind == "folder"
    command = [sys.executable, "-c", _HOLD, str(path), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another process"), exclusive(path, folder=folder):
            pass
        holder.kill()
        holder.wait()
    with exclusive(path, folder=folder):
        pass
    left = [found.name for found in tmp_path.rglob("*") if found != path]
    assert left == []


def test_a_lock_is_released_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "out"):
        _ = 1 / 0
    with exclusive(tmp_path / "out"):
        pass


def test_locks_of_different_outputs_are_independent(tmp_path):
    with exclusive(tmp_path / "a.h5"), exclusive(tmp_path / "b.h5"):
        pass


def test_what_dead_processes_left_is_removed_by_the_next_command(tmp_path):
    mine, other = tmp_path / ".partial-maps.h5-ab12.h5", tmp_path / ".partial-new.h5-ab12.h5"
    mine.touch()
    other.touch()
    with exclusive(tmp_path / "maps.h5"):
        assert not mine.exists()
        assert other.exists(), "it is of another output"
    mine.touch()
    with exclusive(tmp_path / "new.h5"), exclusive(tmp_path, folder=True):
        other.touch()
        assert not mine.exists()
    with exclusive(tmp_path / "new.h5"):
        other.touch()
        with exclusive(tmp_path, folder=True):
            assert other.exists(), "its output is locked"


def test_a_refused_command_leaves_no_folder(tmp_path):
    with exclusive(tmp_path / "a" / "b" / "maps.h5"), exclusive(tmp_path / "c", folder=True):
        pass
    assert not list(tmp_path.iterdir())
