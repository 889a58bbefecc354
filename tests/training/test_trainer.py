"""The training job: resumed bit for bit, rolled back after a divergence, and judged on validation maps."""

import itertools
import json
from dataclasses import replace

import keras
import mlflow
import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.config import TrainConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler, epoch_callback, load_gan
from cosmogan_k3.maps import Batches, MapSet, Scaling, write_maps
from cosmogan_k3.training import callbacks, divergence, results, setup, trainer
from cosmogan_k3.training.checkpoints import Checkpoints
from cosmogan_k3.training.progress import SCORE, Progress

pytestmark = pytest.mark.backend
# One length for all trainings: the schedule of the rates is part of the step, which XLA compiles once for all.
EPOCHS = 4
LOSSES = ("discriminator_loss", "generator_loss", "real_logit", "fake_logit")


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
        )
        patch.chdir(tmp_path_factory.mktemp("folder"))  # artifacts of runs go beside the store
        yield


@pytest.fixture
def maps():
    kappa = np.random.default_rng(0).lognormal(sigma=0.3, size=(40, 16, 16)).astype("float32")
    return MapSet(kappa, 3.0)


@pytest.fixture
def evaluated(monkeypatch):
    """Evaluate with few permutations and no figures; the generated maps of each evaluation."""
    original, generated = results.evaluate_maps, []

    def evaluate(real, drawn, **options):
        generated.append(drawn)
        provenance = options["provenance"]
        found = original(real, drawn, permutations=9, provenance=provenance)
        return replace(found, figures={})

    monkeypatch.setattr(results, "evaluate_maps", evaluate)
    return generated


@pytest.fixture
def unfinished(monkeypatch):
    """Leave out the evaluation: training then returns its progress."""
    monkeypatch.setattr(
        trainer, "finish", lambda config, gan, splits, progress, checkpoints, parameters: progress
    )


def config(out, **options):
    given = {"data": "maps", "preset": "tiny", "epochs": EPOCHS, "model_name": "", "quiet": True}
    return TrainConfig(**(given | options), out=str(out))


def train(out, maps, **options):
    chosen = config(out, **options)
    return trainer.train(chosen, trainer.prepare(chosen), maps)


def state(out, epoch):
    """Everything that a checkpoint holds, as arrays."""
    gan = load_gan(out / "checkpoints" / f"epoch-{epoch:04d}" / "gan.keras")
    variables = [*gan.variables, *gan.optimizer.variables, gan.seed_generator.state]
    return [keras.ops.convert_to_numpy(v) for v in variables]


def losses(progress):
    return [progress.column(name) for name in LOSSES]


def interrupted_in(epoch):
    """An ``on_epoch_end`` of the GAN that is killed in this epoch, counted from 1, before its checkpoint."""
    epochs = itertools.count(1)
    original = epoch_callback.calibrate

    def calibrate(gan):
        original(gan)
        if next(epochs) == epoch:
            raise KeyboardInterrupt

    return calibrate


def interrupt(out, maps):
    """Kill a training in its third epoch; return losses and logits of the first two, one row an epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch_callback, "calibrate", interrupted_in(3))
        with pytest.raises(KeyboardInterrupt):
            train(out, maps)
    return np.transpose(losses(Checkpoints(out / "checkpoints").progress()))


def poisoned(*epochs):
    """``calibrate`` that writes NaN into a weight at the end of these epochs, as they are run."""
    count = itertools.count(1)
    original = epoch_callback.calibrate

    def calibrate(gan):
        original(gan)
        if next(count) in epochs:
            for network in (gan.generator, gan.averaged_generator):
                network.weights[0].assign(np.nan * keras.ops.convert_to_numpy(network.weights[0]))

    return calibrate


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path, maps, unfinished):
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
    steps = [
        m.step for m in mlflow.MlflowClient().get_metric_history(resumed.run_id, "generator_loss")
    ]
    assert steps == [1, 2, 3, 4]


def test_time_that_is_spent_ends_the_job_and_not_the_training(tmp_path, maps, capsys, unfinished):
    assert train(tmp_path, maps, minutes=1e-6) is None
    assert "stopped after epoch 1 of 4" in (printed := capsys.readouterr().out)
    assert "--resume" in printed
    mlflow.delete_run(first := Checkpoints(tmp_path / "checkpoints").progress().run_id)
    for epoch in (2, 3):
        assert train(tmp_path, maps, minutes=1e-6, resume=1) is None
        assert f"stopped after epoch {epoch} of 4" in capsys.readouterr().out
    progress = train(tmp_path, maps, minutes=1e-6, resume=1)
    assert progress.epoch == 4, "the last epoch completes the training, however late it is"
    assert progress.run_id != first, "a run that was deleted is not gone on with"


def test_another_number_of_devices_goes_on(tmp_path, maps):
    begin(tmp_path, maps)
    trainer.prepare(config(tmp_path, resume=1, devices="4"))


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
        trainer.prepare(config(tmp_path, resume=1, **options))


def begin(out, maps):
    """What a training leaves that was killed in its first epoch."""
    chosen = config(out)
    preset = trainer.prepare(chosen)
    identity = setup.identity_of(chosen, preset) | {"data_fingerprint": maps.fingerprint()}
    batches = Batches(maps.kappa, Scaling(), batch_size=preset.batch_size)
    gan = trainer._gan(chosen, preset, batches, maps, epoch=0)
    setup.checkpoints_of(chosen).start(gan, Progress(identity))


def test_other_maps_and_no_checkpoint_are_refused(tmp_path, maps):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        trainer.prepare(config(tmp_path, resume=1))
    begin(tmp_path, maps)
    other = MapSet(maps.kappa + 1, maps.pixel_arcmin)
    with pytest.raises(InputError, match=f"data_fingerprint: recorded {maps.fingerprint()[:20]}"):
        train(tmp_path, other, resume=1)


def test_a_divergence_is_rolled_back_with_other_random_numbers(
    tmp_path, maps, monkeypatch, capsys, evaluated
):
    undisturbed = interrupt(tmp_path / "undisturbed", maps)
    monkeypatch.setattr(epoch_callback, "calibrate", poisoned(2))
    _, metrics = train(tmp_path / "run", maps)
    progress = Checkpoints(tmp_path / "run" / "checkpoints").progress()
    told = "from epoch 2 to the end of epoch 1: generated maps are not finite"
    assert capsys.readouterr().err.count(told) == 1
    assert progress.rollbacks == [
        {"epoch": 2, "back_to": 1, "cause": "generated maps are not finite"}
    ]
    assert np.isfinite(losses(progress)).all()
    assert all(np.isfinite(array).all() for array in state(tmp_path / "run", 4))
    first, second = np.transpose(losses(progress))[:2]
    np.testing.assert_array_equal(first, undisturbed[0])
    assert not np.array_equal(second, undisturbed[1]), (
        "the same epoch was repeated with the same random numbers"
    )
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    tags = mlflow.get_run(progress.run_id).data.tags
    assert written["rollback_1"] == tags["rollback_1"] == told
    assert tags["training"] == "complete after epoch 4"
    assert metrics["selected_epoch"] in (1, 2, 3, 4)


def test_a_training_that_always_diverges_ends_in_one_line(tmp_path, maps, monkeypatch, capsys):
    write_maps(tmp_path / "maps.npz", maps)
    monkeypatch.setattr(epoch_callback, "calibrate", poisoned(*range(2, 20)))
    arguments = [
        "train",
        "--data",
        tmp_path / "maps.npz",
        "--preset",
        "tiny",
        "--epochs",
        EPOCHS,
        "--out",
        tmp_path / "run",
    ]
    code = cli.main([str(a) for a in (*arguments, "--backend", keras.backend.backend(), "--quiet")])
    last = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    words = f"Training diverged in epoch 1, after {divergence.MAX_ROLLBACKS} rollbacks: "
    assert last.startswith(f"cosmogan train: error: {words}")
    assert Checkpoints(tmp_path / "run" / "checkpoints").epochs() == [0], (
        "what is left is as it was begun"
    )


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
    logged = mlflow.get_run(Checkpoints(tmp_path / "checkpoints").progress().run_id).data.metrics
    for found in (metrics, written, logged):
        assert {name: found[name] for name in expected} == expected
        assert found["pca_best_epoch"] in (1, 2, 3, 4)
    best = state(tmp_path, 2)
    saved = load_gan(tmp_path / "model.keras")
    for a, b in zip(
        best,
        [*saved.variables, *saved.optimizer.variables, saved.seed_generator.state],
        strict=True,
    ):
        np.testing.assert_array_equal(a, keras.ops.convert_to_numpy(b))
    (generated,) = evaluated
    # TensorFlow traces a generator for the first size of batch, and for a second once more for any, which rounds
    # differently; the trained one has been calibrated with batches of another size.
    Sampler(saved).sample(1)
    np.testing.assert_array_equal(generated.kappa, Sampler(saved).sample(8, seed=results.TEST_SEED))
    np.testing.assert_array_equal(emulator.sample(2), Sampler(saved).sample(2))


def test_patience_ends_the_training(tmp_path, maps, scored, unfinished):
    scored(0.1, 0.3, 0.2, 0.0)
    progress = train(tmp_path, maps, patience=2)
    assert progress.column(SCORE) == [0.1, 0.3, 0.2]
    assert train(tmp_path, maps, patience=2, resume=1).epoch == 3, "it stays ended when resumed"


def test_without_validation_maps_the_last_epoch_is_taken(tmp_path, maps, monkeypatch, unfinished):
    split = setup.split_by_map
    monkeypatch.setattr(
        setup,
        "split_by_map",
        lambda *a, **options: replace(split(*a, **options), validation=None),
    )
    progress = train(tmp_path, maps)
    assert "validation_epoch_score" not in progress.epochs[-1]
    assert progress.best_of([1, 2, 4]) == 4
