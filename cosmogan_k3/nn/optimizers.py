"""The two optimizers of a GAN as one Keras optimizer."""

from typing import Any, Self

import keras

from cosmogan_k3._typing import Tensor


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class PairedOptimizer(keras.optimizers.Optimizer):
    """Hold the optimizers of a generator and a discriminator where Keras expects one.

    Keras saves, restores and (on JAX) traces the variables of ``model.optimizer`` only. State kept
    elsewhere would silently stay at its initial value. The pair therefore owns both optimizers. It
    applies no gradients itself: the GAN applies each optimizer.

    ``learning_rate`` is that of the generator. Setting it multiplies the discriminator's by the
    same factor, so that Keras's learning-rate callbacks keep the ratio of the two.

    Parameters
    ----------
    generator, discriminator : keras.optimizers.Optimizer, str or dict
        Two different optimizers.
    name : str, default "paired_optimizer"
        Name of the pair.

    Raises
    ------
    ValueError
        If both are the same object.

    Examples
    --------
    >>> pair = PairedOptimizer(keras.optimizers.Adam(2e-4), keras.optimizers.Adam(4e-4))
    >>> pair.learning_rate = 1e-4
    >>> round(float(pair.discriminator.learning_rate), 6)
    0.0002
    """

    def __init__(
        self,
        generator: keras.optimizers.Optimizer | str | dict[str, Any],
        discriminator: keras.optimizers.Optimizer | str | dict[str, Any],
        name: str = "paired_optimizer",
    ) -> None:
        # A callable learning rate creates no variable here.
        super().__init__(learning_rate=lambda: 0.0, name=name)
        self.generator = keras.optimizers.get(generator)
        self.discriminator = keras.optimizers.get(discriminator)
        if self.generator is self.discriminator:
            raise ValueError(
                "The generator and the discriminator need an optimizer each. "
                "Received: the same object twice"
            )

    def build_pair(
        self,
        generator_variables: list[keras.Variable],
        discriminator_variables: list[keras.Variable],
    ) -> None:
        """Create the state of both optimizers.

        Parameters
        ----------
        generator_variables, discriminator_variables : list of keras.Variable
            Trainable variables of each network.
        """
        self.generator.build(generator_variables)
        self.discriminator.build(discriminator_variables)
        self.built = True

    @property
    def variables(self) -> list[keras.Variable]:
        """Variables of both optimizers, the generator's first."""
        return [*self.generator.variables, *self.discriminator.variables]

    @property
    def iterations(self) -> keras.Variable:
        """Number of steps of the generator."""
        return self.generator.iterations

    @property
    def learning_rate(self) -> Tensor:
        """Learning rate of the generator."""
        return self.generator.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        """Set the generator's learning rate, and scale the discriminator's alike."""
        ratio = float(self.discriminator.learning_rate) / float(self.generator.learning_rate)
        self.generator.learning_rate = value
        self.discriminator.learning_rate = ratio * float(value)

    def save_own_variables(self, store: Any) -> None:
        """Save nothing: Keras saves the variables of the two optimizers itself."""

    def load_own_variables(self, store: Any) -> None:
        """Load nothing: ``save_own_variables`` saves nothing."""

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return {
            "generator": keras.optimizers.serialize(self.generator),
            "discriminator": keras.optimizers.serialize(self.discriminator),
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, type] | None = None
    ) -> Self:
        """Return a pair of optimizers with their configurations."""
        pair = {
            key: keras.optimizers.deserialize(config[key], custom_objects)
            for key in ("generator", "discriminator")
        }
        return cls(**(config | pair))


def refuse_loss_scaling(dtype_policy: str) -> None:
    """Refuse a dtype policy under which Keras wraps a pair of optimizers as if it were one.

    Parameters
    ----------
    dtype_policy : str
        Name of a policy of Keras.

    Raises
    ------
    ValueError
        If it is mixed_float16.

    Examples
    --------
    >>> refuse_loss_scaling("mixed_bfloat16")
    """
    if dtype_policy == "mixed_float16":
        raise ValueError(
            "A GAN cannot be trained in mixed_float16: loss scaling would wrap the two optimizers "
            "as one. Use keras.config.set_dtype_policy('mixed_bfloat16')."
        )
