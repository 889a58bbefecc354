"""Parameters of a cosmology."""

from dataclasses import dataclass

from cosmogan_k3.errors import InputError


@dataclass(frozen=True)
class Cosmology:
    """A flat ΛCDM cosmology with massless neutrinos.

    Parameters
    ----------
    omega_m, omega_b : float
        Density parameters of matter and baryons today. Default 0.3 and 0.05.
    h : float
        Hubble constant in 100 km/s/Mpc. Default 0.7.
    sigma_8 : float
        Linear rms matter fluctuation in spheres of 8 Mpc/h today. Default 0.8.
    n_s : float
        Spectral index. Default 0.96.

    Raises
    ------
    InputError
        Parameters that no flat ΛCDM cosmology has.

    Examples
    --------
    >>> Cosmology(omega_m=0.25).sigma_8
    0.8
    """

    omega_m: float = 0.3
    omega_b: float = 0.05
    h: float = 0.7
    sigma_8: float = 0.8
    n_s: float = 0.96

    def __post_init__(self) -> None:
        if not (0 < self.omega_b < self.omega_m < 1 and self.h > 0 and self.sigma_8 > 0):
            raise InputError(
                "A cosmology needs 0 < omega_b < omega_m < 1, h > 0 and sigma_8 > 0. "
                f"Received: omega_m={self.omega_m}, omega_b={self.omega_b}, h={self.h}, "
                f"sigma_8={self.sigma_8}"
            )
