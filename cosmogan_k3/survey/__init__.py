"""What a survey makes of maps: shape noise, smoothing, masks, shear. Needs NumPy alone, not Keras.

Conventions, stated here once:

- σ_ε is the dispersion of both components of the intrinsic ellipticity together, √⟨|ε|²⟩. It is √2
  times the dispersion of one component.
- A smoothing scale is the standard deviation of the Gaussian kernel. The full width at half maximum
  is 2.355 times as large.
- γ1 and γ2 refer to axes along the columns and the rows of a map. Maps continue periodically.
- A mask is True where observed. Pixels that are not observed are NaN.
"""

from cosmogan_k3.survey.noise import noise_deviation, noise_power, shape_noise
from cosmogan_k3.survey.observed import ObservedMaps, observe_set, observe_stream
from cosmogan_k3.survey.reconstructed import ReconstructedMaps, reconstruct_set
from cosmogan_k3.survey.shear import convergence_from_shear, shear_from_convergence
from cosmogan_k3.survey.smoothing import smooth
from cosmogan_k3.survey.survey import Quantity, Survey

__all__ = [
    "ObservedMaps",
    "Quantity",
    "ReconstructedMaps",
    "Survey",
    "convergence_from_shear",
    "noise_deviation",
    "noise_power",
    "observe_set",
    "observe_stream",
    "reconstruct_set",
    "shape_noise",
    "shear_from_convergence",
    "smooth",
]
