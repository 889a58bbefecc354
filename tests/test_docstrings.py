"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import cosmogan_k3

OTHERS = ("cosmogan_k3.backend.", "cosmogan_k3.__main__")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cosmogan_k3.__path__, "cosmogan_k3.")
    if not module.name.startswith(OTHERS)
)


@pytest.mark.backend
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    with np.printoptions(legacy="1.25"):
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
