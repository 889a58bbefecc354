"""What a training shows: the numbers of its epochs, the time left, and its film."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cosmogan_k3.evaluation.film import MOST_FRAMES
from cosmogan_k3.training import display as display_module
from cosmogan_k3.training.display import Display, epoch_line, epoch_table, live_view
from cosmogan_k3.training.film import FRAMES, Film
from cosmogan_k3.training.progress import SCORE, Progress

pytestmark = pytest.mark.backend

DISTANCES = {
    "power_spectrum_error_mean": 0.2,
    "ks_pixels_distance": 0.3,
    "peak_counts_error": 0.4,
    "pca_distance": 0.5,
}


def progress_of(*scores, seconds=60.0):
    numbers = {"discriminator_loss": 1.386, "generator_loss": 0.7}
    for name, value in DISTANCES.items():
        numbers |= {f"validation_{name}": value, f"validation_{name}_null": 0.1}
    epochs = [numbers | {SCORE: score} for score in scores]
    return Progress({}, epochs=epochs, seconds=seconds * len(scores))


def text_of(table):
    console = Console(file=io.StringIO(), width=100)
    console.print(table)
    return console.file.getvalue()


def test_a_line_has_losses_distances_in_nulls_and_the_time_left():
    assert epoch_line(progress_of(0.5, 0.1, seconds=600), 8) == (
        "epoch 2/8  losses D 1.39 G 0.70  in nulls P(ℓ) 2.00 pixels 3.00 peaks 4.00 PCA 5.00  "
        "score 0.100  60 min left"
    )
    assert epoch_line(progress_of(0.5), 1).endswith("score 0.500")
    alone = Progress({}, epochs=[{"discriminator_loss": 1.0, "generator_loss": 2.0}])
    assert epoch_line(alone, 1) == "epoch 1/1  losses D 1.00 G 2.00"


def test_the_table_holds_the_last_epochs_and_the_best():
    lines = text_of(live_view(progress_of(0.1, *[0.5] * 30), "step 3 of 9")).splitlines()
    heads = ["P(ℓ)/null", "pixels/null", "peaks/null", "PCA/null", "score"]
    assert lines[0].split() == ["epoch", "loss", "D", "loss", "G", *heads]
    assert [line.split()[0] for line in lines[1:-1]] == ["1", *(str(e) for e in range(20, 32))]
    assert lines[-1].strip() == "step 3 of 9"
    assert epoch_table(Progress({})).row_count == 0
    state = "epoch 1: compiling the first step on tensorflow"  # wider than a table without epochs
    assert text_of(live_view(Progress({}), state)).splitlines()[1:] == [state]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_an_epoch_is_shown_as_it_goes(monkeypatch, terminal, backend):
    out = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(display_module.backend, "name", backend)
    monitor = SimpleNamespace(progress=progress_of(0.3), epochs=4, cause=None)
    shown = Display(monitor, quiet=False)
    shown.set_params({"steps": 9})
    with shown:
        shown.on_train_begin()
        shown.on_epoch_begin(1)
        shown.on_train_batch_begin(0)
        shown.on_train_batch_begin(1)
        shown.on_train_batch_begin(8)
        monitor.progress = progress_of(0.3, 0.2)
        shown.on_epoch_end(1)
    text = out.getvalue()
    assert ("compiling the first step on jax" in text) == (backend == "jax")
    if terminal:
        assert "epoch 2: last step, calibration and validation" in text
        assert "0.200" in text
    else:
        assert text.splitlines()[-1] == epoch_line(monitor.progress, 4)


def test_a_quiet_training_and_an_epoch_that_is_given_up_show_nothing(capsys):
    monitor = SimpleNamespace(progress=progress_of(0.3), epochs=4, cause="loss is nan")
    with Display(monitor, quiet=False) as shown:
        shown.on_epoch_end(1)
    monitor.cause = None
    with Display(monitor, quiet=True) as shown:
        shown.on_train_begin()
        shown.on_epoch_end(1)
    assert capsys.readouterr().out == ""


def test_a_film_joins_the_frames_of_its_epochs(tmp_path):
    real = np.random.default_rng(0).normal(size=(6, 16, 16))
    assert Film(tmp_path, real, epochs=9).write(last=9) is None
    film = Film(tmp_path, real, epochs=3)
    for epoch in (1, 2, 3, 2):  # epoch 2 is repeated after a rollback
        film.add(epoch, real / epoch)
    assert len(list((tmp_path / FRAMES).iterdir())) == 3
    assert Image.open(film.write(last=3)).n_frames == 3
    assert Image.open(film.write(last=2)).n_frames == 2  # the third is of an earlier training
    many = Film(tmp_path / "many", real, epochs=1000)
    for epoch in range(1, 1001):
        many.add(epoch, real)
    assert len(list((tmp_path / "many" / FRAMES).iterdir())) == MOST_FRAMES
