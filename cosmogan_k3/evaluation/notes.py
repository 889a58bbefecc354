"""Sentences of a report about how the maps were compared."""

from cosmogan_k3.survey import Survey


def survey_note(survey: Survey | None, area_deg2: float) -> str:
    """Say how a survey saw the maps, and what the shifts in units of its errors mean.

    Parameters
    ----------
    survey : Survey or None
        Noise, smoothing and reconstruction of both sets.
    area_deg2 : float
        Area of the survey in square degrees; 0 if there is none.

    Returns
    -------
    str
        Empty without a survey.

    Examples
    --------
    >>> survey_note(None, 0.0)
    ''
    >>> survey_note(Survey(smoothing_arcmin=2.0), 0.0)
    'Both sets are compared as a survey sees them: smoothed with σ = 2 arcmin.'
    """
    effects = []
    if survey is not None and survey.galaxy_density:
        effects.append(
            f"shape noise of {survey.galaxy_density:g} galaxies per arcmin² with "
            f"σ_ε = {survey.sigma_epsilon:g}, independent in the two sets"
        )
    if survey is not None and survey.quantity != "kappa":
        effects.append(f"{survey.quantity} of the shear instead of κ")
    if survey is not None and survey.kaiser_squires:
        effects.append("κ reconstructed from the shear")
    if survey is not None and survey.smoothing_arcmin:
        effects.append(f"smoothed with σ = {survey.smoothing_arcmin:g} arcmin")
    sentences = []
    if effects:
        sentences.append(f"Both sets are compared as a survey sees them: {'; '.join(effects)}.")
    if area_deg2:
        sentences.append(
            f"“survey shift” is the shift of a mean in units of the standard error of a survey of "
            f"{area_deg2:g} square degrees, averaged over the bins. Below 1 it is smaller than the "
            "survey's own error in a bin. The column “real vs real” says how large it is by chance."
        )
    return " ".join(sentences)
