"""What a survey makes of maps of convergence: noise, reconstruction, smoothing and mask."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmogan_k3._typing import FloatArray, FloatMaps, IntArray, Maps, Mask
from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics._maps import checked_maps, checked_mask
from cosmogan_k3.survey.noise import noise_deviation, shape_noise
from cosmogan_k3.survey.shear import convergence_from_shear, shear_from_convergence
from cosmogan_k3.survey.smoothing import smooth
from cosmogan_k3.units import in_unit

QUANTITIES = ("kappa", "gamma1", "gamma2")
Quantity: TypeAlias = Literal["kappa", "gamma1", "gamma2"]

_COMPONENT = {"gamma1": 0, "gamma2": 1}

_LARGEST_NOISE = 1e18  # maps have 32 bits, and their squares are summed


@dataclass(frozen=True)
class Survey:
    """The properties of a survey that change a map of convergence, in the order of their effect.

    1. Shape noise is added: to κ, or to both components of the shear if one of them is wanted. With
       ``kaiser_squires`` it is added to the shear, shear that is not observed is set to 0, and κ_E
       is reconstructed.
    2. The map is smoothed; under a mask, over the observed pixels alone.
    3. Pixels that are not observed become NaN.

    Parameters
    ----------
    galaxy_density : float or astropy.units.Quantity, default 0
        n, source galaxies per arcmin²; 0 for no shape noise.
    sigma_epsilon : float, default 0.37
        σ_ε, the dispersion of both components of the intrinsic ellipticity together.
    smoothing_arcmin : float or astropy.units.Quantity, default 0
        Standard deviation of the Gaussian kernel in arcmin, not its full width; 0 for none.
    kaiser_squires : bool, default False
        Whether κ is reconstructed from the shear. Reconstructed maps have no mean.
    quantity : {"kappa", "gamma1", "gamma2"}, default "kappa"
        What the maps of the survey show. Both components of the shear have the noise of one survey.
    seed : int, default 0
        Seed of the noise.

    Raises
    ------
    InputError
        A value that is negative or not finite, σ_ε that is not positive, an unknown quantity, or a
        reconstruction of the shear.

    Examples
    --------
    >>> survey = Survey(galaxy_density=30.0, smoothing_arcmin=2.0)
    >>> survey.observe(np.zeros((2, 32, 32), "float32"), pixel_arcmin=2.0).shape
    (2, 32, 32)
    >>> survey.metadata
    {'galaxy_density': 30.0, 'sigma_epsilon': 0.37, 'smoothing_arcmin': 2.0}
    """

    galaxy_density: float = 0.0
    sigma_epsilon: float = 0.37
    smoothing_arcmin: float = 0.0
    kaiser_squires: bool = False
    quantity: Quantity = "kappa"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, unit in (("galaxy_density", "arcmin-2"), ("smoothing_arcmin", "arcmin")):
            value = in_unit(getattr(self, name), unit, name)
            if not 0 <= value < np.inf:
                raise InputError(
                    f"{name} must be finite, and 0 or larger. Received: {value}", parameter=name
                )
            object.__setattr__(self, name, value)
        noise_deviation(pixel_arcmin=1, galaxy_density=1, sigma_epsilon=self.sigma_epsilon)
        if self.quantity not in QUANTITIES:
            raise InputError(
                f"expected one of {', '.join(QUANTITIES)}. Received: {self.quantity!r}",
                parameter="quantity",
            )
        if self.kaiser_squires and self.quantity != "kappa":
            raise InputError(
                f"the convergence is reconstructed, not {self.quantity}; leave one of them out",
                parameter="kaiser_squires, quantity",
            )

    @property
    def changes_pixels(self) -> bool:
        """Whether observed pixels change."""
        return bool(self.metadata)

    @property
    def numbers(self) -> dict[str, float]:
        """What changes the pixels and is a number, by name; without the seed."""
        noise = {"galaxy_density": self.galaxy_density, "sigma_epsilon": self.sigma_epsilon}
        numbers = noise if self.galaxy_density else {}
        if self.smoothing_arcmin:
            numbers["smoothing_arcmin"] = self.smoothing_arcmin
        return numbers | ({"kaiser_squires": 1.0} if self.kaiser_squires else {})

    @property
    def metadata(self) -> dict[str, float | str]:
        """What changes the pixels, by name; without the seed."""
        return self.numbers | ({} if self.quantity == "kappa" else {"quantity": self.quantity})

    def check(self, pixels: int, pixel_arcmin: float, mask: Mask | None = None) -> None:
        """Raise an error if maps of a size cannot be observed.

        Parameters
        ----------
        pixels : int
            Side N of the maps.
        pixel_arcmin : float
            Side of a pixel in arcmin.
        mask : bool array, shape (N, N), optional
            True where observed.

        Raises
        ------
        InputError
            Smoothing over more than a quarter of the field, or noise that exceeds all numbers.
        ValueError
            A mask of another shape or type.
        """
        checked_mask(mask, pixels)
        self._check_noise(pixel_arcmin)
        if 4 * self.smoothing_arcmin > pixels * pixel_arcmin:
            raise InputError(
                f"maps of {pixels * pixel_arcmin:g} arcmin cannot be smoothed over more than a "
                f"quarter of that. Received: {self.smoothing_arcmin:g} arcmin",
                parameter="smoothing_arcmin",
            )

    def _check_noise(self, pixel_arcmin: float) -> None:
        if not self.galaxy_density:
            return
        deviation = noise_deviation(
            pixel_arcmin=pixel_arcmin,
            galaxy_density=self.galaxy_density,
            sigma_epsilon=self.sigma_epsilon,
        )
        if deviation > _LARGEST_NOISE:
            raise InputError(
                f"{self.galaxy_density:g} galaxies per square arcmin give a noise of "
                f"{deviation:.1g} in a pixel; maps hold at most {_LARGEST_NOISE:g}",
                parameter="galaxy_density",
            )

    def observe(
        self,
        maps: FloatMaps,
        *,
        pixel_arcmin: Any,
        numbers: IntArray | None = None,
        stream: str = "",
        mask: Mask | None = None,
    ) -> Maps:
        """Return maps as the survey sees them.

        Parameters
        ----------
        maps : float array, shape (n, N, N)
            κ.
        pixel_arcmin : float or astropy.units.Quantity
            Side of a pixel in arcmin.
        numbers : int array, shape (n,), optional
            Number of each map, which determines its noise; by default 0 to n − 1.
        stream : str, default ""
            Sets with different streams have independent noise.
        mask : bool array, shape (N, N), optional
            True where observed. Other pixels are NaN in the result. They are read only for the
            shear, which depends on all pixels.

        Returns
        -------
        float32 array, shape (n, N, N)
            A map does not depend on the other maps of the array.

        Raises
        ------
        InputError
            As ``check``, or a pixel that is needed and not finite.
        ValueError
            Maps or a mask of another shape.
        """
        pixels = checked_maps(maps).shape[1]
        pixel = in_unit(pixel_arcmin, "arcmin", "pixel_arcmin")
        self.check(pixels, pixel, mask)
        observed = np.empty(maps.shape, np.float32)
        for i, number in enumerate(range(len(maps)) if numbers is None else numbers):
            kappa = self._noisy(maps[i], pixel, int(number), stream, mask)
            if self.smoothing_arcmin:
                kappa = smooth(
                    kappa[None],
                    pixel_arcmin=pixel,
                    sigma_arcmin=self.smoothing_arcmin,
                    mask=mask,
                )[0]
            observed[i] = kappa if mask is None else np.where(mask, kappa, np.nan)
        return observed

    def _noisy(
        self,
        kappa: NDArray[np.floating],
        pixel_arcmin: float,
        number: int,
        stream: str,
        mask: Mask | None,
    ) -> FloatArray:
        """Return a map with noise, reconstructed from the shear if the survey does so."""
        kappa = np.asarray(kappa, np.float64)
        noise = np.zeros((2, *kappa.shape))
        if self.galaxy_density:
            noise = shape_noise(
                number,
                pixels=len(kappa),
                pixel_arcmin=pixel_arcmin,
                galaxy_density=self.galaxy_density,
                sigma_epsilon=self.sigma_epsilon,
                seed=self.seed,
                stream=stream,
            )
        if not self.kaiser_squires and self.quantity == "kappa":
            return kappa + noise[0]
        if not np.isfinite(kappa).all():
            raise InputError(
                "the shear depends on all pixels, also on those that are not observed. "
                f"Received: {(~np.isfinite(kappa)).sum()} pixels that are NaN or infinite; "
                "fill them, or compare maps of the convergence as it is",
                parameter="kaiser_squires" if self.kaiser_squires else "quantity",
            )
        shear: FloatArray = np.stack(shear_from_convergence(kappa)) + noise
        if self.quantity != "kappa":
            component: FloatArray = shear[_COMPONENT[self.quantity]]
            return component
        gamma1, gamma2 = shear if mask is None else np.where(mask, shear, 0)
        return convergence_from_shear(gamma1, gamma2)[0]
