"""What a user loads and samples."""

from pathlib import Path

from tqdm import tqdm

from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.mapset import MapSet, MapStream


class Emulator:
    """A trained generator of convergence maps.

    Example:
        >>> from cosmogan_k3.gan.build import build_gan
        >>> emulator = Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
        >>> emulator.sample(2, seed=0).shape
        (2, 16, 16)
    """

    def __init__(self, gan):
        self.gan = gan

    @classmethod
    def load(cls, uri):
        """Load a model that any backend trained, on the backend in use.

        Args:
            uri: an MLflow URI ("models:/name@alias", "models:/name/3", "runs:/…") or the path of a ``.keras`` file.

        Raises:
            InputError: no such model, or a file that is not one of ours.
        """
        if ":/" in str(uri):
            from cosmogan_k3.tracking.registry import load_gan

            return cls(load_gan(str(uri)))
        import keras

        import cosmogan_k3.gan  # noqa: F401  registers what the file holds

        if not Path(uri).is_file():
            raise InputError(
                f"{uri}: no such model; expected a .keras file, or an MLflow URI such as models:/cosmogan@champion"
            )
        try:
            return cls(keras.saving.load_model(uri, safe_mode=True))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{uri}: not a readable model ({one_line(error, 200)})") from error

    @property
    def pixel_arcmin(self):
        return self.gan.pixel_arcmin

    @property
    def conditioning(self):
        """``Conditioning``, names and range of the parameters that maps are drawn for; None where there are none."""
        return self.gan.conditioning

    def sample(self, n, *, pixels=None, seed=0, batch_size=None, parameters=None):
        """Draw ``n`` maps: κ, float32 ``(n, N, N)``. The same seed gives the same maps on every backend.

        Args:
            n: int, number of maps.
            pixels: int, their side N; by default that of the training maps. A fully convolutional generator (presets
                ``best`` and ``quick``) draws any multiple of its coarsest cell, 8 pixels or so.
            seed: int.
            batch_size: int, maps generated at a time; by default as many as make a million pixels.
            parameters: of a conditional model, a mapping of their names to a float or to floats ``(n,)``.

        Raises:
            InputError: where ``n`` is not positive, the generator cannot draw maps of this side, or parameters are
                missing, unknown or outside the range that it was trained in.

        Example:
            >>> from cosmogan_k3.gan.build import build_gan
            >>> Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0)).sample(1, pixels=48).shape
            (1, 48, 48)
        """
        return self.gan.sample(
            n, pixels=pixels, seed=seed, batch_size=batch_size, parameters=parameters
        )

    def sample_maps(self, n, *, pixels=None, seed=0, batch_size=None, parameters=None):
        """The same as a ``MapSet`` with its parameters, which ``data.write_maps`` writes."""
        kappa = self.sample(
            n, pixels=pixels, seed=seed, batch_size=batch_size, parameters=parameters
        )
        return MapSet(kappa, self.pixel_arcmin, parameters=self._carried(parameters, n))

    def sample_stream(
        self, n, *, first=0, pixels=None, seed=0, batch_size=None, parameters=None, quiet=True
    ):
        """The same maps as a ``MapStream``, for more than memory holds: drawn as ``data.write_maps`` writes them.

        ``first`` is the number of the first map: the stream holds maps ``first`` to ``first + n − 1`` of the seed.

        Example:
            >>> import tempfile
            >>> from cosmogan_k3.maps import read_maps, write_maps
            >>> from cosmogan_k3.gan.build import build_gan
            >>> emulator = Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     write_maps(folder + "/maps.h5", emulator.sample_stream(5))
            ...     len(read_maps(folder + "/maps.h5"))
            5
        """
        options = {
            "pixels": pixels,
            "seed": seed,
            "batch_size": batch_size,
            "parameters": parameters,
        }
        drawn = self._shown(self.gan.sample_batches(n, first=first, **options), n, quiet)
        side = pixels or self.gan.pixels
        return MapStream(n, side, self.pixel_arcmin, drawn, self._carried(parameters, n))

    def _carried(self, parameters, n):
        """What the maps are to say of their cosmology."""
        return self.conditioning.values(parameters, n) if self.conditioning else {}

    def _shown(self, batches, n, quiet):
        with tqdm(total=n, desc="sampling", unit="map", disable=quiet or None) as bar:
            for batch in batches:
                yield batch
                bar.update(len(batch))
