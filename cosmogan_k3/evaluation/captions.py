"""What each figure of a report shows, in one or two sentences."""

import re

CAPTIONS = {
    "maps": "The first maps of each set, on the colour scale of the real ones.",
    "distances": (
        "Each distance in units of its median between sets of real maps. A bar leads from the "
        "generator before its training to the trained one. A filled mark differs significantly."
    ),
    "power_spectrum": "Variance of the maps by angular scale: 180° / ℓ. Bands hold 68 % of maps.",
    "pixel_histogram": "One-point distribution of κ. Bands are two standard errors of the mean.",
    "pixels": "Cumulative distribution of κ over all pixels.",
    "peaks": "Pixels above their eight neighbours, by height: massive halos are the high ones.",
    "minima": "Pixels below their eight neighbours, by κ: voids.",
    "minkowski_v0": "Fraction of the area above a threshold.",
    "minkowski_v1": "Length of the contour at a threshold, per area and divided by four.",
    "minkowski_v2": "Regions above a threshold less their holes, per area.",
    "moments": (
        "Moments of maps smoothed with a Gaussian of standard deviation θ. The mean is left out: "
        "it is zero by convention, and its sign is chance."
    ),
    "bispectrum_equilateral": "Correlation of three modes of equal ℓ: zero in a Gaussian map.",
    "bispectrum_squeezed": "Correlation of two modes of ℓ with a mode of the largest scale.",
    "starlet": (
        "Sum of absolute wavelet coefficients w in bins of w, for structures of four sizes."
    ),
    "scattering": (
        "Mean modulus of wavelet coefficients, s₁, and of the wavelet coefficients of that modulus "
        "at a larger scale, s₂ / s₁, for three angles between the wavelets."
    ),
    "betti_0": "Number of regions above a threshold.",
    "betti_1": "Number of holes in the regions above a threshold.",
    "validation": (
        "Four distances between generated and validation maps after each epoch, in units of the "
        "same distance between real maps, and the score that combines them. The model is that of "
        "the marked epoch."
    ),
    "losses": (
        "Losses and mean logits of the discriminator. Faint lines are epochs, bold ones averages."
    ),
    "pca": (
        "Validation maps and generated maps on the two leading principal components of the "
        "validation maps. The clouds overlap if the large scales agree."
    ),
}

_TITLES = {
    "pixel_histogram": "Pixel histogram",
    "validation": "Validation by epoch",
    "losses": "Losses by epoch",
    "pca": "Principal components by epoch",
}

# Of a training with the cross-entropy alone.
UNDECIDED = (
    "A discriminator loss of 2 ln 2 = 1.386 means that the discriminator is undecided: it gives "
    "every map a probability of ½ of being real, which costs ln 2 for real and ln 2 for generated "
    "maps. A good generator ends there, and so does a discriminator that has learned nothing: "
    "look at the distances."
)


def title_of(name: str) -> str:
    """Return the title of a figure that is not that of a statistic.

    Parameters
    ----------
    name : str
        Of the figure.

    Returns
    -------
    str

    Examples
    --------
    >>> title_of("pca"), title_of("more_maps")
    ('Principal components by epoch', 'More maps')
    """
    return _TITLES.get(name) or name.replace("_", " ").capitalize()


def is_cross_entropy(loss: str) -> bool:
    """Return whether a training used the cross-entropy from its first to its last epoch.

    Parameters
    ----------
    loss : str
        As parameters record it.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_cross_entropy("CrossEntropy(flip=0.0)"), is_cross_entropy("Hinge()")
    (True, False)
    """
    # With flipped labels an undecided discriminator has the same loss.
    return bool(re.fullmatch(r"(CrossEntropy\([^)]*\)(, )?)+", loss))


def caption_of(name: str, loss: str = "") -> str:
    """Return the caption of a figure.

    Parameters
    ----------
    name : str
        Of the figure.
    loss : str, default ""
        Of the training, as parameters record it.

    Returns
    -------
    str
        Empty for a figure without a caption.

    Examples
    --------
    >>> caption_of("minima")
    'Pixels below their eight neighbours, by κ: voids.'
    """
    caption = CAPTIONS.get(name, "")
    return f"{caption} {UNDECIDED}" if name == "losses" and is_cross_entropy(loss) else caption
