"""Figures of a study."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib import pyplot as plt

from cosmogan_k3.tuning.objective import PARETO
from cosmogan_k3.tuning.samplers import importance_evaluator

_State = optuna.trial.TrialState
_DPI = 110
# Inches for each panel of a figure of several, and of the figure.
_PANEL_WIDTH, _MIN_WIDTH, _HEIGHT = 2.6, 8.0, 4.8


def draw(study: optuna.Study, folder: Path) -> list[Path]:
    """Write the figures for which the study has enough trials.

    Parameters
    ----------
    study : optuna.Study
    folder : Path
        An existing folder.

    Returns
    -------
    list of Path
    """
    paths: list[Path] = []
    if len(_complete(study)) < 2:
        return paths
    for name, plot, options in _figures(study):
        if name == "importances" and not importances(study):
            continue
        with warnings.catch_warnings():
            # Optuna's matplotlib figures are experimental, and too narrow for their labels.
            warnings.simplefilter("ignore")
            axes = np.ravel(plot(study, **options))
        paths.append(folder / f"{name}.png")
        _save(axes, paths[-1])
    return paths


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [t for t in study.get_trials(deepcopy=False) if t.state == _State.COMPLETE]


def _save(axes: Any, path: Path) -> None:
    """Write the figure of some axes, wide enough for all of them."""
    figure = axes[0].figure
    # Optuna's tight layout fails with many axes; bbox_inches does not.
    figure.set_layout_engine("none")
    for panel in axes if len(axes) > 1 else ():
        panel.tick_params(axis="x", which="both", labelrotation=90)
    figure.set_size_inches(max(_MIN_WIDTH, _PANEL_WIDTH * len(axes)), _HEIGHT)
    figure.savefig(path, dpi=_DPI, bbox_inches="tight")
    plt.close(figure)


def _figures(study: optuna.Study) -> list[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Return name, function and options of each figure."""
    plots = optuna.visualization.matplotlib
    measured = {"evaluator": importance_evaluator()}
    if len(study.directions) > 1:
        first = {"target": _first_value, "target_name": PARETO[0]}
        return [
            ("pareto_front", plots.plot_pareto_front, {"target_names": list(PARETO)}),
            ("importances", plots.plot_param_importances, {**first, **measured}),
            ("slices", plots.plot_slice, first),
            ("parallel_coordinates", plots.plot_parallel_coordinate, first),
        ]
    return [
        ("history", plots.plot_optimization_history, {"target_name": "score"}),
        ("importances", plots.plot_param_importances, measured),
        ("slices", plots.plot_slice, {}),
        ("parallel_coordinates", plots.plot_parallel_coordinate, {}),
        ("epochs", plots.plot_intermediate_values, {}),
    ]


def _first_value(trial: optuna.trial.FrozenTrial) -> float:
    return trial.values[0]


def importances(study: optuna.Study) -> dict[str, float]:
    """Return the share of each parameter in the variance of the trials' values, largest first.

    Parameters that only some trials had, or that never varied, are left out.

    Parameters
    ----------
    study : optuna.Study

    Returns
    -------
    dict of str to float
        Empty if all values are equal.

    Examples
    --------
    >>> importances(optuna.create_study())
    {}
    """
    if len({trial.values[0] for trial in _complete(study)}) < 2:
        return {}
    target = _first_value if len(study.directions) > 1 else None
    return optuna.importance.get_param_importances(
        study, evaluator=importance_evaluator(), target=target
    )
