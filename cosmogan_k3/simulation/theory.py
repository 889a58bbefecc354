"""The angular power spectrum of the convergence."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3.errors import InputError


@dataclass(frozen=True)
class Cosmology:
    """A flat ΛCDM cosmology with massless neutrinos.

    Args:
        omega_m, omega_b: float, density parameters of matter and baryons today.
        h: float, Hubble constant in 100 km/s/Mpc.
        sigma_8: float, linear rms matter fluctuation in 8 Mpc/h spheres today.
        n_s: float, spectral index.
    """

    omega_m: float = 0.3
    omega_b: float = 0.05
    h: float = 0.7
    sigma_8: float = 0.8
    n_s: float = 0.96

    def __post_init__(self):
        if not (0 < self.omega_b < self.omega_m < 1 and self.h > 0 and self.sigma_8 > 0):
            raise InputError(
                "A cosmology needs 0 < omega_b < omega_m < 1, h > 0 and sigma_8 > 0. "
                f"Received: omega_m={self.omega_m}, omega_b={self.omega_b}, h={self.h}, sigma_8={self.sigma_8}"
            )


def convergence_power(ell, cosmology, source_redshift):
    """Angular power spectrum of the convergence of sources in one plane, with halofit's non-linear matter power.

        C_ℓ = ∫ dχ q(χ)²/χ² P_δ(k = (ℓ + ½)/χ, z(χ)),    q = (3/2) Ω_m (H₀/c)² (1 + z) χ (1 − χ/χ_s)

    Args:
        ell: float array, multipoles, any shape, positive.
        cosmology: ``Cosmology``.
        source_redshift: float, positive.

    Returns:
        C_ℓ in steradian, float64, the shape of ``ell``.

    Raises:
        InputError: where ``source_redshift`` is not in (0, 20].

    Example:
        >>> import numpy as np
        >>> power = convergence_power(np.array([100.0, 1000.0]), Cosmology(), source_redshift=1.0)
        >>> bool(power[0] > power[1] > 0)
        True

    Source: Bartelmann & Schneider 2001, eq. 6.18; the linear power of
    Eisenstein & Hu 1998 made non-linear by halofit (Takahashi et al. 2012); computed by pyccl.
    """
    if not 0 < source_redshift <= 20:
        raise InputError(f"source_redshift must lie in (0, 20]. Received: {source_redshift}")
    import pyccl  # slow to load, and needed for nothing else

    model = pyccl.Cosmology(
        Omega_c=cosmology.omega_m - cosmology.omega_b,
        Omega_b=cosmology.omega_b,
        h=cosmology.h,
        sigma8=cosmology.sigma_8,
        n_s=cosmology.n_s,
        transfer_function="eisenstein_hu",
        matter_power_spectrum="halofit",
    )
    # pyccl's "CMB lensing" tracer is the convergence of one source plane, at any redshift.
    tracer = pyccl.CMBLensingTracer(model, z_source=source_redshift)
    # C_ℓ is smooth: a table in log ℓ costs a fraction of a direct evaluation on every Fourier mode.
    ell = np.asarray(ell, dtype=float)
    table = np.geomspace(max(ell.min() * 0.99, 0.1), ell.max() * 1.01, 256)
    log_power = np.log(pyccl.angular_cl(model, tracer, tracer, table))
    return np.exp(np.interp(np.log(ell), np.log(table), log_power))
