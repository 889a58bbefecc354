"""What a study looked like, as figures."""

import warnings

import numpy as np
import optuna
from matplotlib import pyplot as plt

from cosmogan_k3.tuning.objective import PARETO

_State = optuna.trial.TrialState
_DPI = 110


def draw(study, folder):
    """Write the figures of a study that its trials suffice for; return their paths.

    Args:
        study: ``optuna.Study``.
        folder: ``Path`` of an existing folder.
    """
    complete = [
        trial for trial in study.get_trials(deepcopy=False) if trial.state == _State.COMPLETE
    ]
    paths = []
    for name, plot, options in _figures(study):
        if len(complete) < 2 or (name == "importances" and not importances(study)):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Optuna's matplotlib figures are experimental, and narrow
            axes = plot(study, **options)
        figure = np.ravel(axes)[0].figure
        figure.set_layout_engine(
            "none"
        )  # bbox_inches does what Optuna's tight layout cannot with so many axes
        for panel in np.ravel(axes) if np.size(axes) > 1 else ():
            panel.tick_params(axis="x", which="both", labelrotation=90)
        figure.set_size_inches(max(8.0, 2.6 * np.size(axes)), 4.8)
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=_DPI, bbox_inches="tight")
        plt.close(figure)
    return paths


def _figures(study):
    """Name, function and options of each figure."""
    plots = optuna.visualization.matplotlib
    if len(study.directions) > 1:
        first = {"target": lambda trial: trial.values[0], "target_name": PARETO[0]}
        return [
            ("pareto_front", plots.plot_pareto_front, {"target_names": list(PARETO)}),
            ("importances", plots.plot_param_importances, first),
            ("slices", plots.plot_slice, first),
            ("parallel_coordinates", plots.plot_parallel_coordinate, first),
        ]
    return [
        ("history", plots.plot_optimization_history, {}),
        ("importances", plots.plot_param_importances, {}),
        ("slices", plots.plot_slice, {}),
        ("parallel_coordinates", plots.plot_parallel_coordinate, {}),
        ("epochs", plots.plot_intermediate_values, {}),
    ]


def importances(study):
    """Share of each knob in what the trials' values differ by, largest first; empty where they do not differ.

    Knobs that only some trials had are left out, and so are those that never varied.
    """
    complete = [
        trial for trial in study.get_trials(deepcopy=False) if trial.state == _State.COMPLETE
    ]
    if len({trial.values[0] for trial in complete}) < 2:
        return {}
    target = (lambda trial: trial.values[0]) if len(study.directions) > 1 else None
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return optuna.importance.get_param_importances(study, evaluator=evaluator, target=target)
