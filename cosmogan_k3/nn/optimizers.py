"""The two optimizers of a GAN inside the trainer's one slot."""

import keras


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class PairedOptimizer(keras.optimizers.Optimizer):
    """Carry a generator's and a discriminator's optimizer where Keras expects one.

    Keras saves, restores and (on JAX) traces the variables of ``model.optimizer`` alone; state kept elsewhere would
    silently stay at its initial value. The pair therefore owns both, and steps neither: the GAN applies each.

    Args:
        generator, discriminator: ``keras.optimizers.Optimizer``, two different objects.

    ``learning_rate`` is the generator's; setting it scales the discriminator's by the same factor, so that Keras's
    learning-rate callbacks keep the ratio of the two.

    Example:
        >>> import keras
        >>> pair = PairedOptimizer(keras.optimizers.Adam(2e-4), keras.optimizers.Adam(4e-4))
        >>> pair.learning_rate = 1e-4
        >>> round(float(pair.discriminator.learning_rate), 6)
        0.0002
    """

    def __init__(self, generator, discriminator, name="paired_optimizer"):
        super().__init__(learning_rate=lambda: 0.0, name=name)
        self.generator = keras.optimizers.get(generator)
        self.discriminator = keras.optimizers.get(discriminator)
        if self.generator is self.discriminator:
            raise ValueError(
                "The generator and the discriminator need an optimizer each. Received: the same object twice"
            )

    def build_pair(self, generator_variables, discriminator_variables):
        self.generator.build(generator_variables)
        self.discriminator.build(discriminator_variables)
        self.built = True

    @property
    def variables(self):
        return [*self.generator.variables, *self.discriminator.variables]

    @property
    def iterations(self):
        return self.generator.iterations

    @property
    def learning_rate(self):
        return self.generator.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        ratio = float(self.discriminator.learning_rate) / float(self.generator.learning_rate)
        self.generator.learning_rate = value
        self.discriminator.learning_rate = ratio * float(value)

    def save_own_variables(self, store):
        """Save nothing here: Keras visits the two optimizers by themselves."""

    def load_own_variables(self, store):
        """Nothing was saved here."""

    def get_config(self):
        return {
            "generator": keras.optimizers.serialize(self.generator),
            "discriminator": keras.optimizers.serialize(self.discriminator),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        pair = {
            key: keras.optimizers.deserialize(config[key]) for key in ("generator", "discriminator")
        }
        return cls(**(config | pair))
