"""Execute the tutorials, and store their outputs.

::

    python docs/notebooks.py docs/tutorials/*.ipynb     # `make tutorials` does this for all

``tests/docs/test_tutorials.py`` executes them too, and stores nothing.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS = 900  # for one cell, on a loaded machine
ROOT = Path(__file__).parents[1]


def execute(path: Path) -> nbformat.NotebookNode:
    """Run all cells of a notebook in a new kernel and an empty folder.

    Parameters
    ----------
    path : Path

    Returns
    -------
    nbformat.NotebookNode
        The notebook with new outputs, and nothing that differs without reason from run to run.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises an error.
    """
    notebook = nbformat.read(path, as_version=4)
    variables = {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    # The kernel's own executable, and commands in `!` cells, come first.
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=SECONDS,
            startup_timeout=SECONDS,
            resources={"metadata": {"path": folder}},
            record_timing=False,
        )
        client.execute(env=os.environ | variables)
    notebook = nbformat.reads(nbformat.writes(notebook).replace(f"{folder}/", ""), as_version=4)
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in cell.metadata if key == "tags"}
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    notebook.metadata = {
        "kernelspec": notebook.metadata["kernelspec"],
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    return notebook


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return outputs with the printed lines of a stream in one piece, without progress bars.

    Parameters
    ----------
    outputs : list of NotebookNode

    Returns
    -------
    list of NotebookNode
    """
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        if kept and output.output_type == kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


if __name__ == "__main__":
    for name in sys.argv[1:]:
        nbformat.write(execute(Path(name)), name)
