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
