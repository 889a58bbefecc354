"""What only networks can measure of a generator, on the backend in use."""

import mlflow
import numpy as np
import pytest

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.gan.network_metrics import latent_smoothness, learned_frechet
from cosmogan_k3.maps import MapSet

pytestmark = pytest.mark.backend


def sky(amplitude, rng):
    """White maps whose standard deviation is the amplitude."""
    kappa = amplitude[:, None, None] * rng.normal(size=(len(amplitude), 16, 16))
    return MapSet(
        kappa.astype("float32"),
        3.0,
        parameters={"sigma_8": amplitude, "omega_m": np.full(len(kappa), 0.3)},
    )


def test_learned_features_tell_another_range_of_cosmologies_from_the_same(rng):
    training, real, same = (sky(rng.uniform(0.6, 1.2, size=n), rng) for n in (200, 100, 50))
    other = sky(np.full(50, 0.6), rng)
    found = {
        name: learned_frechet(training, real.kappa, m.kappa)
        for name, m in (("same", same), ("other", other))
    }
    null = found["same"]["learned_frechet_distance_null"]
    assert null == pytest.approx(found["other"]["learned_frechet_distance_null"], rel=1e-3)
    # Halves of 50 against 50; the same kind as 100 against 50: within a factor of the null.
    assert found["same"]["learned_frechet_distance"] < 3 * null
    assert found["other"]["learned_frechet_distance"] > 5 * null


def test_nothing_is_learned_where_no_parameter_varies_or_maps_are_few(rng):
    one, several = sky(np.full(40, 0.8), rng), sky(rng.uniform(0.6, 1.2, size=40), rng)
    assert learned_frechet(one, one.kappa, one.kappa) == {}
    assert learned_frechet(several, several.kappa[:6], several.kappa) == {}
    assert learned_frechet(several, several.kappa[:, :12, :12], several.kappa[:, :12, :12]) == {}


class Jumping:
    """A generator of maps that are 0 or 1, by the sign of the first latent."""

    conditioning = None
    scaling = type("Kappa", (), {"to_kappa": staticmethod(lambda x: x)})

    def numpy_latents(self, n, seed):
        z = np.random.default_rng(seed).normal(size=(n, 3)).astype("float32")
        z[::2, 0], z[1::2, 0] = 1, -1
        return [z]

    def predict_on_batch(self, latents):
        return np.ones((1, 4, 4, 1)) * (latents[0][:, 0] > 0)[:, None, None, None]


def test_a_jump_is_told_from_even_steps_and_from_rest():
    assert latent_smoothness(Jumping()) == {"interpolation_smoothness": 15.0}
    still = Jumping()
    still.predict_on_batch = lambda latents: np.ones((len(latents[0]), 4, 4, 1))
    assert latent_smoothness(still) == {}
    even = latent_smoothness(build_gan("tiny", pixels=16, pixel_arcmin=3.0), seed=1)
    assert even == latent_smoothness(build_gan("tiny", pixels=16, pixel_arcmin=3.0), seed=1)
    assert 1 <= even["interpolation_smoothness"] < 2


@pytest.mark.parametrize("varies", [False, True])
def test_the_training_job_logs_them_and_its_page_says_what_was_found(
    tmp_path, monkeypatch, rng, varies
):
    from cosmogan_k3.training import trainer as training

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    config = TrainConfig(
        preset="tiny", epochs=1, model_name="", out=str(tmp_path / "run"), quiet=True
    )
    maps = sky(rng.uniform(0.6, 1.2, size=180) if varies else np.ones(180), rng)
    _, metrics = training.train(config, training.prepare(config), maps)
    assert metrics["interpolation_smoothness"] >= 1
    assert np.isfinite([v for v in metrics.values() if isinstance(v, float)]).all()
    client = mlflow.MlflowClient()
    (run,) = client.search_runs(
        [experiment.experiment_id for experiment in client.search_experiments()]
    )
    assert run.data.metrics["interpolation_smoothness"] == pytest.approx(
        metrics["interpolation_smoothness"]
    )
    assert " of 16 statistics differ" in run.data.tags["mlflow.note.content"].splitlines()[0]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "figures",
        "metrics.json",
        "report.html",
        "statistics.csv",
    }
    assert (
        ("learned_frechet_distance" in metrics)
        == ("learned_frechet_distance_null" in metrics)
        == varies
    )
