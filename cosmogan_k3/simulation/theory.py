"""The angular power spectrum of the convergence."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.simulation.cosmology import Cosmology

_LARGEST_REDSHIFT = 20
_TABLE_SIZE = 256
_WAVENUMBERS = 1e-4, 100.0  # h/Mpc


def ccl_model(cosmology: Cosmology, nonlinear: Any = "halofit") -> Any:
    """Return the ``pyccl.Cosmology`` of a cosmology, with the linear power of Eisenstein & Hu 1998.

    Parameters
    ----------
    cosmology : Cosmology
    nonlinear : str or pyccl object
        How pyccl makes the matter power spectrum non-linear.

    Returns
    -------
    pyccl.Cosmology

    Examples
    --------
    >>> ccl_model(Cosmology())["h"]
    0.7
    """
    import pyccl

    return pyccl.Cosmology(
        Omega_c=cosmology.omega_m - cosmology.omega_b,
        Omega_b=cosmology.omega_b,
        h=cosmology.h,
        sigma8=cosmology.sigma_8,
        n_s=cosmology.n_s,
        transfer_function="eisenstein_hu",
        matter_power_spectrum=nonlinear,
    )


def linear_power(cosmology: Cosmology) -> Callable[[FloatArray], FloatArray]:
    """Return the linear matter power spectrum today as a function of k.

    Parameters
    ----------
    cosmology : Cosmology

    Returns
    -------
    callable
        From k in h/Mpc to P in (Mpc/h)³.

    Examples
    --------
    >>> round(float(linear_power(Cosmology())(np.array(0.1))), -2)
    5400.0
    """
    import pyccl

    h = cosmology.h
    wavenumber = np.geomspace(*_WAVENUMBERS, _TABLE_SIZE)
    power = pyccl.linear_matter_power(ccl_model(cosmology), wavenumber * h, 1.0) * h**3
    spline = CubicSpline(np.log(wavenumber), np.log(power))
    return lambda k: np.exp(spline(np.log(k)))


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
        model = ccl_model(cosmology)
        # pyccl's "CMB lensing" tracer is the convergence of one source plane, at any redshift.
        tracer = pyccl.CMBLensingTracer(model, z_source=source_redshift)
        power = pyccl.angular_cl(model, tracer, tracer, table)
    except (pyccl.errors.CCLError, ValueError) as error:
        raise InputError(
            f"pyccl cannot compute the power spectrum of {cosmology} at source redshift "
            f"{source_redshift} ({one_line(error, 200)}); if halofit fails, the "
            "methods halos and nbody do without it"
        ) from error
    # pyccl has no power beyond its largest wavenumber.
    log_power = np.log(np.maximum(power, np.finfo(float).tiny))
    return np.exp(np.interp(np.log(ell), np.log(table), log_power))
