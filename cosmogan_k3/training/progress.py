"""What is known of a training beside the state of its networks and optimizers."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cosmogan_k3.parallel.identity import differing_names

# Name of the validation score among the numbers of an epoch.
SCORE = "validation_epoch_score"
# Real maps have scores, too. Against the validation maps of two boxes they scatter by 0.10 between
# pairs of boxes and by 0.05 between choices of single maps (docs/development/training.md).
_RESOLUTION = 0.1

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
        """Return the last epoch that validation maps do not tell from the one of smallest score.

        Scores differ if they are more than 0.1 apart and not both at the level of the null, which
        is 0: all distances together are then no larger than between real maps. In the last epoch
        learning rates are lowest. It is also chosen if none has a score.
        """
        epochs = sorted(candidates)
        every = {e: epoch[SCORE] for e, epoch in enumerate(self.epochs, start=1) if SCORE in epoch}
        scores = {e: every[e] for e in epochs if e in every}
        if not scores:
            return epochs[-1]
        # Of all epochs: else a training that slowly gets worse would be followed step by step.
        largest = max(0.0, min(every.values()) + _RESOLUTION)
        alike = [epoch for epoch, score in scores.items() if score <= largest]
        return alike[-1] if alike else min(scores, key=scores.__getitem__)

    def column(self, name: str) -> list[float]:
        """Return one number of every epoch; NaN where an epoch has none."""
        return [epoch.get(name, math.nan) for epoch in self.epochs]

    def columns(self) -> dict[str, list[float]]:
        """Return the numbers of every epoch by the names that the last one has."""
        return {name: self.column(name) for name in self.epochs[-1]}

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
