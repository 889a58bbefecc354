"""The options of a survey, in the commands that have them."""

import json

import numpy as np
import pytest

from cosmogan_k3.cli.commands import evaluate as evaluate_command
from cosmogan_k3.cli.commands.simulate import simulated_shards
from cosmogan_k3.config import SimulateConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import read_maps
from cosmogan_k3.parallel.executor import thread_map
from cosmogan_k3.statistics import power_spectrum
from cosmogan_k3.survey import Survey, shear_from_convergence
from tests.harness import run_command as run

SKY = {"maps": 7, "pixels": 16, "field_deg": 2.0, "seed": 3, "quiet": True}
SURVEY = {"galaxy_density": 30.0, "smoothing_arcmin": 10.0}


@pytest.fixture
def mask(tmp_path, rng):
    np.save(tmp_path / "mask.npy", rng.random((16, 16)) < 0.8)
    return tmp_path / "mask.npy"


def options(**values):
    """Yield the words of a command line."""
    for name, value in values.items():
        yield "--" + name.replace("_", "-")
        if value is not True:
            yield value


def test_simulated_maps_are_those_of_the_survey(capsys, tmp_path, mask):
    files = {"clean.h5": {}, "noisy.h5": SURVEY, "masked.h5": {**SURVEY, "mask": mask}}
    for name, more in files.items():
        command = ("simulate", *options(**SKY, **more), "--out", tmp_path / name)
        assert run(capsys, *command)[0] == 0
    clean, noisy, masked = (read_maps(tmp_path / name) for name in files)
    expected = Survey(**SURVEY, seed=3).observe(
        clean.kappa[:], pixel_arcmin=7.5, stream="simulated"
    )
    np.testing.assert_array_equal(noisy.kappa[:], expected)
    assert np.isnan(masked.kappa[:][:, ~np.load(mask)]).all()
    assert np.isfinite(masked.kappa[:][:, np.load(mask)]).all()
    assert {name: float(noisy.parameters[name][-1]) for name in SURVEY} == SURVEY
    assert noisy.parameters.keys() - clean.parameters.keys() == {*SURVEY, "sigma_epsilon"}


def test_shards_have_the_noise_of_their_maps(tmp_path, mask):
    """Files of one and of three maps hold the same set; another survey is another set."""
    config = SimulateConfig(**SKY, **SURVEY, kaiser_squires=1, out=str(tmp_path / "one"))
    fingerprints = set()
    for shard_maps in (1, 3, 7):
        out = str(tmp_path / f"of_{shard_maps}")
        changed = SimulateConfig(**{**vars(config), "shard_maps": shard_maps, "out": out})
        simulated_shards(changed).write(thread_map)
        fingerprints.add(read_maps(out).fingerprint())
    assert len(fingerprints) == 1
    recorded = json.loads((tmp_path / "of_7" / "shards.json").read_text())
    assert recorded["galaxy_density"] == 30.0
    for change in ({"galaxy_density": 20.0}, {"kaiser_squires": 0}, {"mask": str(mask)}):
        other = SimulateConfig(**{**vars(changed), **change})
        with pytest.raises(InputError, match="maps of another command"):
            simulated_shards(other)


@pytest.mark.backend
def test_generated_maps_have_other_noise_than_simulated_ones(capsys, tmp_path):
    import keras

    from cosmogan_k3.gan.build import build_gan

    build_gan("tiny", pixels=16, pixel_arcmin=3.0).save(tmp_path / "model.keras")
    command = ("generate", "--model", tmp_path / "model.keras", "--maps", 5, "--seed", 2, "--quiet")
    command += ("--backend", keras.backend.backend())
    for name, more in {"clean.h5": (), "noisy.h5": ("--galaxy-density", 30)}.items():
        assert run(capsys, *command, *more, "--out", tmp_path / name)[0] == 0
    clean, noisy = (read_maps(tmp_path / f"{name}.h5").kappa[:] for name in ("clean", "noisy"))
    survey = Survey(galaxy_density=30.0, seed=2)
    expected = survey.observe(clean, pixel_arcmin=3.0, stream="generated")
    # The generator may round differently in its second run on some backends.
    np.testing.assert_allclose(noisy, expected, atol=1e-6)
    simulated = survey.observe(clean, pixel_arcmin=3.0, stream="simulated")
    correlation = np.corrcoef((noisy - clean).ravel(), (simulated - clean).ravel())[0, 1]
    assert abs(correlation) < 0.12  # 1,280 pixels: ± 0.028
    assert run(capsys, *command, "--smoothing-arcmin", 30, "--out", tmp_path / "wide.h5")[0] == 2
    assert not (tmp_path / "wide.h5").exists()


def test_evaluate_adds_the_noise_of_a_survey(capsys, tmp_path, monkeypatch):
    for name, seed in (("real", 1), ("generated", 2)):
        sky = {**SKY, "maps": 12, "seed": seed}
        run(capsys, "simulate", *options(**sky), "--out", tmp_path / f"{name}.h5")
    written = []  # figures take long to draw
    monkeypatch.setattr(
        evaluate_command, "write_evaluation", lambda _, found: written.append(found)
    )
    command = ("evaluate", "--real", tmp_path / "real.h5", "--generated", tmp_path / "generated.h5")
    survey = options(**SURVEY, survey_area=500, seed=6)
    code, printed, _ = run(capsys, *command, *survey, "--out", tmp_path / "evaluation")
    assert code == 0
    assert "shape noise of 30 galaxies per arcmin²" in " ".join(printed.split())
    (evaluation,) = written
    assert evaluation.metrics["survey_shift_power_spectrum"] > 0
    assert evaluation.provenance["noise_seed"] == 6
    # Without the options there is no survey.
    assert run(capsys, *command, "--out", tmp_path / "evaluation")[0] == 0
    assert written[1].survey_note == ""


def test_evaluate_reconstructs_the_convergence_from_shear(capsys, tmp_path, monkeypatch, rng):
    kappa = rng.normal(0, 0.02, (2, 12, 16, 16))
    for name, each in zip(("real", "generated"), kappa, strict=True):
        gamma1, gamma2 = shear_from_convergence(each)
        arrays = {"gamma1": gamma1, "gamma2": gamma2, "pixel_arcmin": 3.0}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    command = ("evaluate", *("--real", tmp_path / "real.npz"), "--out", tmp_path / "evaluation")
    command += ("--generated", tmp_path / "generated.npz", "--generated-field", "gamma1,gamma2")
    written = []
    monkeypatch.setattr(
        evaluate_command, "write_evaluation", lambda _, found: written.append(found)
    )
    code, printed, _ = run(capsys, *command, "--field", "gamma1, gamma2")
    assert code == 0
    assert "reconstructed from shear" in printed
    power = power_spectrum(kappa[1], pixel_arcmin=3.0)[1].mean()
    result = written[0].comparison["power_spectrum"]
    assert result.generated.mean() == pytest.approx(power, rel=1e-5)  # float32
    code, _, error = run(capsys, *command, "--field", "gamma1,gamma2,kappa")
    assert (code, len(error.splitlines())) == (2, 1)
    assert "--field" in error
    assert "one array, or the two of the shear" in error
    code, _, error = run(capsys, *command, "--field", "gamma1,gamma3")
    assert code == 2
    assert "holds no array 'gamma3'" in error
