"""One trial: suggested values, a training, a run in MLflow."""

import optuna

from cosmogan_k3.tracking import runs
from cosmogan_k3.tuning.objective import DivergedError
from cosmogan_k3.tuning.space import apply, suggest
from cosmogan_k3.tuning.storage import retry_on_disconnect
from cosmogan_k3.tuning.study import CAUSE

RUN = "mlflow_run_id"
"""User attribute of a trial: its run in MLflow."""


class TrialRunner:
    """What makes a value of an Optuna trial.

    Args:
        config: ``TuneConfig``.
        preset: ``Preset`` that the trials vary.
        ranges: list of ``Range``.
        objective: ``Objective``.
        parameters: mapping of what MLflow is told of every trial.
        parent: str, run in MLflow under which those of the trials stand.
    """

    def __init__(self, config, preset, ranges, objective, parameters, parent):
        self.config = config
        self.preset = preset
        self.ranges = ranges
        self.objective = objective
        self.parameters = parameters
        self.parent = parent

    def __call__(self, trial):
        """Train; return the score of the best epoch, or its distances.

        Raises:
            optuna.TrialPruned, DivergedError
        """
        values = suggest(trial, self.ranges, self.preset)
        if lost := trial.user_attrs.get(RUN):  # of the worker whose trial this one repeats
            retry_on_disconnect(runs.end_lost_run, lost)
        name = f"{self.config.study}-{trial.number}"
        with runs.training_run(name, self.parameters | values, parent=self.parent) as run:
            retry_on_disconnect(trial.set_user_attr, RUN, run.info.run_id)
            outcome, best = self._train(trial, apply(self.preset, values))
            retry_on_disconnect(
                runs.log_tags, {"trial": trial.number, "outcome": str(outcome or "complete")}
            )
        if outcome is not None:
            raise outcome
        return best.score if self.config.objective == "score" else list(best.distances.values())

    def _train(self, trial, preset):
        """Why the trial was not trained to its end, or None, and its best epoch."""
        seeds = [self.config.seed + i for i in range(self.config.repeats)]
        best, number = None, 0
        try:
            for number, epoch in enumerate(self.objective.epochs_of(preset, seeds), 1):
                best = epoch if best is None or epoch.score < best.score else best
                retry_on_disconnect(
                    runs.log_epoch,
                    {"score": epoch.score, "best_score": best.score} | epoch.distances,
                    number,
                )
                if self._is_hopeless(trial, epoch, number):
                    return optuna.TrialPruned(
                        f"pruned after epoch {number} of {preset.epochs}"
                    ), best
        except DivergedError as error:
            retry_on_disconnect(trial.set_user_attr, CAUSE, str(error))
            return error, best
        finally:
            retry_on_disconnect(trial.set_user_attr, "epochs", number)
        return None, best

    def _is_hopeless(self, trial, epoch, number):
        if self.config.objective != "score":  # Optuna prunes by one number
            return False
        retry_on_disconnect(trial.report, epoch.score, number)
        return number < self.preset.epochs and retry_on_disconnect(trial.should_prune)
