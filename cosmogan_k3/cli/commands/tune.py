"""``cosmogan tune``: a study of trials whose best model is registered."""

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.maps import check_data, read_or_simulate
from cosmogan_k3.config import TuneConfig
from cosmogan_k3.tuning.tables import read_tables


def run(config: TuneConfig) -> None:
    """Run the trials of a study and register its best model."""
    # A wrong path or name fails at once.
    check_data(config)
    read_tables(config.ranges)
    use_backend(config.backend)
    from cosmogan_k3.tuning import tune

    plan = tune.prepare(config)
    maps, provenance = read_or_simulate(config, plan.preset)
    tune.tune(config, plan, maps, provenance=provenance)
