"""``cosmogan tune``: a study of trials whose best model is registered."""

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.endings import say, study_written
from cosmogan_k3.cli.maps import check_data, read_or_simulate
from cosmogan_k3.config import TuneConfig
from cosmogan_k3.tuning.tables import read_tables


def run(config: TuneConfig) -> None:
    """Run the trials of a study and register its best model."""
    # A wrong path or name fails at once.
    check_data(config)
    tables = read_tables(config.ranges)
    use_backend(config.backend)
    from cosmogan_k3.tuning import champion, tune

    plan = tune.prepare(config, tables=tables)
    maps, provenance = read_or_simulate(config, plan.preset)
    study = tune.tune(config, plan, maps, provenance=provenance)
    say(study_written(config, champion.winner_of(study)), quiet=config.quiet)
