"""Mean and variance of two samples together, from those of each."""


def joint_moments(weight, mean, variance, other_mean, other_variance):
    """Mean and variance of the union of two samples, the first with the share ``weight`` of the members.

        μ = w μ₁ + (1 − w) μ₂,      σ² = w σ²₁ + (1 − w) σ²₂ + w (1 − w) (μ₁ − μ₂)²

    Args:
        weight: float, w.
        mean, variance, other_mean, other_variance: numbers, or tensors of any framework.

    Example:
        >>> joint_moments(0.5, 1.0, 0.0, 3.0, 0.0)
        (2.0, 1.0)
    """
    joint = weight * mean + (1 - weight) * other_mean
    spread = weight * (1 - weight) * (mean - other_mean) ** 2
    return joint, weight * variance + (1 - weight) * other_variance + spread
