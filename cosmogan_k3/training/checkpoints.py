"""Everything that a training needs to go on, kept on disk after each epoch."""

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cosmogan_k3.errors import InputError, one_line

SCORE = "validation_epoch_score"


@dataclass
class Progress:
    """What is known of a training beside the state of its networks and optimizers."""

    identity: dict
    """What a resumed training has to share: preset, seed, backend, data. Names to plain values."""
    run_id: str = ""
    """Of the MLflow run."""
    epochs: list = field(default_factory=list)
    """One mapping of numbers for each epoch so far: losses, logits, validation distances, score."""
    rollbacks: list = field(default_factory=list)
    """One mapping for each: the epoch that was given up, the one gone back to, and the cause."""
    projections: list = field(default_factory=list)
    """``[epoch, real, generated]`` of a few epochs, for the figure of principal components."""
    seconds: float = 0.0

    @property
    def epoch(self):
        return len(self.epochs)

    def best_of(self, candidates):
        """Of these epochs, the first of the smallest score, or the last where none has one."""
        scored = [e for e in sorted(candidates) if e and SCORE in self.epochs[e - 1]]
        return min(scored, key=lambda e: self.epochs[e - 1][SCORE]) if scored else max(candidates)

    def column(self, name):
        """One number of every epoch; NaN where it has none."""
        return [epoch.get(name, float("nan")) for epoch in self.epochs]

    def differences(self, identity):
        """In words, what the identity of another training does not share; empty where all agrees.

        Example:
            >>> Progress({"seed": 0, "epochs": 4}).differences({"seed": 0, "epochs": 6})
            'epochs: recorded 4, given 6'
        """
        given = json.loads(json.dumps(identity))
        names = [
            name for name in given if name in self.identity and self.identity[name] != given[name]
        ]
        return "; ".join(
            f"{name}: recorded {self.identity[name]!s:.60}, given {given[name]!s:.60}"
            for name in names[:3]
        )


class Checkpoints:
    """A folder of checkpoints: the newest, the one before and the best.

    Each is a folder ``epoch-0007`` with ``gan.keras`` (both networks, averaged weights, both optimizers, random state)
    and ``progress.json``. It is written under another name and renamed when it is complete, so that a full disk or
    a killed process leaves the last one as it was.

    Args:
        folder: path; made when the first checkpoint is written.

    Example:
        >>> Checkpoints("nowhere").epochs()
        []
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def epochs(self):
        """Epochs of which there are checkpoints, increasing; 0 is the state before the first."""
        return sorted(int(path.name.removeprefix("epoch-")) for path in self.folder.glob("epoch-*"))

    def start(self, gan, progress):
        """Remove the checkpoints of an earlier training, and write the first of this one."""
        for epoch in self.epochs():
            self._remove(epoch)
        self.save(gan, progress)

    def save(self, gan, progress):
        """Write a checkpoint, then remove those that are no longer needed.

        Raises:
            InputError: it cannot be written; the earlier ones are as they were.
        """
        partial = self._cleared()
        try:
            partial.mkdir(parents=True)
            gan.save(partial / "gan.keras")
            state = asdict(progress) | {
                "best_epoch": progress.best_of([*self.epochs(), progress.epoch])
            }
            (partial / "progress.json").write_text(json.dumps(state))
            partial.rename(self._path(progress.epoch))
        except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as either
            self._cleared()
            raise InputError(
                f"{self.folder}: the checkpoint of epoch {progress.epoch} cannot be written "
                f"({one_line(error, 200)}); make room and go on with --resume from the one before"
            ) from error
        kept = self.epochs()
        for epoch in set(kept[:-2]) - {progress.best_of(kept)}:
            self._remove(epoch)

    def progress(self, epoch=None):
        """The ``Progress`` of a checkpoint, by default of the newest.

        Raises:
            InputError: there is none, or it cannot be read.
        """
        if not self.epochs():
            raise InputError(f"{self.folder}: no checkpoint to resume from; start without --resume")
        path = self._path(self.epochs()[-1] if epoch is None else epoch)
        try:
            state = json.loads((path / "progress.json").read_text())
            del state["best_epoch"]  # follows from the others; it is there for readers
            return Progress(**state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, error) from error

    def gan(self, epoch):
        """The GAN of a checkpoint.

        Raises:
            InputError: it cannot be read.
        """
        from cosmogan_k3.gan.serialization import load_gan

        path = self._path(epoch)
        try:
            return load_gan(path / "gan.keras")
        except InputError as error:
            raise _unreadable(path, error) from error

    def roll_back(self, progress, failed_epoch, cause):
        """Remove what a divergence may have spoilt; return the ``Progress`` from which to go on.

        That is the newest checkpoint's or, where going on from it has failed before, an older one's.
        """
        tried = {rollback["back_to"] for rollback in progress.rollbacks}
        untried = [epoch for epoch in self.epochs() if epoch not in tried]
        epoch = untried[-1] if untried else self.epochs()[0]
        for newer in self.epochs():
            if newer > epoch:
                self._remove(newer)
        rollback = {"epoch": failed_epoch, "back_to": epoch, "cause": cause}
        return replace(
            self.progress(epoch), run_id=progress.run_id, rollbacks=[*progress.rollbacks, rollback]
        )

    def _path(self, epoch):
        return self.folder / f"epoch-{epoch:04d}"

    def _cleared(self):
        """The name of what is being written or removed, nothing being there."""
        partial = self.folder / ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        return partial

    def _remove(self, epoch):
        """First the name, then the files: a checkpoint is there or is not."""
        self._path(epoch).rename(self._cleared())
        self._cleared()


def _unreadable(path, error):
    return InputError(
        f"{path}: not a readable checkpoint ({one_line(error, 200)}); remove it to go on from the one before"
    )
