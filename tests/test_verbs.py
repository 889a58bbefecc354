"""The five verbs of the package, and how sets of maps, emulators and reports show themselves."""

import inspect
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import cosmogan_k3
from cosmogan_k3.config import Simulation, TrainConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics.summary import SMOOTHING_PIXELS

# Longest text of an object that fits on a screen.
SCREEN = 40 * 120


@pytest.fixture(scope="module")
def report():
    real, generated = np.random.default_rng(0).lognormal(size=(2, 12, 16, 16)).astype("float32")
    return cosmogan_k3.evaluate(MapSet(real, 2.0), generated, permutations=19, seed=3, quiet=True)


def parameters(function):
    return {each.name: each.default for each in inspect.signature(function).parameters.values()}


def test_completion_offers_public_names_alone():
    assert dir(cosmogan_k3) == sorted(cosmogan_k3.__all__)
    assert dir(cosmogan_k3.statistics) == sorted(cosmogan_k3.statistics.__all__)
    for package in (cosmogan_k3.statistics, cosmogan_k3.survey):
        assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'simulat'"):
        _ = cosmogan_k3.simulat


def test_simulate_has_the_parameters_of_the_command_and_its_defaults():
    verb = parameters(cosmogan_k3.simulate)
    command = {each.name: each.default for each in fields(Simulation)}
    assert verb.pop("quiet") is False
    assert verb.keys() == command.keys()
    different = {name for name in verb if verb[name] != command[name]}
    assert different == {"maps", "vary"}  # fewer maps; a mapping instead of a text


def test_simulate_returns_the_maps_of_the_command(capsys):
    maps = cosmogan_k3.simulate(
        4, pixels=8, seed=2, vary={"omega_m": (0.2, 0.4)}, cosmologies=2, quiet=True
    )
    config = Simulation(maps=4, pixels=8, seed=2, vary="omega_m=0.2:0.4", cosmologies=2)
    expected = cosmogan_k3.simulation.simulate_maps(config)
    np.testing.assert_array_equal(maps.kappa, expected.kappa)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(InputError, match="method expected one of nbody, halos, lognormal"):
        cosmogan_k3.simulate(4, method="camb")


def test_an_array_and_a_pixel_size_are_maps(tmp_path):
    kappa = np.ones((2, 8, 8), "float32")
    cosmogan_k3.write_maps(tmp_path / "maps.fits", kappa, 1.5)
    assert cosmogan_k3.read_maps(tmp_path / "maps.fits").pixel_arcmin == 1.5
    with pytest.raises(InputError, match="is needed for an array of maps"):
        cosmogan_k3.write_maps(tmp_path / "more.fits", kappa)


def test_a_set_of_maps_shows_itself():
    maps = MapSet(
        np.ones((400, 8, 8), "float32"), 30, np.arange(400) // 20, {"h": np.linspace(0.6, 0.8, 400)}
    )
    assert repr(maps) == (
        "<MapSet: maps: 400 of 8 x 8 pixels of 30 arcmin; field: 4 degrees; "
        "cut from: 20 larger maps or boxes; h: 0.6 to 0.8>"
    )
    assert "<th>h</th><td>0.6 to 0.8</td>" in maps._repr_html_()
    axes = maps.plot(3)
    assert [axis.images[0].get_extent() for axis in axes] == [[0, 4, 0, 4]] * 3
    assert axes[0].get_ylabel() == "degrees"


def test_a_report_shows_itself(report):
    assert repr(report).startswith("no difference can be told between 12 real and 12 generated")
    assert len(repr(report)) < SCREEN
    html = report._repr_html_()
    assert html.count("<tr>") == len(report.comparison.tests) + 1
    assert "data:image/png;base64," in html
    assert repr(report["peaks"]).startswith("<Result peaks: Peak counts: CANNOT BE TOLD; ")


def test_a_statistic_of_a_report_is_drawn(report):
    means, contrast = report["peaks"].plot()
    np.testing.assert_array_equal(means.lines[0].get_ydata(), report["peaks"].real)
    assert contrast.get_xlabel() == "peak height κ"
    with pytest.raises(InputError, match="joint is one number"):
        report["joint"].plot()
    with pytest.raises(KeyError, match="the statistics are pixels, power_spectrum,"):
        report["peak"]


@pytest.mark.parametrize(
    ("name", "scales"),
    [
        ("starlet", ["4 arcmin", "8 arcmin"]),  # pixels of 2 arcmin
        ("scattering", ["2", "4"]),
        ("moments", [f"{2 * pixels:.2g}" for pixels in SMOOTHING_PIXELS]),
    ],
)
def test_scales_of_a_drawn_statistic_are_in_arcmin(report, name, scales):
    top, bottom = np.reshape(report[name].plot(), (2, -1))
    shown = [axis.get_title() for axis in top if axis.get_title()]
    if name != "starlet":
        shown = [label.get_text() for label in bottom[0].get_xticklabels()]
        labels = [axis.get_xlabel() for axis in bottom] + [top[0].figure.get_supxlabel()]
        assert any(label.endswith("[arcmin]") for label in labels)
    assert shown[: len(scales)] == scales


def test_a_report_opens_in_a_browser(report, monkeypatch, capsys):
    def write(path, evaluation):  # the figures take seconds
        path.write_text(repr(evaluation.comparison), encoding="utf-8")

    opened = []
    monkeypatch.setattr("cosmogan_k3.evaluation.shown.write_page", write)
    monkeypatch.setattr("webbrowser.open", opened.append)
    report.show()
    path = Path(capsys.readouterr().out.removeprefix("report: ").strip())
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8") == repr(report.comparison)
    path.unlink()


@pytest.mark.backend
def test_training_leaves_nothing_but_an_emulator(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    kappa = rng.lognormal(size=(40, 16, 16)).astype("float32")
    emulator = cosmogan_k3.train(kappa, "tiny", pixel_arcmin=3.0, epochs=1, quiet=True)
    assert not list(tmp_path.iterdir())
    assert emulator.sample(2).shape == (2, 16, 16)
    parts = (emulator.splits.train, emulator.splits.validation, emulator.splits.test)
    assert sorted(np.concatenate([part.map_id for part in parts])) == list(range(40))
    assert "preset: tiny" in repr(emulator)
    assert "<th>field</th><td>0.8 degrees</td>" in emulator._repr_html_()
    with pytest.raises(InputError, match=r"expected a GAN; Emulator\.load reads .* Received: 'x'"):
        cosmogan_k3.Emulator("x")


@pytest.mark.backend
def test_train_passes_its_parameters_to_the_job_of_the_command(monkeypatch, tmp_path):
    jobs = []

    def job(config, preset, maps, *, evaluated):
        jobs.append((config, evaluated))
        return "emulator", {}

    monkeypatch.setattr("cosmogan_k3.training.api.run_training", job)
    maps = MapSet(np.ones((4, 16, 16), "float32"), 3.0)
    given = {"epochs": 3, "width": 0.5, "seed": np.int64(7), "quiet": True}
    assert cosmogan_k3.train(maps, "tiny", condition=["h"], **given) == "emulator"
    cosmogan_k3.train(maps, "tiny", out=tmp_path / "run")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    cosmogan_k3.train(maps, "tiny", model_name="mine")
    (quick, quick_evaluated), (kept, kept_evaluated), (named, named_evaluated) = jobs
    assert (quick.condition, quick.tracking, quick.model_name) == ("h", "off", "")
    assert {name: getattr(quick, name) for name in given} == given
    assert (kept.out, kept.tracking) == (str(tmp_path / "run"), "off")
    assert (named.tracking, named.model_name) == ("required", "mine")
    assert (quick_evaluated, kept_evaluated, named_evaluated) == (False, True, True)
    with pytest.raises(InputError, match=r"epochs must be at least 0\. Received: -1"):
        cosmogan_k3.train(maps, "tiny", epochs=-1)
    assert parameters(cosmogan_k3.train)["preset"] == TrainConfig().preset
