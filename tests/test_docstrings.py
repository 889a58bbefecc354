"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import os

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.test_architecture import NEEDS_NO_KERAS

# Importing ``__main__`` runs the program; the folders of the other backends import their framework.
OTHERS = (
    "cosmogan_k3.__main__",
    *(
        f"cosmogan_k3.backend.{name}"
        for name in ("jax", "tensorflow", "torch")
        if name != os.environ["KERAS_BACKEND"]
    ),
)
NAMES = (
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "cosmogan_k3").rglob("*.py")
)
MODULES = sorted(name for name in NAMES if not name.startswith(OTHERS))
WITHOUT_KERAS = [name for name in MODULES if f"{name}.".split(".")[1] in NEEDS_NO_KERAS]


def check_examples(name):
    with np.printoptions(legacy="1.25"):
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("name", WITHOUT_KERAS)
def test_examples_of_what_needs_no_keras(name):
    check_examples(name)


@pytest.mark.backend
@pytest.mark.parametrize("name", sorted(set(MODULES) - set(WITHOUT_KERAS)))
def test_examples(name):
    check_examples(name)
