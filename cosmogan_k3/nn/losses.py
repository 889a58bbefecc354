"""Adversarial losses as functions of the logits of real and generated maps.

``real`` and ``fake`` are logits of shape ``(n, 1)``; ⟨·⟩ is the batch mean.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import keras
from keras import ops

from cosmogan_k3._typing import Seed, Tensor
from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.serializable import SerializableDataclass, register


@dataclass(frozen=True)
class AdversarialLoss(SerializableDataclass, ABC):
    """Base class of the adversarial losses.

    Attributes
    ----------
    relative : bool
        Whether the generator's loss needs the logits of real maps.

    Examples
    --------
    >>> isinstance(GeometricHinge(), AdversarialLoss)
    True
    """

    relative: ClassVar[bool] = False

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor, seed: Seed = None) -> Tensor:
        """Return the discriminator's loss L_D, a scalar.

        Parameters
        ----------
        real, fake : Tensor
            Logits of real and generated maps, shape ``(n, 1)``.
        seed : keras.random.SeedGenerator or int, optional
            Seed of random labels, if the loss draws any.
        """

    @abstractmethod
    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """Return the generator's loss L_G, a scalar.

        Parameters
        ----------
        real : Tensor or None
            Logits of real maps, shape ``(n, 1)``; None is enough if the loss is not ``relative``.
        fake : Tensor
            Logits of generated maps, shape ``(n, 1)``.
        """


@register
@dataclass(frozen=True)
class GeometricHinge(AdversarialLoss):
    """Hinge loss of the geometric GAN.

    The losses are::

        L_D = ⟨max(0, m_r − D(x))⟩ + ⟨max(0, m_f + D(g))⟩
        L_G = −⟨D(g)⟩

    Parameters
    ----------
    margin_real, margin_fake : float, default 1.0
        Margins m_r and m_f.

    References
    ----------
    Lim & Ye 2017 (arXiv 1705.02894), eq. 11–13.

    Examples
    --------
    >>> loss = GeometricHinge()
    >>> real, fake = ops.convert_to_tensor([[0.25]]), ops.convert_to_tensor([[-2.0]])
    >>> float(loss.discriminator(real, fake))
    0.75
    """

    margin_real: float = 1.0
    margin_fake: float = 1.0

    def discriminator(self, real: Tensor, fake: Tensor, seed: Seed = None) -> Tensor:
        """Return L_D."""
        of_real = ops.mean(ops.relu(self.margin_real - real))
        of_fake = ops.mean(ops.relu(self.margin_fake + fake))
        return of_real + of_fake

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """Return L_G."""
        return -ops.mean(fake)


@register
@dataclass(frozen=True)
class RelativisticAverageHinge(AdversarialLoss):
    """Hinge loss of logits relative to the average logit of the other kind of maps.

    The losses are::

        L_D = ⟨max(0, m − (D(x) − ⟨D(g)⟩))⟩ + ⟨max(0, m + (D(g) − ⟨D(x)⟩))⟩
        L_G = L_D with x and g exchanged

    Parameters
    ----------
    margin : float, default 1.0
        Margin m.

    References
    ----------
    Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.2, in its hinge form.

    Examples
    --------
    >>> equal = ops.zeros((4, 1))
    >>> float(RelativisticAverageHinge().generator(equal, equal))
    2.0
    """

    margin: float = 1.0
    relative: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor, seed: Seed = None) -> Tensor:
        """Return L_D."""
        real_excess = real - ops.mean(fake)
        fake_excess = fake - ops.mean(real)
        of_real = ops.mean(ops.relu(self.margin - real_excess))
        of_fake = ops.mean(ops.relu(self.margin + fake_excess))
        return of_real + of_fake

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """Return L_G."""
        return self.discriminator(fake, real)


@register
@dataclass(frozen=True)
class CrossEntropy(AdversarialLoss):
    """Logistic loss with random label flips and a generator loss that does not saturate.

    The losses are::

        L_D = ⟨softplus(∓D(x))⟩ + ⟨softplus(±D(g))⟩
        L_G = ⟨softplus(−D(g))⟩

    The lower sign, which is the wrong label, is taken with probability ``flip`` for each map.

    Parameters
    ----------
    flip : float, default 0.0
        Probability of a wrong label, in [0, 0.5).

    Raises
    ------
    InputError
        If the probability lies outside [0, 0.5).

    References
    ----------
    Goodfellow et al. 2014 (arXiv 1406.2661), section 3; label flips: cosmoGAN (arXiv 1706.02390).

    Examples
    --------
    >>> round(float(CrossEntropy().generator(None, ops.zeros((4, 1)))), 4)
    0.6931
    """

    flip: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.flip < 0.5:
            raise InputError(f"flip must lie in [0, 0.5). Received: flip={self.flip}")

    def discriminator(self, real: Tensor, fake: Tensor, seed: Seed = None) -> Tensor:
        """Return L_D."""
        of_real = ops.mean(ops.softplus(-self._flipped(real, seed)))
        of_fake = ops.mean(ops.softplus(self._flipped(fake, seed)))
        return of_real + of_fake

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """Return L_G."""
        return ops.mean(ops.softplus(-fake))

    def _flipped(self, logits: Tensor, seed: Seed) -> Tensor:
        """Logits with random signs: a wrong label is the right one for the opposite logit."""
        if not self.flip:
            return logits
        wrong = keras.random.uniform(ops.shape(logits), seed=seed) < self.flip
        return ops.where(wrong, -logits, logits)


@register
@dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    """Dual form of the Wasserstein-1 distance; a penalty must bound the discriminator's slope.

    The losses are::

        L_D = ⟨D(g)⟩ − ⟨D(x)⟩
        L_G = −⟨D(g)⟩

    References
    ----------
    Arjovsky et al. 2017 (arXiv 1701.07875), eq. 2 and Algorithm 1.

    Examples
    --------
    >>> real, fake = ops.convert_to_tensor([[3.0]]), ops.convert_to_tensor([[1.0]])
    >>> float(Wasserstein().discriminator(real, fake))
    -2.0
    """

    def discriminator(self, real: Tensor, fake: Tensor, seed: Seed = None) -> Tensor:
        """Return L_D."""
        return ops.mean(fake) - ops.mean(real)

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """Return L_G."""
        return -ops.mean(fake)


@register
@dataclass(frozen=True)
class RelativisticPairing(AdversarialLoss):
    """Logistic loss of the difference between the logits of a real and a generated map.

    The losses are::

        L_D = ⟨softplus(−(D(x) − D(g)))⟩
        L_G = ⟨softplus(−(D(g) − D(x)))⟩

    The i-th real map of a batch is paired with the i-th generated map.

    References
    ----------
    Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.1; Huang et al. 2024 (R3GAN, arXiv
    2501.05441).

    Examples
    --------
    >>> equal = ops.zeros((4, 1))
    >>> round(float(RelativisticPairing().generator(equal, equal)), 4)
    0.6931
    """

    relative: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor, seed: Seed = None) -> Tensor:
        """Return L_D."""
        return ops.mean(ops.softplus(fake - real))

    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """Return L_G."""
        return self.discriminator(fake, real)


# Names that ``get`` takes.
Loss = str | AdversarialLoss  # a name in ``LOSSES``, or a loss

LOSSES: Mapping[str, type[AdversarialLoss]] = MappingProxyType(
    {
        "hinge": GeometricHinge,
        "relativistic_hinge": RelativisticAverageHinge,
        "relativistic_pairing": RelativisticPairing,
        "cross_entropy": CrossEntropy,
        "wasserstein": Wasserstein,
    }
)


def get(identifier: str | AdversarialLoss, **parameters: Any) -> AdversarialLoss:
    """Return a loss from its name and parameters, or the loss itself.

    Parameters
    ----------
    identifier : str or AdversarialLoss
        A name in ``LOSSES``, or a loss.
    **parameters
        Fields of the loss, if a name is passed.

    Returns
    -------
    AdversarialLoss
        The loss.

    Raises
    ------
    InputError
        If the name is not in ``LOSSES``.

    Examples
    --------
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


def schedule(loss: Loss | Mapping[int, Loss]) -> dict[int, AdversarialLoss]:
    """Return the epochs at which losses take over, increasing, with these losses.

    Parameters
    ----------
    loss : str, AdversarialLoss, or mapping of int to these
        A single loss holds from epoch 0 on.

    Raises
    ------
    ValueError
        If there is no loss for epoch 0.

    Examples
    --------
    >>> schedule("hinge")
    {0: GeometricHinge(margin_real=1.0, margin_fake=1.0)}
    """
    losses = loss if isinstance(loss, Mapping) else {0: loss}
    found = {int(epoch): get(losses[epoch]) for epoch in sorted(losses, key=int)}
    if 0 not in found:
        raise ValueError(f"A loss schedule must start at epoch 0. Received: epochs {[*found]}")
    return found
