"""``cosmogan tune``: a study of trials whose best model is registered."""

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.maps import read_or_simulate
from cosmogan_k3.config import TuneConfig


def run(config: TuneConfig) -> None:
    """Run the trials of a study and register its best model."""
    use_backend(config.backend)
    from cosmogan_k3.tuning import tune

    plan = tune.prepare(config)
    maps, provenance = read_or_simulate(config, plan.preset)
    tune.tune(config, plan, maps, provenance=provenance)
