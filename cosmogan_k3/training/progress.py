"""What is known of a training beside the state of its networks and optimizers."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cosmogan_k3.parallel.identity import differing_names

# Name of the validation score among the numbers of an epoch.
SCORE = "validation_epoch_score"

# Differences that an error message lists.
_LISTED = 3


@dataclass
class Progress:
    """The history of a training.

    Parameters
    ----------
    identity : dict of str to Any
        What a resumed training has to share: preset, seed, backend, data. Plain values.
    run_id : str
        MLflow run of the training.
    epochs : list of dict
        The numbers of each epoch so far: losses, logits, validation distances, score.
    rollbacks : list of dict
        For each rollback the epoch that was given up, the one that was restored, and the cause.
    projections : list
        ``[epoch, real, generated]`` of a few epochs, for the figure of principal components.
    seconds : float
        Time spent in epochs.

    Examples
    --------
    >>> Progress({"seed": 0}, epochs=[{SCORE: 2.0}, {SCORE: 1.0}]).best_of([1, 2])
    2
    """

    identity: dict[str, Any]
    run_id: str = ""
    epochs: list[dict[str, float]] = field(default_factory=list)
    rollbacks: list[dict[str, Any]] = field(default_factory=list)
    projections: list[list[Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """Number of epochs so far."""
        return len(self.epochs)

    def best_of(self, candidates: Iterable[int]) -> int:
        """Return the epoch of the smallest score; of those at the level of the null, the last.

        Where the score is 0 or less, all distances together are no larger than their nulls, and
        validation maps do not tell such epochs apart. In the last one learning rates are lowest.
        Of equal scores above 0 the first is taken, and the last epoch if none has a score.
        """
        epochs = sorted(candidates)
        scores = {e: self.epochs[e - 1][SCORE] for e in epochs if e and SCORE in self.epochs[e - 1]}
        at_null = [e for e, score in scores.items() if score <= 0]
        if at_null or not scores:
            return (at_null or epochs)[-1]
        return min(scores, key=scores.__getitem__)

    def column(self, name: str) -> list[float]:
        """Return one number of every epoch; NaN where an epoch has none."""
        return [epoch.get(name, math.nan) for epoch in self.epochs]

    def differences(self, identity: Mapping[str, Any]) -> str:
        """Describe what another training does not share with this one.

        Names that only ``identity`` has are ignored: an earlier version did not record them.

        Parameters
        ----------
        identity : mapping of str to Any
            Of the other training.

        Returns
        -------
        str
            Empty if all agrees.

        Examples
        --------
        >>> Progress({"seed": 0, "epochs": 4}).differences({"seed": 0, "epochs": 6})
        'epochs: recorded 4, given 6'
        """
        known = {name: value for name, value in identity.items() if name in self.identity}
        return "; ".join(
            f"{name}: recorded {self.identity[name]!s:.60}, given {known.get(name, 'none')!s:.60}"
            for name in differing_names(self.identity, known)[:_LISTED]
        )

    def rollback_record(self) -> dict[str, str]:
        """Return one line of text for each rollback, under the names ``rollback_1``, ….

        Examples
        --------
        >>> rollback = {"epoch": 2, "back_to": 1, "cause": "loss is nan"}
        >>> Progress({}, rollbacks=[rollback]).rollback_record()
        {'rollback_1': 'from epoch 2 to the end of epoch 1: loss is nan'}
        """
        return {
            f"rollback_{number}": f"from epoch {r['epoch']} to the end of epoch {r['back_to']}: "
            f"{r['cause']}"
            for number, r in enumerate(self.rollbacks, 1)
        }
