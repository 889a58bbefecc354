"""``cosmogan train``: from files of maps to a registered model."""

from cosmogan_k3.cli.backends import use_backend, use_devices
from cosmogan_k3.cli.endings import say, training_written
from cosmogan_k3.cli.maps import check_data
from cosmogan_k3.config import TrainConfig
from cosmogan_k3.errors import InputError


def run(config: TrainConfig) -> None:
    """Train on maps, evaluate the result and register it.

    Raises
    ------
    InputError
        If no maps are given.
    """
    if not config.data:
        raise InputError(
            "name the training maps, or use `cosmogan main`, which simulates them",
            parameter="data",
        )
    check_data(config)
    use_backend(config.backend)
    use_devices(config.devices)
    from cosmogan_k3.training.setup import exclusive_folder, load, prepare
    from cosmogan_k3.training.trainer import train

    with exclusive_folder(config):
        preset = prepare(config)
        maps = load(config, preset)
        trained = train(config, preset, maps)
    if trained:
        say(training_written(config, trained[1]), quiet=config.quiet)
