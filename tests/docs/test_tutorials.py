"""The tutorials run, and have stored outputs."""

import pytest

from tests.conftest import ROOT
from tests.docs.markdown import quick_backend

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs_as_its_reader_sees_it(path, monkeypatch):
    """Each cell prints and draws something where the stored notebook shows something."""
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    quick_backend(monkeypatch)
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import notebooks

    stored = nbformat.read(path, as_version=4)
    executed = notebooks.execute(path)
    assert [kinds(cell) for cell in executed.cells] == [kinds(cell) for cell in stored.cells]


def kinds(cell):
    """Return the kinds of a cell's outputs."""
    return [output.output_type for output in cell.get("outputs", [])]


def test_every_tutorial_is_listed():
    index = (ROOT / "docs" / "tutorials" / "index.md").read_text()
    assert all(f"({path.name})" in index for path in TUTORIALS)
