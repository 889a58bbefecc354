"""Adversarial losses as functions of the logits of real and generated maps.

Each loss is a small frozen dataclass with two methods, ``discriminator(real, fake, seed)`` and ``generator(real,
fake)``, that read as the equations. ``real`` and ``fake`` are logits of shape ``(n, 1)``; ⟨·⟩ is the batch mean.
"""

from dataclasses import dataclass

import keras
from keras import ops

from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.serializable import SerializableDataclass, register


class AdversarialLoss(SerializableDataclass):
    """What every loss here shares: a configuration, and whether the generator's part needs real logits."""

    relative = False


@register
@dataclass(frozen=True)
class GeometricHinge(AdversarialLoss):
    """The soft-margin hyperplane of the geometric GAN.

        L_D = ⟨max(0, m_r − D(x))⟩ + ⟨max(0, m_f + D(g))⟩,      L_G = −⟨D(g)⟩

    Args:
        margin_real, margin_fake: float, m_r and m_f.

    Example:
        >>> import numpy as np
        >>> loss = GeometricHinge()
        >>> float(loss.discriminator(np.array([[0.25]], "float32"), np.array([[-2.0]], "float32")))
        0.75

    Source: Lim & Ye 2017 (arXiv 1705.02894), eq. 11–13.
    """

    margin_real: float = 1.0
    margin_fake: float = 1.0

    def discriminator(self, real, fake, seed=None):
        return ops.mean(ops.relu(self.margin_real - real)) + ops.mean(
            ops.relu(self.margin_fake + fake)
        )

    def generator(self, real, fake):
        return -ops.mean(fake)


@register
@dataclass(frozen=True)
class RelativisticAverageHinge(AdversarialLoss):
    """Hinge loss on how much more real a map looks than the average of the other kind.

        L_D = ⟨max(0, m − (D(x) − ⟨D(g)⟩))⟩ + ⟨max(0, m + (D(g) − ⟨D(x)⟩))⟩,
        L_G the same with the roles exchanged.

    Args:
        margin: float, m.

    Example:
        >>> equal = ops.zeros((4, 1))
        >>> float(RelativisticAverageHinge().generator(equal, equal))
        2.0

    Source: Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.2 and its hinge form.
    """

    margin: float = 1.0
    relative = True

    def discriminator(self, real, fake, seed=None):
        real_excess, fake_excess = real - ops.mean(fake), fake - ops.mean(real)
        return ops.mean(ops.relu(self.margin - real_excess)) + ops.mean(
            ops.relu(self.margin + fake_excess)
        )

    def generator(self, real, fake):
        return self.discriminator(fake, real)


@register
@dataclass(frozen=True)
class CrossEntropy(AdversarialLoss):
    """Logistic loss with randomly flipped labels; the generator's part does not saturate.

        L_D = ⟨softplus(∓D(x))⟩ + ⟨softplus(±D(g))⟩,      L_G = ⟨softplus(−D(g))⟩

    where the lower sign, the wrong label, is taken with probability ``flip`` for each map.

    Args:
        flip: float in [0, 0.5), probability of a flipped label.

    Example:
        >>> import numpy as np
        >>> round(float(CrossEntropy().generator(None, np.zeros((4, 1), "float32"))), 4)
        0.6931

    Source: Goodfellow et al. 2014 (arXiv 1406.2661), section 3; flips: cosmoGAN (arXiv 1706.02390).
    """

    flip: float = 0.0

    def __post_init__(self):
        if not 0 <= self.flip < 0.5:
            raise InputError(f"flip must lie in [0, 0.5). Received: flip={self.flip}")

    def discriminator(self, real, fake, seed=None):
        return ops.mean(ops.softplus(-self._flipped(real, seed))) + ops.mean(
            ops.softplus(self._flipped(fake, seed))
        )

    def generator(self, real, fake):
        return ops.mean(ops.softplus(-fake))

    def _flipped(self, logits, seed):
        if not self.flip:
            return logits
        return ops.where(
            keras.random.uniform(ops.shape(logits), seed=seed) < self.flip, -logits, logits
        )


@register
@dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    """The dual form of the Wasserstein-1 distance, for a discriminator whose slope a penalty bounds.

        L_D = ⟨D(g)⟩ − ⟨D(x)⟩,      L_G = −⟨D(g)⟩

    Example:
        >>> import numpy as np
        >>> float(Wasserstein().discriminator(np.array([[3.0]], "float32"), np.array([[1.0]], "float32")))
        -2.0

    Source: Arjovsky et al. 2017 (arXiv 1701.07875), eq. 2 and Algorithm 1.
    """

    def discriminator(self, real, fake, seed=None):
        return ops.mean(fake) - ops.mean(real)

    def generator(self, real, fake):
        return -ops.mean(fake)


@register
@dataclass(frozen=True)
class RelativisticPairing(AdversarialLoss):
    """Logistic loss on how much more real a map looks than the generated one it is paired with.

        L_D = ⟨softplus(−(D(x) − D(g)))⟩,      L_G = ⟨softplus(−(D(g) − D(x)))⟩

    where the i-th real map of a batch is paired with the i-th generated one.

    Example:
        >>> equal = ops.zeros((4, 1))
        >>> round(float(RelativisticPairing().generator(equal, equal)), 4)
        0.6931

    Source: Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.1; Huang et al. 2024 (R3GAN, arXiv 2501.05441).
    """

    relative = True

    def discriminator(self, real, fake, seed=None):
        return ops.mean(ops.softplus(fake - real))

    def generator(self, real, fake):
        return self.discriminator(fake, real)


LOSSES = {
    "hinge": GeometricHinge,
    "relativistic_hinge": RelativisticAverageHinge,
    "relativistic_pairing": RelativisticPairing,
    "cross_entropy": CrossEntropy,
    "wasserstein": Wasserstein,
}


def get(identifier, **parameters):
    """Return a loss from its name and parameters, or the loss itself.

    Raises:
        InputError: for a name that is not in ``LOSSES``.

    Example:
        >>> get("hinge", margin_real=0.5)
        GeometricHinge(margin_real=0.5, margin_fake=1.0)
    """
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if identifier not in LOSSES:
        raise InputError(
            f"Unknown loss. Received: {identifier!r}; expected one of {', '.join(LOSSES)}"
        )
    return LOSSES[identifier](**parameters)
