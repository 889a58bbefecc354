"""``cosmogan tune``: a study of trials whose best model is registered."""

import tomllib
from pathlib import Path

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.cli.maps import check_data, read_or_simulate
from cosmogan_k3.config import TuneConfig
from cosmogan_k3.errors import InputError, one_line


def run(config: TuneConfig) -> None:
    """Run the trials of a study and register its best model."""
    check_data(config)
    _check_ranges(config.ranges)
    use_backend(config.backend)
    from cosmogan_k3.tuning import tune

    plan = tune.prepare(config)
    maps, provenance = read_or_simulate(config, plan.preset)
    tune.tune(config, plan, maps, provenance=provenance)


def _check_ranges(path: str) -> None:
    """Refuse a file that is no TOML, before a backend is imported."""
    try:
        tomllib.loads(Path(path).read_text(encoding="utf-8") if path else "")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a readable file of ranges ({one_line(error, 200)})", parameter="ranges"
        ) from error
