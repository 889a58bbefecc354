"""The training job: resumed bit for bit, stopped early, and judged on validation maps."""

import json
import re
from dataclasses import replace

import keras
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
    losses,
    state,
    terminate,
    train,
)

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("store")]


# What a training of ``tiny`` without further options uses.
EFFECTIVE = {
    "pixels": "16",
    "pixel_arcmin": "3.0",
    "periodic": "yes",
    "epochs": "4",
    "batch_size": "8",
    "loss": "CrossEntropy(flip=0.0)",
    "backend": keras.backend.backend(),
    "device_count": "1",
}


def begin(out, maps):
    """Leave what a training leaves that is killed in its first epoch."""
    chosen = config(out)
    preset = setup.prepare(chosen)
    of_maps = setup.identity_of_maps(maps, maps.fingerprint(), "yes")
    identity = setup.identity_of(chosen, preset) | of_maps
    batches = Batches(maps.kappa, Scaling(), batch_size=preset.batch_size)
    gan = trainer._gan(chosen, preset, batches, maps, epoch=0)
    setup.checkpoints_of(chosen).start(gan, Progress(identity))


def test_a_training_ended_by_sigterm_and_resumed_equals_the_uninterrupted_one(
    tmp_path, maps, unfinished
):
    whole = train(tmp_path / "whole", maps)
    stopped = terminate(tmp_path / "parts", maps)
    assert stopped.code == 143
    (note,) = stopped.__notes__
    assert "parts: stopped after epoch 2 of 4; repeat the command with --resume" in note
    kept = checkpoints_in(tmp_path / "parts")
    assert kept.epochs()[-1] == 2, "the epoch whose checkpoint was due is kept"
    assert mlflow.get_run(kept.progress().run_id).info.status == "KILLED"

    resumed = train(tmp_path / "parts", maps, resume=1)
    assert losses(resumed) == losses(whole)
    assert resumed.column(SCORE) == whole.column(SCORE)
    assert resumed.projections == whole.projections
    for a, b in zip(state(tmp_path / "parts", 4), state(tmp_path / "whole", 4), strict=True):
        np.testing.assert_array_equal(a, b)
    run = mlflow.get_run(resumed.run_id)
    assert run.info.run_id != whole.run_id
    assert run.info.status == "FINISHED"
    assert {name: run.data.params[name] for name in EFFECTIVE} == EFFECTIVE
    history = mlflow.MlflowClient().get_metric_history(resumed.run_id, "by_epoch/generator_loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]


@pytest.mark.parametrize("periodic", ["yes", "no"])
def test_a_training_whose_time_is_up_stops_and_can_be_resumed(
    tmp_path, maps, capsys, unfinished, periodic
):
    late = {"minutes": 1e-6, "periodic": periodic}
    assert train(tmp_path, maps, **late) is None
    assert "stopped after epoch 1 of 4" in (printed := capsys.readouterr().out)
    assert "--resume" in printed
    mlflow.delete_run(first := checkpoints_in(tmp_path).progress().run_id)
    for epoch in (2, 3):
        assert train(tmp_path, maps, **late, resume=1) is None
        assert f"stopped after epoch {epoch} of 4" in capsys.readouterr().out
    progress = train(tmp_path, maps, **late, resume=1)
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
        ({"width": 0.5}, "width: recorded 1.0, given 0.5"),
        ({"loss": "hinge"}, "loss_schedule: recorded"),
    ],
)
def test_another_training_is_not_resumed(tmp_path, maps, options, words):
    begin(tmp_path, maps)
    with pytest.raises(InputError, match=f"cannot resume another training .*{words}"):
        setup.prepare(config(tmp_path, resume=1, **options))


def test_a_recorded_name_that_is_gone_is_noticed(tmp_path, maps):
    begin(tmp_path, maps)
    checkpoints = checkpoints_in(tmp_path)
    progress = checkpoints.progress()
    progress.identity["preset.loss"] = "an old name"
    checkpoints.start(checkpoints.gan(0), progress)
    with pytest.raises(InputError, match=r"preset\.loss: recorded an old name, given none"):
        train(tmp_path, maps, resume=1)


def test_the_options_are_compared_with_the_networks_too(tmp_path, maps):
    begin(tmp_path, maps)
    checkpoints = checkpoints_in(tmp_path)
    checkpoints.start(checkpoints.gan(0), Progress({}))  # an old version recorded nothing
    with pytest.raises(InputError, match=r"loss: recorded .*CrossEntropy.* given .*Geometric"):
        train(tmp_path, maps, resume=1, loss="hinge")


def test_other_edges_are_not_resumed(tmp_path, maps):
    begin(tmp_path, maps)
    with pytest.raises(InputError, match="periodic: recorded yes, given no"):
        train(tmp_path, maps, resume=1, periodic="no")


def test_a_new_training_replaces_another_only_if_asked_to(tmp_path, maps):
    begin(tmp_path, maps)
    with pytest.raises(InputError, match="holds a training; continue it, replace it") as caught:
        setup.prepare(config(tmp_path))
    assert caught.value.parameter == "resume, overwrite, out"
    for options in ({"overwrite": 1}, {"resume": 1}):
        setup.prepare(config(tmp_path, **options))


def test_of_two_trainings_into_one_folder_the_second_is_refused(tmp_path):
    with setup.exclusive_folder(config(tmp_path)):
        for resume in (0, 1):
            with (
                pytest.raises(InputError, match="another process is writing to it"),
                setup.exclusive_folder(config(tmp_path, resume=resume)),
            ):
                pytest.fail("both train")


def test_a_training_without_checkpoint_is_not_resumed(tmp_path):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        setup.prepare(config(tmp_path, resume=1))


def with_bright_pixel(kappa):
    kappa[:] = 0
    kappa[:, 8, 8] = 1


UNMEASURABLE = {
    "constant": (lambda kappa: kappa.fill(0.5), "do not vary"),
    "one bright pixel": (with_bright_pixel, "the same in every real map"),
}


@pytest.mark.parametrize(("change", "words"), UNMEASURABLE.values(), ids=UNMEASURABLE)
def test_maps_that_cannot_be_evaluated_are_refused_before_the_training(
    tmp_path, maps, monkeypatch, change, words
):
    monkeypatch.setattr(trainer, "_fit", lambda *arguments: pytest.fail("it trains"))
    kappa = maps.kappa.copy()
    change(kappa)
    with pytest.raises(InputError, match=words):
        train(tmp_path, MapSet(kappa, maps.pixel_arcmin))


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


def fail(*arguments):
    raise OSError("no disk")


def test_the_best_epoch_is_evaluated_saved_and_logged(tmp_path, maps, evaluated, scored):
    scored(0.5, 0.1, 0.3, 0.25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "write_evaluation", fail)
        with pytest.raises(OSError, match="no disk") as caught:
            train(tmp_path, maps)
    (note,) = caught.value.__notes__
    assert re.search(r"trained model is .*model.keras; repeat the command with --resume", note)
    trained = load_gan(tmp_path / "model.keras")
    evaluated.clear()
    emulator, metrics = train(tmp_path, maps, resume=1)
    expected = {
        "selected_epoch": 2,
        "last_epoch": 4,
        "validation_score": 0.1,
        "validation_score_last_epoch": 0.25,
    }
    written = json.loads((tmp_path / "metrics.json").read_text())
    logged = mlflow.get_run(checkpoints_in(tmp_path).progress().run_id).data.metrics
    groups = {"training/selected_epoch": 2, "validation/score": 0.1}
    assert {name: logged[name] for name in groups} == groups
    for found in (metrics, written):
        assert {name: found[name] for name in expected} == expected
        assert found["pca_best_epoch"] in (1, 2, 3, 4)
    saved = load_gan(tmp_path / "model.keras")
    for gan in (trained, saved):
        for a, b in zip(state(tmp_path, 2), arrays_of(gan), strict=True):
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
