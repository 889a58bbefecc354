"""Rules of the code's shape: sizes, annotations and docstrings, as ``tests/house.py`` measures."""

import pytest

from tests.conftest import ROOT
from tests.house import long_lines, measure, needs_docstring, unannotated

PACKAGE = ROOT / "cosmogan_k3"
NAMES = measure(PACKAGE)
MODULES = [name for name in NAMES if name.kind == "module"]
FUNCTIONS = [name for name in NAMES if name.kind == "function"]


def over(names, measure, limit):
    """Return the places whose measure is over the limit."""
    return [n.where for n in names if getattr(n, measure) > limit]


def test_the_root_holds_eight_modules_at_most():
    assert len(list(PACKAGE.glob("*.py"))) <= 8


@pytest.mark.parametrize(
    ("names", "measure", "limit"),
    [
        (MODULES, "lines", 350),
        (FUNCTIONS, "lines", 50),
        (FUNCTIONS, "nesting", 4),
        (FUNCTIONS, "positional", 6),
    ],
    ids=["lines of a file", "lines of a function", "nesting", "required positional parameters"],
)
def test_sizes_are_within_limits(names, measure, limit):
    assert not over(names, measure, limit)


def test_lines_have_100_characters_at_most():
    assert not long_lines(PACKAGE)


def test_every_parameter_and_return_value_is_annotated():
    assert not unannotated(NAMES)


def test_every_public_name_is_documented():
    assert not [n.where for n in NAMES if needs_docstring(n) and not n.documented]


def test_measures(tmp_path):
    (tmp_path / "one.py").write_text(
        "def outer(a: int, b) -> int:\n"
        '    """Add.\n\n    >>> outer(1, 2)\n    3\n    """\n'
        "    if a:\n        return a + b\n"
        "    elif b:\n        return b\n\n"
        "    def inner(c):\n        return c\n\n    return inner(a)\n"
    )
    module, outer, inner = measure(tmp_path)
    assert (module.kind, module.lines, module.documented) == ("module", 15, False)
    assert (outer.lines, outer.nesting, outer.parameters, outer.annotated) == (9, 1, 2, 1)
    assert (outer.positional, outer.documented, outer.example) == (2, True, True)
    assert (outer.public, inner.public) == (True, False)
