"""The angular power spectrum of the convergence."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.simulation.cosmology import Cosmology

_LARGEST_REDSHIFT = 20
_TABLE_SIZE = 256


def convergence_power(ell: ArrayLike, cosmology: Cosmology, source_redshift: float) -> FloatArray:
    """Compute the angular power spectrum of the convergence of sources in one plane.

        C_ℓ = ∫ dχ q(χ)²/χ² P_δ(k = (ℓ + ½)/χ, z(χ)),
        q = (3/2) Ω_m (H₀/c)² (1 + z) χ (1 − χ/χ_s)

    The matter power spectrum P_δ is non-linear, by halofit.

    Parameters
    ----------
    ell : float array, any shape
        Multipoles, positive.
    cosmology : Cosmology
    source_redshift : float
        In (0, 20].

    Returns
    -------
    float64 array, same shape as ``ell``
        C_ℓ in steradian.

    Raises
    ------
    InputError
        The redshift is not in (0, 20].

    Examples
    --------
    >>> power = convergence_power(np.array([100.0, 1000.0]), Cosmology(), source_redshift=1.0)
    >>> bool(power[0] > power[1] > 0)
    True

    References
    ----------
    Bartelmann & Schneider 2001, eq. 6.18. Linear power of Eisenstein & Hu 1998, made non-linear by
    halofit (Takahashi et al. 2012). Computed by pyccl.
    """
    if not 0 < source_redshift <= _LARGEST_REDSHIFT:
        raise InputError(
            f"source_redshift must lie in (0, {_LARGEST_REDSHIFT}]. Received: {source_redshift}",
            parameter="source_redshift",
        )
    import pyccl  # slow to load, and needed for nothing else

    # C_ℓ is smooth: interpolation in log ℓ costs much less than evaluation at every Fourier mode.
    ell = np.asarray(ell, dtype=float)
    table = np.geomspace(max(ell.min() * 0.99, 0.1), ell.max() * 1.01, _TABLE_SIZE)
    try:
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
        log_power = np.log(pyccl.angular_cl(model, tracer, tracer, table))
    except (pyccl.errors.CCLError, ValueError) as error:
        raise InputError(
            f"pyccl cannot compute the power spectrum of {cosmology} at source redshift "
            f"{source_redshift} ({one_line(error, 200)})"
        ) from error
    return np.exp(np.interp(np.log(ell), np.log(table), log_power))
