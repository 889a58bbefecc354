"""The training job: resumed bit for bit, stopped early, and judged on validation maps."""

import json
from dataclasses import replace

import mlflow
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, load_gan
from cosmogan_k3.maps import Batches, MapSet, Scaling
from cosmogan_k3.training import callbacks, results, setup, trainer
from cosmogan_k3.training.progress import SCORE, Progress
from tests.training.tiny_training import (
    arrays_of,
    checkpoints_in,
    config,
    interrupt,
    losses,
    state,
    train,
)

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("store")]


def begin(out, maps):
    """Leave what a training leaves that is killed in its first epoch."""
    chosen = config(out)
    preset = setup.prepare(chosen)
    identity = setup.identity_of(chosen, preset) | {"data_fingerprint": maps.fingerprint()}
    batches = Batches(maps.kappa, Scaling(), batch_size=preset.batch_size)
    gan = trainer._gan(chosen, preset, batches, maps, epoch=0)
    setup.checkpoints_of(chosen).start(gan, Progress(identity))


def test_a_resumed_training_equals_the_uninterrupted_one(tmp_path, maps, unfinished):
    whole = train(tmp_path / "whole", maps)
    interrupt(tmp_path / "parts", maps)
    resumed = train(tmp_path / "parts", maps, resume=1)
    assert losses(resumed) == losses(whole)
    assert resumed.column(SCORE) == whole.column(SCORE)
    assert resumed.projections == whole.projections
    for a, b in zip(state(tmp_path / "parts", 4), state(tmp_path / "whole", 4), strict=True):
        np.testing.assert_array_equal(a, b)
    run = mlflow.get_run(resumed.run_id)
    assert run.info.run_id != whole.run_id
    history = mlflow.MlflowClient().get_metric_history(resumed.run_id, "generator_loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]


def test_a_training_whose_time_is_up_stops_and_can_be_resumed(tmp_path, maps, capsys, unfinished):
    assert train(tmp_path, maps, minutes=1e-6) is None
    assert "stopped after epoch 1 of 4" in (printed := capsys.readouterr().out)
    assert "--resume" in printed
    mlflow.delete_run(first := checkpoints_in(tmp_path).progress().run_id)
    for epoch in (2, 3):
        assert train(tmp_path, maps, minutes=1e-6, resume=1) is None
        assert f"stopped after epoch {epoch} of 4" in capsys.readouterr().out
    progress = train(tmp_path, maps, minutes=1e-6, resume=1)
    assert progress.epoch == 4, "the last epoch completes the training, however late it is"
    assert progress.run_id != first, "a deleted run is not resumed"


def test_a_training_can_be_resumed_on_another_number_of_devices(tmp_path, maps):
    begin(tmp_path, maps)
    resumed = config(tmp_path, resume=1, devices="4")
    assert setup.prepare(resumed) == setup.prepare(config(tmp_path / "new"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 5}, "epochs: recorded 4, given 5"),
        ({"seed": 7}, "seed: recorded 0, given 7"),
        ({"batch_size": 4}, "batch_size: recorded 8, given 4"),
        ({"preset": "quick"}, "preset: recorded tiny, given quick"),
        ({"loss": "hinge"}, "loss_schedule: recorded"),
    ],
)
def test_another_training_is_not_resumed(tmp_path, maps, options, words):
    begin(tmp_path, maps)
    with pytest.raises(InputError, match=f"cannot resume another training .*{words}"):
        setup.prepare(config(tmp_path, resume=1, **options))


def test_a_training_without_checkpoint_is_not_resumed(tmp_path):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        setup.prepare(config(tmp_path, resume=1))


def test_a_training_on_other_maps_is_not_resumed(tmp_path, maps):
    begin(tmp_path, maps)
    other = MapSet(maps.kappa + 1, maps.pixel_arcmin)
    with pytest.raises(InputError, match=f"data_fingerprint: recorded {maps.fingerprint()[:20]}"):
        train(tmp_path, other, resume=1)


@pytest.fixture
def scored(monkeypatch):
    """Give the epochs of a training these scores."""

    def choose(*scores):
        rest = iter(scores)
        monkeypatch.setattr(callbacks, "validation_score", lambda distances: next(rest))

    return choose


def test_the_best_epoch_is_evaluated_saved_and_logged(tmp_path, maps, evaluated, scored):
    scored(0.5, 0.1, 0.3, 0.2)
    emulator, metrics = train(tmp_path, maps)
    expected = {
        "selected_epoch": 2,
        "last_epoch": 4,
        "validation_score": 0.1,
        "validation_score_last_epoch": 0.2,
    }
    written = json.loads((tmp_path / "metrics.json").read_text())
    logged = mlflow.get_run(checkpoints_in(tmp_path).progress().run_id).data.metrics
    for found in (metrics, written, logged):
        assert {name: found[name] for name in expected} == expected
        assert found["pca_best_epoch"] in (1, 2, 3, 4)
    saved = load_gan(tmp_path / "model.keras")
    for a, b in zip(state(tmp_path, 2), arrays_of(saved), strict=True):
        np.testing.assert_array_equal(a, b)
    (generated,) = evaluated
    # TensorFlow traces a generator for the first batch size, and for a second one once more for
    # any size, which rounds differently. The trained GAN was calibrated with other batch sizes.
    Sampler(saved).sample(1)
    np.testing.assert_array_equal(generated.kappa, Sampler(saved).sample(8, seed=results.TEST_SEED))
    np.testing.assert_array_equal(emulator.sample(2), Sampler(saved).sample(2))


def test_a_training_ends_when_its_patience_is_exhausted(tmp_path, maps, scored, unfinished):
    scored(0.1, 0.3, 0.2, 0.0)
    progress = train(tmp_path, maps, patience=2)
    assert progress.column(SCORE) == [0.1, 0.3, 0.2]
    assert train(tmp_path, maps, patience=2, resume=1).epoch == 3, "it stays ended when resumed"


def test_without_validation_maps_the_last_epoch_is_selected(
    tmp_path, maps, monkeypatch, unfinished
):
    original = setup.split_by_map

    def split(*arguments, **options):
        return replace(original(*arguments, **options), validation=None)

    monkeypatch.setattr(setup, "split_by_map", split)
    progress = train(tmp_path, maps)
    assert SCORE == "validation_epoch_score"
    assert SCORE not in progress.epochs[-1]
    assert progress.best_of([1, 2, 4]) == 4
