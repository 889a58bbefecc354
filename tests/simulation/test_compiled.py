"""Loops that Numba compiles, also where it cannot keep machine code."""

import numba
import pytest

from cosmogan_k3.simulation.compiled import compiled


def test_functions_run_where_no_folder_keeps_their_code():
    """A function without a file has no such folder, as in a read-only installation."""
    names = {}
    exec("def twice(x):\n    return 2 * x", names)
    with pytest.raises(RuntimeError, match="no locator"):
        numba.njit(cache=True)(names["twice"])
    assert compiled()(names["twice"])(3) == 6
