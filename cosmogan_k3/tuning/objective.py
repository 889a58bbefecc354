"""What a trial is: the preset with other values, trained on a few seeds and judged after each epoch."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3.gan.build import build_adapted_gan
from cosmogan_k3.gan.sampler import Sampler
from cosmogan_k3.maps import Batches, Scaling
from cosmogan_k3.statistics import relative_diversity, validation_score
from cosmogan_k3.training import divergence as guard
from cosmogan_k3.training.callbacks import validation_of

PARETO = ("power_spectrum_error_mean", "ks_pixels_distance", "peak_counts_error")
"""The distances that a study with several objectives weighs against each other."""


class DivergedError(RuntimeError):
    """A trial's training is none any more; the message says why."""


@dataclass(frozen=True)
class Epoch:
    """What the validation maps said of all seeds after one epoch.

    Args:
        score: float, mean ``validation_score``: the single objective.
        distances: mapping of ``PARETO`` to ln((1 + d/n)/2), with d the distance and n its null, means over the seeds.
    """

    score: float
    distances: dict


class Candidate:
    """One GAN of a trial.

    Args:
        preset: ``Preset``.
        objective: ``Objective``.
        seed: int.
    """

    def __init__(self, preset, objective, seed):
        train = objective.train
        scaling = Scaling.fit(preset.scaling, train.kappa)
        options = {"batch_size": preset.batch_size, "augment": preset.augment, "seed": seed}
        self.batches = Batches(train.kappa, scaling, conditions=objective.conditions, **options)
        self.gan = build_adapted_gan(
            preset, self.batches, train, seed=seed, conditioning=objective.conditioning
        )
        self.validation = objective.validation
        self.given = Sampler(self.gan).parameters_of(objective.held_out, slice(len(self.validation.real)))
        self.epochs = []

    def train_epoch(self):
        """Train for one epoch more; return its distances.

        Raises:
            DivergedError: the guard gives the epoch up.
        """
        epoch = len(self.epochs)
        logs = self.gan.fit(self.batches, initial_epoch=epoch, epochs=epoch + 1, verbose=0).history
        values = {name: float(value[-1]) for name, value in logs.items()}
        generated = Sampler(self.gan).sample(len(self.validation.real), parameters=self.given)
        finite = np.isfinite(generated).all()
        values["validation_diversity"] = (
            relative_diversity(self.validation.real, generated) if finite else np.nan
        )
        self.epochs.append(values)
        if cause := guard.diagnose(self.epochs, self.gan.adversarial_loss):
            raise DivergedError(f"epoch {epoch + 1}: {cause}")
        return self.validation.distances(generated)


class Objective:
    """What all trials of a study are trained on and judged by.

    Args:
        splits: ``Splits``, of which the test maps are not looked at.
        conditioning: ``(Conditioning, θ of the training maps)``, or two None for models that are told nothing.
    """

    def __init__(self, splits, conditioning=(None, None)):
        self.train, self.held_out = splits.train, splits.validation
        self.validation = validation_of(splits.validation)
        self.conditioning, self.conditions = conditioning

    def epochs_of(self, preset, seeds):
        """Train one candidate a seed side by side, and iterate over what each epoch showed.

        Args:
            preset: ``Preset``; its epochs are how far it goes.
            seeds: sequence of int.

        Yields:
            ``Epoch``.

        Raises:
            DivergedError: one of them did.
        """
        candidates = [Candidate(preset, self, seed) for seed in seeds]
        for _ in range(preset.epochs):
            found = [candidate.train_epoch() for candidate in candidates]
            yield Epoch(
                score=float(np.mean([validation_score(distances) for distances in found])),
                distances={
                    name: float(np.mean([validation_score(d, (name,)) for d in found]))
                    for name in PARETO
                },
            )
