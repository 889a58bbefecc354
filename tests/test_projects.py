"""The projects in mlflow_projects, run as users run them: study, serve, paper and conditional."""

import contextlib
import importlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps
from tests.conftest import ROOT
from tests.harness import run_python

pytestmark = pytest.mark.slow

RANGES = "[generator_learning_rate]\nlow = 1e-3\nhigh = 4e-3\nlog = true\n"

SAMPLE = """
import sys, numpy as np, cosmogan_k3
np.save(sys.argv[1], cosmogan_k3.Emulator.load("models:/cosmogan@champion").sample(5, seed=3))
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """A copy of the projects and the package, with an MLflow store of its own."""
    root = tmp_path_factory.mktemp("projects")
    for name in ("cosmogan_k3", "mlflow_projects"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("MLproject", "conda.yaml"):
        shutil.copy(ROOT / name, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
        patch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin")
        yield root


def command(project, *, entry="main", **parameters):
    options = [x for key, value in parameters.items() for x in ("-P", f"{key}={value}")]
    return [
        "-m",
        "mlflow",
        "run",
        f"mlflow_projects/{project}",
        "-e",
        entry,
        "--env-manager",
        "local",
        *options,
    ]


@pytest.fixture(scope="module")
def champion(projects):
    """The registry holds the best model of a study."""
    (projects / "ranges.toml").write_text(RANGES)
    run_python(
        *command(
            "study",
            preset="tiny",
            method="lognormal",
            maps=80,
            trials=2,
            workers=2,
            epochs=1,
            retrain=1,
            ranges=projects / "ranges.toml",
        ),
        cwd=projects,
    )
    return projects


def test_a_study_registers_its_best_model(champion):
    folder = champion / "mlflow_projects" / "study" / "study"
    assert (folder / "history.png").stat().st_size > 5000
    metrics = json.loads((folder / "seed-1" / "metrics.json").read_text())
    assert np.isfinite(metrics["validation_score"])


@pytest.fixture
def service(champion):
    """URL of the champion's service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = command("serve", model="models:/cosmogan@champion", port=port, backend="torch")
    with (champion / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=champion,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        last = time.monotonic() + 180
        while not answers(f"{url}/ping"):
            assert server.poll() is None, (champion / "serve.log").read_text()[-3000:]
            assert time.monotonic() < last
            time.sleep(0.5)
        yield url
    finally:
        subprocess.run(["pkill", "-TERM", "-s", str(server.pid)], check=False)
        server.wait(timeout=60)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_a_service_answers_with_the_maps_of_the_emulator(champion, service, tmp_path):
    client = {"url": service, "seed": 3, "out": tmp_path / "served.fits"}
    run_python(*command("serve", entry="client", maps=5, **client), cwd=champion)
    served = read_maps(tmp_path / "served.fits")
    assert served.pixel_arcmin == pytest.approx(18.75)
    run_python("-c", SAMPLE, tmp_path / "drawn.npy", backend="torch", cwd=champion)
    np.testing.assert_allclose(
        served.kappa, np.load(tmp_path / "drawn.npy"), rtol=1e-6
    )  # JSON of float32

    asked = {"maps": 0, **client}
    refused = run_python(*command("serve", entry="client", **asked), cwd=champion, check=False)
    assert refused.returncode != 0
    assert re.search(r"client: error: .*refused the request", refused.stderr)


def test_the_table_of_the_paper_shows_the_measured_metrics(projects, tmp_path):
    options = {
        **{"systems": "geogan,geogan_relativistic", "method": "lognormal"},
        **{"maps": 120, "pixels": 16, "width": 0.01, "epochs": 2, "backend": "torch"},
    }
    folder = tmp_path / "paper"
    run_python(*command("paper", **options, minutes=0.0001, out=folder), cwd=projects)
    assert re.search(r"`geogan`, seed 0 \| .* \| 1 of 2 \|", (folder / "table.md").read_text())
    run_python(*command("paper", **options, out=folder), cwd=projects)
    table = (folder / "table.md").read_text()
    for run in ("geogan-0", "geogan-1", "geogan-2", "geogan_relativistic-0"):
        metrics = json.loads((folder / run / "metrics.json").read_text())
        assert metrics["width"] == 0.01
        assert metrics["architecture.channels"] == [5, 3, 1, 1]
        system, _, seed = run.rpartition("-")
        epochs = 1 if system == "geogan_relativistic" else 2
        assert re.search(rf"`{system}`, seed {seed} \| .* \| {epochs} \|", table)
    pixels = metrics["ks_pixels_distance"], metrics["ks_pixels_distance_null"]
    assert f"pixel KS {pixels[0]:.4f} ({pixels[1]:.4f})" in table
    splits = {(folder / f"geogan-{seed}" / "split.json").read_bytes() for seed in range(3)}
    assert len(splits) == 1
    for figure in ("pixel_histogram", "power_spectrum", "pca", "losses"):
        assert (folder / "geogan-0" / f"{figure}.png").stat().st_size > 5000
    refused = run_python(
        *command("paper", **{**options, "width": 0.5}, out=folder), cwd=projects, check=False
    )
    assert refused.returncode != 0
    assert "was begun with another width; name a new folder" in refused.stderr


def test_a_conditional_generator_is_judged_where_it_was_not_trained(projects, tmp_path):
    options = {
        "method": "lognormal",
        "preset": "tiny",
        "maps": 240,
        "cosmologies": 8,
        "held_maps": 120,
        "held_cosmologies": 2,
        "held": "omega_m=0.28:0.32,sigma_8=0.75:0.85",
        "pixels": 16,
        "epochs": 1,
    }
    folder = tmp_path / "conditional"
    run_python(*command("conditional", **options, backend="torch", out=folder), cwd=projects)
    found = json.loads((folder / "metrics.json").read_text())
    trained = read_maps(folder / "sky").parameters
    records = found["cosmologies"]
    assert len(records) == 2
    for record in records:
        assert not np.isclose(record["omega_m"], trained["omega_m"]).any()
        assert record["null"]["ks_pixels_distance"] > 0
    expected = np.mean([record["start"]["peak_counts_error"] for record in records])
    assert found["mean"]["start"]["peak_counts_error"] == pytest.approx(expected)
    assert list(found["inference"]) == ["simulated", "generated", "start"]
    # Posteriors that learned from maps of the same distribution: the coverage of 120 independent
    # maps scatters by 0.12, and that of 240 maps to learn from adds to it.
    assert found["inference"]["simulated"]["coverage_error"] < 0.25
    table = (folder / "table.md").read_text()
    first = records[0]
    error = first["generated"]["power_spectrum_error_mean"]
    assert f"| {first['omega_m']:.3f} | {first['sigma_8']:.3f} | {error:.4f}, " in table
    assert "| simulated | " in table
    assert (folder / "conditional.png").stat().st_size > 5000
    refused = run_python(
        *command("conditional", **options, seed=1, out=folder), cwd=projects, check=False
    )
    assert refused.returncode != 0
    assert "was begun with another seed; name a new folder" in refused.stderr


@pytest.mark.parametrize(
    ("point", "inside"), [((0.28, 0.75), True), ((0.22, 0.9), True), ((0.38, 0.95), False)]
)
def test_cosmologies_outside_the_hull_are_refused(monkeypatch, point, inside):
    """Training cosmologies at the corners of a triangle."""
    monkeypatch.syspath_prepend(ROOT / "mlflow_projects" / "conditional")
    check_hull = importlib.import_module("conditional").check_hull
    sky, held = (
        MapSet(np.zeros((len(points), 8, 8), "float32"), 1.0, parameters=columns)
        for points in ([(0.2, 0.6), (0.4, 0.6), (0.2, 1.0)], [point])
        for columns in [dict(zip(("omega_m", "sigma_8"), np.transpose(points), strict=True))]
    )
    with contextlib.nullcontext() if inside else pytest.raises(InputError, match="convex hull"):
        check_hull(["omega_m", "sigma_8"], sky, held)


def test_differences_are_in_units_of_the_scatter_of_what_simulated_maps_teach(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "mlflow_projects" / "conditional")
    shifts = importlib.import_module("inference").shifts
    truth = np.array([[0.2], [0.2], [0.4], [0.4]])
    simulated = np.add(truth, [[0.1], [-0.1], [0.1], [-0.1]])  # scatter 0.1, no shift
    found = shifts(np.add(simulated, [[0.05], [0.05], [0], [0]]), simulated, truth)
    expected = {"shift": 0.25, "difference": 0.25, "largest_difference": 0.5}
    for name, value in expected.items():
        assert found[name] == pytest.approx([value])
