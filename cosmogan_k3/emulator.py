"""The trained generator that a user loads and samples."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from cosmogan_k3._typing import FloatArray, Maps, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import Conditioning, MapSet, MapStream, Splits
from cosmogan_k3.pretrained import model_file

if TYPE_CHECKING:
    from cosmogan_k3.gan import GAN
    from cosmogan_k3.gan.requests import Draw

# Other addresses would be fetched from wherever they point to.
_MLFLOW_SCHEMES = ("models:/", "runs:/")
_PRETRAINED = "pretrained:"

# The scatter of κ changes by a factor of two over wide ranges of cosmologies, and by tens of per
# cent between single small maps.
_LARGEST_SCATTER_RATIO = 3


class Emulator:
    """A trained generator of convergence maps.

    ``Emulator.load`` reads one from a file or a registry, and ``cosmogan_k3.train`` returns one.

    Parameters
    ----------
    gan : GAN
    splits : Splits, optional
        The maps that it was trained on, chosen by and is to be tested on, after a training.

    Raises
    ------
    InputError
        Something else than a GAN.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> emulator = Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
    >>> emulator.sample(2, seed=0).shape
    (2, 16, 16)
    """

    def __init__(self, gan: GAN, splits: Splits | None = None) -> None:
        from cosmogan_k3.gan import GAN, Sampler

        if not isinstance(gan, GAN):
            raise InputError(
                f"expected a GAN; Emulator.load reads a model from a file. Received: {gan!r:.100}"
            )
        self.gan = gan
        self.splits = splits
        self._sampler = Sampler(gan)
        self._is_checked = False  # whether maps were compared with the training maps

    @classmethod
    def load(cls, uri: PathLike) -> Emulator:
        """Load a model that any backend trained, on the backend in use.

        The model may come from anybody. Of an MLflow model only the ``.keras`` file is read,
        whatever else the model declares; of this file only the classes of this package.

        Parameters
        ----------
        uri : str or path
            The path of a ``.keras`` file, an MLflow URI ("models:/name@alias", "models:/name/3",
            "runs:/…"), or "pretrained:name" for a model that comes with the package.

        Raises
        ------
        InputError
            If there is no such model, it was changed after it was saved, or it is not one of this
            package.

        Examples
        --------
        >>> import tempfile
        >>> from cosmogan_k3.gan import build_gan
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     build_gan("tiny", pixels=16, pixel_arcmin=3.0).save(folder + "/model.keras")
        ...     Emulator.load(folder + "/model.keras").pixel_arcmin
        3.0
        """
        try:
            return cls(_load(uri))
        except (InputError, OSError) as error:
            raise InputError(str(error), parameter="model") from error

    def __repr__(self) -> str:
        rows = "; ".join(f"{name}: {text}" for name, text in self._rows().items())
        return f"<Emulator: {rows}>"

    def _repr_html_(self) -> str:
        from cosmogan_k3.maps.display import html_table  # loads Matplotlib

        return html_table("Emulator", self._rows())

    def _rows(self) -> dict[str, str]:
        """Return what there is to know of the model, by name."""
        provenance = self.gan.provenance
        rows = {
            "maps": f"{self.pixels} x {self.pixels} pixels of {self.pixel_arcmin:.4g} arcmin",
            "field": f"{self.pixels * self.pixel_arcmin / 60:.3g} degrees",
            "preset": provenance.preset,
            "scatter of κ": f"{provenance.kappa_std:.3g}" if provenance.kappa_std else "",
            "trained on": f"{len(self.splits.train)} maps" if self.splits else "",
            "held out": f"{len(self.splits.test)} maps, splits.test" if self.splits else "",
        }
        if (known := self.conditioning) is not None:
            ranges = zip(known.names, known.lowest, known.highest, strict=True)
            rows |= {name: f"{low:.4g} to {high:.4g}" for name, low, high in ranges}
        return {name: text for name, text in rows.items() if text}

    @property
    def pixels(self) -> int:
        """Side of the training maps in pixels."""
        return self.gan.pixels

    @property
    def pixel_arcmin(self) -> float:
        """Side of a pixel in arcmin."""
        return self.gan.pixel_arcmin

    @property
    def conditioning(self) -> Conditioning | None:
        """Names and ranges of the parameters on which maps depend; None without parameters."""
        return self.gan.conditioning

    def sample(
        self,
        n: int,
        *,
        pixels: int | None = None,
        seed: int = 0,
        batch_size: int | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
    ) -> Maps:
        """Draw maps; the same seed gives the same maps on every backend.

        Parameters
        ----------
        n : int
            Number of maps.
        pixels : int, optional
            Side N of the maps; by default that of the training maps. A fully convolutional
            generator (presets ``best`` and ``quick``) draws any multiple of its coarsest cell, 8
            pixels or so.
        seed : int
        batch_size : int, optional
            Maps generated together; by default as many as make a million pixels.
        parameters : mapping of str to float or array of shape (n,), optional
            Parameters of the maps, for a conditional model.

        Returns
        -------
        ndarray
            κ, float32 ``(n, N, N)``.

        Raises
        ------
        InputError
            If ``n`` is not positive, the generator cannot draw maps of this side, or parameters
            are missing, unknown or outside the range of the training.

        Examples
        --------
        >>> from cosmogan_k3.gan import build_gan
        >>> emulator = Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
        >>> emulator.sample(1, pixels=48).shape
        (1, 48, 48)
        """
        kappa = self._sampler.sample(
            n, pixels=pixels, seed=seed, batch_size=batch_size, parameters=parameters
        )
        self._check_scatter(kappa)
        return kappa

    def sample_maps(
        self,
        n: int,
        *,
        pixels: int | None = None,
        seed: int = 0,
        batch_size: int | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
    ) -> MapSet:
        """Draw maps as a ``MapSet`` with their parameters, which ``write_maps`` writes.

        Parameters and errors are those of ``sample``.
        """
        kappa = self.sample(
            n, pixels=pixels, seed=seed, batch_size=batch_size, parameters=parameters
        )
        return MapSet(kappa, self.pixel_arcmin, parameters=self._parameter_values(parameters, n))

    def sample_stream(
        self,
        n: int,
        *,
        first: int = 0,
        pixels: int | None = None,
        seed: int = 0,
        batch_size: int | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
        quiet: bool = True,
    ) -> MapStream:
        """Draw maps as a ``MapStream``, which ``write_maps`` writes without holding all of them.

        Parameters
        ----------
        n : int
            Number of maps.
        first : int
            Index of the first map: the stream holds maps ``first`` to ``first + n − 1`` of the
            seed.
        pixels, seed, batch_size, parameters
            As for ``sample``.
        quiet : bool
            Whether to hide the progress bar.

        Examples
        --------
        >>> import tempfile
        >>> from cosmogan_k3.gan import build_gan
        >>> from cosmogan_k3.maps import read_maps, write_maps
        >>> emulator = Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_maps(folder + "/maps.h5", emulator.sample_stream(5))
        ...     len(read_maps(folder + "/maps.h5"))
        5
        """
        batches = self._sampler.sample_batches(
            n,
            first=first,
            pixels=pixels,
            seed=seed,
            batch_size=batch_size,
            parameters=parameters,
        )
        return MapStream(
            n,
            pixels or self.gan.pixels,
            self.pixel_arcmin,
            self._checked(_with_progress_bar(batches, n, quiet)),
            self._parameter_values(parameters, n),
        )

    def sample_draws(self, draws: Sequence[Draw], *, pixels: int | None = None) -> Iterator[Maps]:
        """Yield the maps of several draws in their order, in batches across them.

        Parameters
        ----------
        draws : sequence of Draw
            Numbers of maps, seeds and parameters, as ``gan.requests.parse_request`` returns them.
        pixels : int, optional
            Side of the maps, as for ``sample``.
        """
        return self._checked(self._sampler.sample_draws(draws, pixels=pixels))

    def _checked(self, batches: Iterator[Maps]) -> Iterator[Maps]:
        for kappa in batches:
            self._check_scatter(kappa)
            yield kappa

    def _check_scatter(self, kappa: Maps) -> None:
        """Compare the first maps with the training maps, and warn of a scatter that is far off.

        This does not refuse the model: it may be one that is not trained yet, and its user wants to
        see its maps. Files that were changed are refused by their checksums.
        """
        expected = self.gan.provenance.kappa_std
        if self._is_checked or expected is None:
            return
        self._is_checked = True
        found = float(np.std(kappa, dtype=np.float64))
        if not expected / _LARGEST_SCATTER_RATIO <= found <= expected * _LARGEST_SCATTER_RATIO:
            warnings.warn(
                f"The maps that this model draws have a standard deviation of {found:.3g}; the "
                f"maps it was trained on, {expected:.3g}. The model is hardly trained or damaged: "
                "compare its maps with real ones before you use them",
                stacklevel=3,
            )

    def _parameter_values(
        self, parameters: Mapping[str, ArrayLike] | None, n: int
    ) -> dict[str, FloatArray]:
        """Return the parameters that the maps carry."""
        return self.conditioning.parameter_values(parameters, n) if self.conditioning else {}


def _load(uri: PathLike) -> GAN:
    """Load the GAN of a file or, if there is no such file, of an address with a scheme."""
    from cosmogan_k3.gan import load_gan

    address = str(uri)
    if Path(uri).is_file():
        return load_gan(uri)
    if address.startswith(_PRETRAINED):
        return load_gan(model_file(address.removeprefix(_PRETRAINED)))
    if address.startswith(_MLFLOW_SCHEMES):
        from cosmogan_k3.tracking import registry

        return registry.load_gan(address)
    raise InputError(
        f"{uri}: no such model; expected a .keras file, an MLflow URI such as "
        "models:/cosmogan@champion, or pretrained:NAME, where cosmogan models lists the names"
    )


def _with_progress_bar(batches: Iterator[Maps], n: int, quiet: bool) -> Iterator[Maps]:
    with tqdm(total=n, desc="sampling", unit="map", disable=quiet or None) as bar:
        for batch in batches:
            yield batch
            bar.update(len(batch))
