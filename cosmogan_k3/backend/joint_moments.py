"""Mean and variance of the union of two samples."""

from cosmogan_k3._typing import Tensor


def joint_moments(
    weight: Tensor, mean: Tensor, variance: Tensor, other_mean: Tensor, other_variance: Tensor
) -> tuple[Tensor, Tensor]:
    """Return mean and variance of the union of two samples, from those of each.

    ::

        μ = w μ₁ + (1 − w) μ₂
        σ² = w σ²₁ + (1 − w) σ²₂ + w (1 − w) (μ₁ − μ₂)²

    Parameters
    ----------
    weight : float or Tensor
        w, the fraction of the members that belong to the first sample.
    mean, variance : float or Tensor
        μ₁ and σ²₁ of the first sample; tensors of any framework and shape.
    other_mean, other_variance : float or Tensor
        μ₂ and σ²₂ of the second sample.

    Returns
    -------
    mean, variance : float or Tensor
        μ and σ².

    Examples
    --------
    >>> joint_moments(0.5, 1.0, 0.0, 3.0, 0.0)
    (2.0, 1.0)
    """
    joint = weight * mean + (1 - weight) * other_mean
    spread = weight * (1 - weight) * (mean - other_mean) ** 2
    return joint, weight * variance + (1 - weight) * other_variance + spread
