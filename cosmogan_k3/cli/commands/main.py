"""``cosmogan main``: the whole way from a simulation to a registered model."""

from cosmogan_k3.cli.backends import use_backend, use_devices
from cosmogan_k3.cli.endings import say, training_written
from cosmogan_k3.cli.maps import check_data, read_or_simulate
from cosmogan_k3.config import MainConfig


def run(config: MainConfig) -> None:
    """Simulate or read maps, train on them, evaluate the result and register it."""
    check_data(config)
    use_backend(config.backend)
    use_devices(config.devices)
    from cosmogan_k3.training.setup import exclusive_folder, prepare
    from cosmogan_k3.training.trainer import train

    with exclusive_folder(config):
        preset = prepare(config)
        maps, provenance = read_or_simulate(config, preset)
        trained = train(config, preset, maps, provenance=provenance)
    if trained:
        say(training_written(config, trained[1]), quiet=config.quiet)
