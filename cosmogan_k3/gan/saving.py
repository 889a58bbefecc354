"""What the file of a GAN holds beside its weights, and how it is read back."""

import keras
from keras import ops

from cosmogan_k3.maps.conditioning import Conditioning
from cosmogan_k3.maps.scaling import Scaling
from cosmogan_k3.nn.penalties import R1


class Saving:
    """For a ``keras.Model`` with the attributes that ``get_config`` names."""

    def save_own_variables(self, store):
        """Keras leaves the state of seed generators out; a resumed training needs it."""
        super().save_own_variables(store)
        store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        keys = set(store.keys()) - {"seed_state"}
        super().load_own_variables({key: store[key] for key in keys})
        self.seed_generator.state.assign(store["seed_state"])

    def get_config(self):
        return {
            "name": self.name,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latent_shapes": self.latent_shapes,
            "scaling": self.scaling.get_config(),
            "pixels": self.pixels,
            "pixel_arcmin": self.pixel_arcmin,
            "margin": self.margin,
            "reference_size": self.reference_size,
            "average_decay": self.average_decay,
            "spectral_weight": self.spectral_weight,
            "seed": self.seed,
            "conditioning": self.conditioning and self.conditioning.get_config(),
        }

    @classmethod
    def from_config(cls, config):
        networks = {
            key: keras.saving.deserialize_keras_object(config[key])
            for key in ("generator", "discriminator")
        }
        conditioning = config.get("conditioning")  # not in files written when there was none
        parts = {
            "scaling": Scaling(**config["scaling"]),
            "conditioning": Conditioning(**conditioning) if conditioning else None,
        }
        return cls(**(config | networks | parts))

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return {
            "generator_optimizer": _portable(self.optimizer.generator),
            "discriminator_optimizer": _portable(self.optimizer.discriminator),
            "loss": [
                [epoch, keras.saving.serialize_keras_object(loss)]
                for epoch, loss in self.loss_schedule.items()
            ],
            "penalties": [
                keras.saving.serialize_keras_object(penalty) for penalty in self.penalties
            ],
            "discriminator_steps": self.discriminator_steps,
        }

    def compile_from_config(self, config):
        optimizers = {
            key: keras.optimizers.deserialize(config[key])
            for key in ("generator_optimizer", "discriminator_optimizer")
        }
        schedule = {
            epoch: keras.saving.deserialize_keras_object(loss) for epoch, loss in config["loss"]
        }
        if "penalties" in config:
            penalties = [
                keras.saving.deserialize_keras_object(penalty) for penalty in config["penalties"]
            ]
        else:  # a file written when R1 was the only one
            penalties = [R1(config["r1_weight"], config["r1_fraction"])]
        steps = config.get("discriminator_steps", 1)
        self.compile(**optimizers, loss=schedule, penalties=penalties, discriminator_steps=steps)


def _portable(optimizer):
    """An optimizer's configuration under its public name: Keras writes down the class of the backend in use."""
    config = keras.optimizers.serialize(optimizer)
    return (
        config | {"module": "keras.optimizers"} if config["module"].startswith("keras.") else config
    )
