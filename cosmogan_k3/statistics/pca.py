"""Principal components of maps."""

import numpy as np
from sklearn.decomposition import PCA


def pca_projection(real, generated, components=2):
    """Project real and generated maps on the leading principal components of the real ones.

        y = (κ − ⟨κ⟩_real) · e_k,    e_k the leading eigenvectors of the covariance of the real maps' pixels

    Args:
        real, generated: float arrays ``(n, N, N)``, κ.
        components: int, at most the smaller of the number of real maps and of pixels.

    Returns:
        ``(real_projection, generated_projection, explained)``: float64 ``(n, components)`` each, in units of κ, and
        the share of the real variance that each component explains.

    Raises:
        ValueError: more components than maps or pixels, or maps of different sizes.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).normal(size=(30, 8, 8))
        >>> a, b, explained = pca_projection(maps, maps)
        >>> a.shape, bool(np.allclose(a, b))
        ((30, 2), True)

    Source: the paper, section 5.3.
    """
    real, generated = (np.asarray(maps, dtype=np.float64).reshape(len(maps), -1) for maps in (real, generated))
    if real.shape[1] != generated.shape[1]:
        raise ValueError(f"Maps of different sizes. Received: {real.shape[1]} and {generated.shape[1]} pixels")
    if not 1 <= components <= min(real.shape):
        raise ValueError(
            f"components must lie between 1 and {min(real.shape)}, the smaller of maps and pixels. "
            f"Received: {components}"
        )
    model = PCA(components, svd_solver="randomized", random_state=0).fit(real)
    return model.transform(real), model.transform(generated), model.explained_variance_ratio_
