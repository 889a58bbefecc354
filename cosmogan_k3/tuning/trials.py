"""One trial: suggested values, a training, a run in MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from cosmogan_k3.config import TuneConfig
from cosmogan_k3.gan import Preset
from cosmogan_k3.tracking import runs
from cosmogan_k3.training.setup import TRACKING
from cosmogan_k3.tuning.objective import DivergedError, Epoch, Objective
from cosmogan_k3.tuning.ranges import Range
from cosmogan_k3.tuning.space import apply, suggest
from cosmogan_k3.tuning.storage import retry_on_disconnect
from cosmogan_k3.tuning.study import CAUSE, TrialValues

# User attribute of a trial: its run in MLflow.
RUN = "mlflow_run_id"


class TrialRunner:
    """Make the value of an Optuna trial.

    Parameters
    ----------
    config : TuneConfig
    preset : Preset
        Which the trials vary.
    ranges : sequence of Range
    objective : Objective
    parameters : mapping of str to Any
        What MLflow records of every trial.
    parent : str
        Run in MLflow of the study.
    """

    def __init__(
        self,
        config: TuneConfig,
        preset: Preset,
        ranges: Sequence[Range],
        objective: Objective,
        parameters: Mapping[str, Any],
        *,
        parent: str,
    ) -> None:
        self.config = config
        self.preset = preset
        self.ranges = ranges
        self.objective = objective
        self.parameters = parameters
        self.parent = parent

    def __call__(self, trial: optuna.Trial) -> TrialValues:
        """Train, and return the score of the best epoch, or its distances.

        Raises
        ------
        optuna.TrialPruned, DivergedError
        """
        values = suggest(trial, self.ranges, self.preset)
        if lost := trial.user_attrs.get(RUN):  # of the worker whose trial this one repeats
            runs.end_lost_run(lost)
        name = f"{self.config.study}-{trial.number}"
        parameters = {**self.parameters, **values}
        folder = Path(self.config.out) / TRACKING / name
        tracking = self.config.tracking
        with runs.training_run(
            name, parameters, folder=folder, parent=self.parent, tracking=tracking
        ) as run:
            retry_on_disconnect(trial.set_user_attr, RUN, run.run_id)
            outcome, best = self._train(trial, apply(self.preset, values))
            runs.log_tags({"trial": trial.number, "outcome": str(outcome or "complete")})
        if outcome is not None:
            raise outcome
        assert best is not None
        return best.score if self.config.objective == "score" else list(best.distances.values())

    def _train(self, trial: optuna.Trial, preset: Preset) -> tuple[Exception | None, Epoch | None]:
        """Return why the training stopped early, or None, and its best epoch."""
        seeds = [self.config.seed + i for i in range(self.config.repeats)]
        best, number = None, 0
        try:
            for number, epoch in enumerate(self.objective.epochs_of(preset, seeds), 1):
                best = epoch if best is None or epoch.score < best.score else best
                scores = {"score": epoch.score, "best_score": best.score}
                runs.log_epoch({**scores, **epoch.distances}, number)
                if self._should_prune(trial, epoch, number):
                    reason = f"pruned after epoch {number} of {preset.epochs}"
                    return optuna.TrialPruned(reason), best
        except DivergedError as error:
            retry_on_disconnect(trial.set_user_attr, CAUSE, str(error))
            return error, best
        finally:
            retry_on_disconnect(trial.set_user_attr, "epochs", number)
        return None, best

    def _should_prune(self, trial: optuna.Trial, epoch: Epoch, number: int) -> bool:
        if self.config.objective != "score":  # Optuna prunes by one number
            return False
        retry_on_disconnect(trial.report, epoch.score, number)
        return number < self.preset.epochs and retry_on_disconnect(trial.should_prune)
