"""Checkpoints: what a training needs to be resumed, on disk after each epoch."""

import json
import re
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.atomic import sync
from cosmogan_k3.training.checksums import damage, write_checksums
from cosmogan_k3.training.divergence import not_finite
from cosmogan_k3.training.progress import Progress

if TYPE_CHECKING:
    from cosmogan_k3.gan import GAN

_GAN, _PROGRESS = "gan.keras", "progress.json"


class Savable(Protocol):
    """What a checkpoint holds: a GAN, or its stand-in."""

    def save(self, path: Path) -> None:
        """Write a file."""


class Checkpoints:
    """A folder with the newest checkpoint, the one before and the best one.

    Each checkpoint is a folder ``epoch-0007`` with ``gan.keras`` (both networks, averaged weights,
    both optimizers, random state), ``progress.json`` and the SHA-256 of both. It is written under
    another name, and renamed when it is complete and on the disk. A full disk, a killed process or
    a power failure therefore leaves the earlier checkpoints as they were.

    Parameters
    ----------
    folder : path
        It is made when the first checkpoint is written.

    Examples
    --------
    >>> Checkpoints("nowhere").epochs()
    []
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)

    def epochs(self) -> list[int]:
        """Return the epochs of the checkpoints, increasing; 0 is the state before the first."""
        names = (re.fullmatch(r"epoch-(\d{4,})", path.name) for path in self.folder.glob("epoch-*"))
        return sorted(int(name[1]) for name in names if name)

    def start(self, gan: Savable, progress: Progress) -> None:
        """Remove the checkpoints of an earlier training, and write the first of this one."""
        for epoch in self.epochs():
            self._remove(epoch)
        self.save(gan, progress)

    def save(self, gan: Savable, progress: Progress) -> None:
        """Write a checkpoint, then remove those that are no longer needed.

        Raises
        ------
        InputError
            If it cannot be written; the earlier ones are as they were.
        """
        partial = self._cleared()
        try:
            partial.mkdir(parents=True)
            gan.save(partial / _GAN)
            # The best epoch follows from the rest. It is there for readers of the file.
            best = progress.best_of([*self.epochs(), progress.epoch])
            (partial / _PROGRESS).write_text(json.dumps(asdict(progress) | {"best_epoch": best}))
            write_checksums(partial)
            for path in (*partial.iterdir(), partial):
                sync(path)
            partial.rename(self._path(progress.epoch))
            sync(self.folder)
        except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as either
            self._cleared()
            raise InputError(
                f"{self.folder}: the checkpoint of epoch {progress.epoch} cannot be written "
                f"({one_line(error, 200)}); make room and resume from the one before",
                parameter="resume",
            ) from error
        kept = self.epochs()
        for epoch in set(kept[:-2]) - {progress.best_of(kept)}:
            self._remove(epoch)

    def progress(self, epoch: int | None = None) -> Progress:
        """Return the ``Progress`` of a checkpoint, by default of the newest undamaged one.

        Raises
        ------
        InputError
            If there is none, or it cannot be read.
        """
        path = self._path(self._newest() if epoch is None else epoch)
        _check(path)
        try:
            state = json.loads((path / _PROGRESS).read_text())
            del state["best_epoch"]
            return Progress(**state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _unreadable(path, error) from error

    def _newest(self) -> int:
        """Return the newest epoch whose checkpoint is not damaged."""
        problems = []
        for epoch in reversed(self.epochs()):
            if not (problem := damage(self._path(epoch))):
                return epoch
            problems.append(f"{self._path(epoch).name}: {problem}")
        reason = f"all are damaged ({'; '.join(problems)})" if problems else "there is none"
        raise InputError(
            f"{self.folder}: no checkpoint to resume from, {reason}; start a new training",
            parameter="resume",
        )

    def set_damaged_aside(self) -> None:
        """Rename damaged checkpoints to ``epoch-0007.damaged``, and name them on stderr."""
        for epoch in self.epochs():
            path = self._path(epoch)
            if problem := damage(path):
                aside = path.with_name(f"{path.name}.damaged")
                shutil.rmtree(aside, ignore_errors=True)
                path.rename(aside)
                print(
                    f"Damaged checkpoint {path}: {problem}; kept as {aside.name} and skipped",
                    file=sys.stderr,
                )

    def gan(self, epoch: int) -> "GAN":
        """Return the GAN of a checkpoint.

        Raises
        ------
        InputError
            If it cannot be read, is damaged, or holds numbers that are not finite.
        """
        from cosmogan_k3.gan import load_gan

        path = self._path(epoch)
        _check(path)
        try:
            gan = load_gan(path / _GAN)
        except InputError as error:
            raise _unreadable(path, error) from error
        if problem := not_finite(gan):
            raise _unreadable(path, problem)
        return gan

    def roll_back(self, progress: Progress, failed_epoch: int, cause: str) -> Progress:
        """Remove the checkpoints after a divergence, and return the ``Progress`` to go on from.

        This is the newest checkpoint, or an older one if the newest has been tried before.
        """
        tried = {rollback["back_to"] for rollback in progress.rollbacks}
        untried = [epoch for epoch in self.epochs() if epoch not in tried]
        epoch = untried[-1] if untried else self.epochs()[0]
        for newer in self.epochs():
            if newer > epoch:
                self._remove(newer)
        rollback = {"epoch": failed_epoch, "back_to": epoch, "cause": cause}
        rollbacks = [*progress.rollbacks, rollback]
        return replace(self.progress(epoch), run_id=progress.run_id, rollbacks=rollbacks)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04d}"

    def _cleared(self) -> Path:
        """Return the path of what is being written or removed, after removing what is there."""
        partial = self.folder / ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        return partial

    def _remove(self, epoch: int) -> None:
        """Rename the checkpoint, then remove its files: it is complete or absent."""
        self._path(epoch).rename(self._cleared())
        self._cleared()


def _check(path: Path) -> None:
    if problem := damage(path):
        raise _unreadable(path, problem)


def _unreadable(path: Path, reason: object) -> InputError:
    return InputError(
        f"{path}: not a readable checkpoint ({one_line(reason, 200)}); remove it to resume from "
        "the one before"
    )
