"""A trial: the preset with other values, trained on several seeds and judged after each epoch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cosmogan_k3._typing import Conditions, Maps
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Preset
from cosmogan_k3.gan.build import build_adapted_gan
from cosmogan_k3.maps import Batches, Conditioning, MapSet, Scaling, Splits
from cosmogan_k3.statistics import validation_score
from cosmogan_k3.training.epoch_judge import EpochJudge, judge_epoch

# Distances that a study with several objectives minimizes together.
PARETO = ("power_spectrum_error_mean", "ks_pixels_distance", "peak_counts_error")


# A user's own objective: from validation maps and as many generated ones, κ in float32 (n, N, N),
# to a number to be minimized.
Measure = Callable[[Maps, Maps], float]
_OWN = "own objective"


class DivergedError(RuntimeError):
    """The training of a trial diverged; the message says how."""


@dataclass(frozen=True)
class Epoch:
    """What the validation maps say of all seeds after one epoch.

    Parameters
    ----------
    score : float
        Mean ``validation_score``, or mean of the user's own measure: the single objective.
    distances : mapping of str to float
        For each of ``PARETO`` the mean over the seeds of ln((1 + d/n)/2), with d the distance and n
        its null.
    """

    score: float
    distances: Mapping[str, float]


class Candidate:
    """One GAN of a trial.

    Parameters
    ----------
    preset : Preset
    objective : Objective
    seed : int
    """

    def __init__(self, preset: Preset, objective: "Objective", seed: int) -> None:
        train = objective.train
        self.batches = Batches(
            train.kappa,
            Scaling.fit(preset.scaling, train.kappa),
            conditions=objective.conditions,
            batch_size=preset.batch_size,
            augment=preset.augment,
            seed=seed,
        )
        self.gan = build_adapted_gan(
            preset, self.batches, train, seed=seed, conditioning=objective.conditioning
        )
        self.judge, self.measure = objective.judge, objective.measure
        self.epochs: list[dict[str, float]] = []

    def train_epoch(self) -> dict[str, float]:
        """Train for one more epoch, and return its distances.

        Raises
        ------
        DivergedError
            If the epoch is to be given up.
        """
        epoch = len(self.epochs)
        logs = self.gan.fit(self.batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0).history
        values = {name: float(value[-1]) for name, value in logs.items()}
        generated = self.judge.draw(self.gan)
        values, cause = judge_epoch(
            self.epochs,
            values,
            self.gan.adversarial_loss,
            judge=self.judge,
            generated=generated,
        )
        self.epochs.append(values)
        if cause:
            raise DivergedError(f"epoch {epoch + 1}: {cause}")
        return self.judge.validation.distances(generated) | self._own(generated)

    def _own(self, generated: Maps) -> dict[str, float]:
        """Return the user's own measure, if there is one."""
        if self.measure is None:
            return {}
        value = float(self.measure(self.judge.validation.real, generated))
        if not np.isfinite(value):
            raise DivergedError(f"epoch {len(self.epochs)}: the objective is {value}")
        return {_OWN: value}


class Objective:
    """What all trials of a study are trained on and judged by.

    Parameters
    ----------
    splits : Splits
        The test maps are not used.
    conditioning : Conditioning, optional
    conditions : ndarray, optional
        Conditions of the training maps, float32 ``(n, n_conditions)``.
    measure : callable, optional
        Minimized instead of the validation score: a function of validation maps and generated maps.

    Raises
    ------
    InputError
        If there are fewer than three validation maps.
    """

    def __init__(
        self,
        splits: Splits,
        conditioning: Conditioning | None = None,
        conditions: Conditions | None = None,
        measure: Measure | None = None,
    ) -> None:
        judge = EpochJudge.if_enough(splits.validation)
        if judge is None:
            raise InputError(
                "A study needs three validation maps, a tenth of all. "
                f"Received: {len(splits.validation or ())} validation maps",
                parameter="data",
            )
        self.train: MapSet = splits.train
        self.judge = judge
        self.conditioning, self.conditions = conditioning, conditions
        self.measure = measure

    def epochs_of(self, preset: Preset, seeds: Sequence[int]) -> Iterator[Epoch]:
        """Train one candidate for each seed side by side, and yield the result of each epoch.

        Parameters
        ----------
        preset : Preset
            Its epochs are how far the training goes.
        seeds : sequence of int

        Yields
        ------
        Epoch

        Raises
        ------
        DivergedError
            If one of the candidates diverges.
        """
        candidates = [Candidate(preset, self, seed) for seed in seeds]
        for _ in range(preset.epochs):
            found = [candidate.train_epoch() for candidate in candidates]
            yield Epoch(
                score=float(np.mean([d.get(_OWN, validation_score(d)) for d in found])),
                distances={
                    name: float(np.mean([validation_score(d, (name,)) for d in found]))
                    for name in PARETO
                },
            )
