"""Every Python block of the documentation runs."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.docs.markdown import quick_backend


@pytest.mark.slow
def test_every_python_block_runs(tmp_path, monkeypatch):
    """In one process of its own, since it imports Keras."""
    quick_backend(monkeypatch)
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    result = subprocess.run(
        [sys.executable, "-m", "tests.docs.run_code", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": path, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/db"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
