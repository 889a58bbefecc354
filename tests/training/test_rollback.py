"""Rollbacks: a training that diverges returns to a checkpoint, and is given up after three."""

import json

import keras
import mlflow
import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.gan import epoch_callback
from cosmogan_k3.maps import write_maps
from tests.training.tiny_training import (
    EPOCHS,
    checkpoints_in,
    interrupt,
    losses,
    state,
    train,
    write_nan_after,
)

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("store")]


def test_a_divergence_is_rolled_back_with_other_random_numbers(
    tmp_path, maps, monkeypatch, capsys, evaluated
):
    undisturbed = interrupt(tmp_path / "undisturbed", maps)
    monkeypatch.setattr(epoch_callback, "calibrate", write_nan_after(2))
    _, metrics = train(tmp_path / "run", maps)
    progress = checkpoints_in(tmp_path / "run").progress()
    cause = "generated maps are not finite"
    record = f"from epoch 2 to the end of epoch 1: {cause}"
    assert capsys.readouterr().err.count(record) == 1
    assert progress.rollbacks == [{"epoch": 2, "back_to": 1, "cause": cause}]
    assert np.isfinite(losses(progress)).all()
    assert all(np.isfinite(array).all() for array in state(tmp_path / "run", 4))
    first, second = np.transpose(losses(progress))[:2]
    np.testing.assert_array_equal(first, undisturbed[0])
    assert not np.array_equal(second, undisturbed[1]), "repeated with the same random numbers"
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    tags = mlflow.get_run(progress.run_id).data.tags
    assert written["rollback_1"] == tags["rollback_1"] == record
    assert tags["training"] == "complete after epoch 4"
    assert metrics["selected_epoch"] in (1, 2, 3, 4)


def test_a_training_that_always_diverges_is_given_up(tmp_path, maps, monkeypatch, capsys):
    write_maps(tmp_path / "maps.npz", maps)
    monkeypatch.setattr(epoch_callback, "calibrate", write_nan_after(*range(2, 20)))
    files = ["--data", str(tmp_path / "maps.npz"), "--out", str(tmp_path / "run")]
    options = f"--preset tiny --epochs {EPOCHS} --backend {keras.backend.backend()} --quiet"
    assert cli.main(["train", *files, *options.split()]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    words = "Training diverged in epoch 1, after 3 rollbacks: "
    assert last.startswith(f"cosmogan train: error: {words}")
    # The initial state is left.
    assert checkpoints_in(tmp_path / "run").epochs() == [0]
