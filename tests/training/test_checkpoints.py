"""Checkpoints: which are kept, what a kill or a full disk leaves, and where a rollback returns."""

import errno
import json
import re
import zipfile

import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.training import checkpoints as module
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
        ([1.0, 1.09, 1.18, 1.27, 1.36], [2, 4, 5]),
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


def test_names_beside_the_checkpoints_are_ignored(checkpoints):
    write(checkpoints, [1.0, 2.0])
    for name in ("epoch-abc", "epoch-0006.bak", "epoch-7", "best"):
        (checkpoints.folder / name).mkdir()
    assert checkpoints.epochs() == [1, 2]
    assert checkpoints.progress().epoch == 2


def flip(path):
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "gan.keras is not as it was written": lambda path: flip(path / "gan.keras"),
    "progress.json is not as it was written": lambda path: flip(path / "progress.json"),
    "a file that it names cannot be read": lambda path: (path / "gan.keras").unlink(),
    "SHA256SUMS or a file": lambda path: (path / "SHA256SUMS").unlink(),
    "SHA256SUMS names no file": lambda path: (path / "SHA256SUMS").write_text(""),
}


@pytest.mark.parametrize(("words", "spoil"), DAMAGES.items(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(
    checkpoints, capsys, words, spoil
):
    progress = write(checkpoints, [3.0, 1.0, 2.0])
    spoil(checkpoints.folder / "epoch-0003")
    assert checkpoints.progress().epoch == 2
    with pytest.raises(InputError, match=f"epoch-0003: not a readable checkpoint .*{words}"):
        checkpoints.gan(3)
    checkpoints.set_damaged_aside()
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(f"Damaged checkpoint .*epoch-0003: .*{words}.*; kept as epoch-0003", line)
    checkpoints.save(TextGAN("3"), progress)
    assert folders(checkpoints) == ["epoch-0002", "epoch-0003", "epoch-0003.damaged"]
    assert checkpoints.progress().epoch == 3


def test_a_flipped_bit_with_the_right_crc_is_noticed(checkpoints):
    """Of a zip with one stored member, whose CRC is made right, as a fault in memory would."""

    class ZippedGAN(TextGAN):
        def save(self, path):
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("weights", self.text)

    progress = write(checkpoints, [1.0])
    progress.epochs.append({SCORE: 2.0})
    checkpoints.save(ZippedGAN("0.5"), progress)
    ZippedGAN("0.4").save(checkpoints.folder / "epoch-0002" / "gan.keras")
    assert checkpoints.progress().epoch == 1


def test_a_folder_without_an_undamaged_checkpoint_is_refused(checkpoints):
    with pytest.raises(InputError, match="no checkpoint to resume from, there is none"):
        checkpoints.progress()
    write(checkpoints, [1.0])
    for epoch in (0, 1):
        flip(checkpoints.folder / f"epoch-000{epoch}" / "progress.json")
    with pytest.raises(
        InputError, match=r"all are damaged \(epoch-0001: progress.json .*epoch-0000"
    ):
        checkpoints.progress()


def test_checkpoints_are_on_the_disk_before_they_count(checkpoints, monkeypatch):
    synced = []
    monkeypatch.setattr(module, "sync", lambda path: synced.append((path.name, path.exists())))
    write(checkpoints, [])
    names = {"gan.keras", "progress.json", "SHA256SUMS", ".partial"}
    assert {name for name, _ in synced[:4]} == names, "files and folder before the rename"
    assert synced[4] == ("checkpoints", True)
