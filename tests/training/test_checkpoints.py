"""Checkpoints: which are kept, what a kill or a full disk leaves, and where a rollback returns."""

import errno
import json

import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.training.checkpoints import Checkpoints
from cosmogan_k3.training.progress import SCORE, Progress
from tests.harness import run_python


class TextGAN:
    """A stand-in for a GAN, which saves a text."""

    def __init__(self, text):
        self.text = text

    def save(self, path):
        path.write_text(self.text)


class FullDisk:
    """A stand-in for a GAN that is saved on a full disk."""

    def save(self, path):
        path.write_text("half of it")
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def write(checkpoints, scores):
    """Write the checkpoints of epochs with these scores; None for an epoch without one."""
    progress = Progress({"seed": 0})
    checkpoints.start(TextGAN("0"), progress)
    for score in scores:
        progress.epochs.append({"generator_loss": 1.0} | ({} if score is None else {SCORE: score}))
        checkpoints.save(TextGAN(str(progress.epoch)), progress)
    return progress


def folders(checkpoints):
    """Return the names of everything in the folder."""
    return sorted(path.name for path in checkpoints.folder.iterdir())


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([], [0]),
        ([3.0], [0, 1]),
        ([3.0, 1.0, 2.0, 2.5, 4.0], [2, 4, 5]),
        ([3.0, 2.0, 1.0], [2, 3]),
        ([1.0, 1.0, 1.0, 1.0], [1, 3, 4]),
        ([None, None, None], [2, 3]),
        ([5.0, None, None, None], [1, 3, 4]),
    ],
)
def test_the_newest_the_one_before_and_the_best_are_kept(checkpoints, scores, kept):
    progress = write(checkpoints, scores)
    assert checkpoints.epochs() == kept
    newest = checkpoints.folder / f"epoch-{len(scores):04d}"
    best = json.loads((newest / "progress.json").read_text())["best_epoch"]
    assert best == progress.best_of(kept)
    assert (checkpoints.folder / f"epoch-{best:04d}" / "gan.keras").read_text() == str(best)


def test_progress_is_read_as_it_was_written(checkpoints):
    progress = write(checkpoints, [0.1 + 0.2, 1 / 3])
    assert checkpoints.progress() == progress
    assert checkpoints.progress(1).epochs == progress.epochs[:1]


def test_a_full_disk_leaves_the_earlier_checkpoints(checkpoints):
    progress = write(checkpoints, [2.0, 1.0])
    progress.epochs.append({SCORE: 0.5})
    message = r"epoch 3 cannot be written .*No space left.*resume from the one before"
    with pytest.raises(InputError, match=message):
        checkpoints.save(FullDisk(), progress)
    assert folders(checkpoints) == ["epoch-0001", "epoch-0002"]
    assert checkpoints.progress().epoch == 2


KILLED = """
import os, signal, sys
from pathlib import Path
from cosmogan_k3.training import checkpoints
from tests.training.test_checkpoints import Checkpoints, TextGAN, write
kept = Checkpoints(sys.argv[1])
progress = write(kept, [2.0, 1.0])  # epoch 1 is removed when epoch 3 is there
progress.epochs.append(dict(progress.epochs[0]))
kill = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "saving":
    TextGAN.save = lambda self, path: (path.write_text("half"), kill())
elif sys.argv[2] == "renaming":
    Path.rename = kill
else:
    checkpoints.shutil.rmtree = lambda path, **options: kill() if path.exists() else None
kept.save(TextGAN("3"), progress)
"""


@pytest.mark.parametrize(("moment", "newest"), [("saving", 2), ("renaming", 2), ("removing", 3)])
def test_a_kill_at_any_moment_leaves_complete_checkpoints(checkpoints, moment, newest):
    assert run_python("-c", KILLED, checkpoints.folder, moment, check=False).returncode == -9
    assert checkpoints.epochs()[-1] == newest
    for epoch in checkpoints.epochs():
        assert checkpoints.progress(epoch).epoch == epoch
        assert (checkpoints.folder / f"epoch-{epoch:04d}" / "gan.keras").read_text() == str(epoch)
    progress = checkpoints.progress()
    progress.epochs.append(dict(progress.epochs[0]))
    checkpoints.save(TextGAN(str(newest + 1)), progress)
    expected = {f"epoch-{epoch:04d}" for epoch in (2, newest, newest + 1)}
    assert folders(checkpoints) == sorted(expected)


def test_rollbacks_return_to_the_newest_checkpoint_then_to_older_ones(checkpoints):
    progress = write(checkpoints, [1.0, 3.0, 2.0, 4.0])
    assert checkpoints.epochs() == [1, 3, 4]
    returned = []
    for _ in range(4):
        progress = checkpoints.roll_back(progress, progress.epoch + 1, "NaN")
        returned.append((progress.epoch, checkpoints.epochs()))
    assert returned == [(4, [1, 3, 4]), (3, [1, 3]), (1, [1]), (1, [1])]
    assert [rollback["epoch"] for rollback in progress.rollbacks] == [5, 5, 4, 2]
    assert len(progress.epochs) == 1


def test_a_new_training_clears_the_folder(checkpoints):
    write(checkpoints, [1.0, 2.0])
    write(checkpoints, [])
    assert checkpoints.epochs() == [0]


def test_missing_and_unreadable_checkpoints_are_refused(checkpoints):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        checkpoints.progress()
    write(checkpoints, [1.0])
    (checkpoints.folder / "epoch-0001" / "progress.json").write_text('{"epochs": [')
    with pytest.raises(InputError, match="epoch-0001: not a readable checkpoint"):
        checkpoints.progress()
