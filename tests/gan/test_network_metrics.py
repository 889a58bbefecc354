"""Evaluation metrics that need a neural network."""

import mlflow
import numpy as np
import pytest

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.gan import LatentSpace
from cosmogan_k3.gan.network_metrics import latent_smoothness, learned_frechet
from cosmogan_k3.maps import MapSet, Scaling
from cosmogan_k3.training import setup, trainer
from tests.gan.tiny_gan import tiny_gan


def white_maps(amplitude, rng):
    """Return white Gaussian maps with the amplitude as standard deviation and as σ_8."""
    kappa = amplitude[:, None, None] * rng.normal(size=(len(amplitude), 16, 16))
    parameters = {"sigma_8": amplitude, "omega_m": np.full(len(kappa), 0.3)}
    return MapSet(kappa.astype("float32"), 3.0, parameters=parameters)


def test_learned_frechet_distinguishes_another_range_of_cosmologies_from_the_same(rng):
    training, real, same = (white_maps(rng.uniform(0.6, 1.2, size=n), rng) for n in (200, 100, 50))
    other = white_maps(np.full(50, 0.6), rng)
    of_same, of_other = (learned_frechet(training, real.kappa, m.kappa) for m in (same, other))
    null = of_same["learned_frechet_distance_null"]
    assert null == pytest.approx(of_other["learned_frechet_distance_null"], rel=1e-3)
    # The null compares 50 with 50 maps, the same cosmologies 100 with 50: within a factor.
    assert of_same["learned_frechet_distance"] < 3 * null
    assert of_other["learned_frechet_distance"] > 5 * null


def test_learned_frechet_is_empty_without_varying_parameters_or_enough_maps(rng):
    constant = white_maps(np.full(40, 0.8), rng)
    varying = white_maps(rng.uniform(0.6, 1.2, size=40), rng)
    assert learned_frechet(constant, constant.kappa, constant.kappa) == {}
    assert learned_frechet(varying, varying.kappa[:6], varying.kappa) == {}
    odd_side = varying.kappa[:, :12, :12]
    assert learned_frechet(varying, odd_side, odd_side) == {}


class OppositeLatents(LatentSpace):
    """Latents of paths whose first number goes from 1 to −1 and changes its sign midway."""

    def draw(self, n, seed):
        (z,) = super().draw(n, seed)
        z[::2, 0], z[1::2, 0] = 1, -1
        return [z]


class SignGAN:
    """A stand-in for a GAN whose maps are 0 or 1, by the sign of the first latent."""

    n_conditions = 0
    latent_space = OppositeLatents(((3,),), pixels=4)
    scaling = Scaling()

    def network_maps(self, latents, conditions):
        return np.ones((1, 4, 4, 1)) * (latents[0][:, 0] > 0)[:, None, None, None]


def test_latent_smoothness_of_one_jump_is_the_number_of_steps():
    assert latent_smoothness(SignGAN()) == {"interpolation_smoothness": 15.0}


def test_latent_smoothness_is_empty_where_maps_do_not_change():
    constant = SignGAN()
    constant.network_maps = lambda latents, conditions: np.ones((len(latents[0]), 4, 4, 1))
    assert latent_smoothness(constant) == {}


def test_latent_smoothness_of_an_untrained_gan_is_near_one_and_reproducible():
    found = latent_smoothness(tiny_gan(), seed=1)
    assert found == latent_smoothness(tiny_gan(), seed=1)
    assert 1 <= found["interpolation_smoothness"] < 2


def test_training_logs_network_metrics_and_describes_the_run(tmp_path, monkeypatch, rng):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    out = str(tmp_path / "run")
    config = TrainConfig(preset="tiny", epochs=1, model_name="", out=out, quiet=True, classifier=1)
    maps = white_maps(rng.uniform(0.6, 1.2, size=180), rng)
    _, metrics = trainer.train(config, setup.prepare(config), maps)
    assert metrics["interpolation_smoothness"] >= 1
    assert np.isfinite([v for v in metrics.values() if isinstance(v, float)]).all()
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    (run,) = client.search_runs(experiments)
    smoothness = run.data.metrics["test/interpolation_smoothness"]
    assert smoothness == pytest.approx(metrics["interpolation_smoothness"])
    assert " of 16 statistics differ" in run.data.tags["mlflow.note.content"].splitlines()[0]
    first, *behind = (file.path for file in client.list_artifacts(run.info.run_id))
    assert (first, behind) == ("report.html", ["results"])  # in the order of MLflow's page
    assert {file.path for file in client.list_artifacts(run.info.run_id, "results")} == {
        f"results/{name}"
        for name in ("figures", "metrics.json", "split.json", "statistics.csv", "table.tex")
    }
    assert "the scatter of the pixels is" in run.data.tags["warnings"]
    assert {"learned_frechet_distance", "learned_frechet_distance_null"} <= set(metrics)
    assert "classifier_auc" in metrics
