"""What a study says while it runs: each trial that ends, and the best so far."""

from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from tqdm import tqdm

from cosmogan_k3.tuning.study import CAUSE, counted_trials

_State = optuna.trial.TrialState


class Announcer:
    """Print a line for each trial that ends, whichever worker ran it.

    Parameters
    ----------
    study : optuna.Study
    total : int
        Trials of the study.
    names : sequence of str
        Of the objectives.
    quiet : bool
        Print nothing.

    Examples
    --------
    >>> study = optuna.create_study()
    >>> announcer = Announcer(study, 2, ("score",), quiet=False)
    >>> study.add_trial(optuna.trial.create_trial(value=0.5, user_attrs={"epochs": 4}))
    >>> announcer.update(study.trials)
    trial 1 of 2: score 0.5 after 4 epochs; best so far: trial 1, score 0.5
    1
    """

    def __init__(
        self, study: optuna.Study, total: int, names: Sequence[str], *, quiet: bool
    ) -> None:
        self.study = study
        self.total, self.names, self.quiet = total, names, quiet
        self._announced = set(_ended(study.get_trials(deepcopy=False)))

    def update(self, trials: Sequence[optuna.trial.FrozenTrial]) -> int:
        """Print the trials that have ended since the last call; return how many have in all.

        Parameters
        ----------
        trials : sequence of FrozenTrial
            All trials of the study.
        """
        ended = _ended(trials)
        best = _best(ended)
        for number in sorted(ended.keys() - self._announced):
            line = f"trial {number + 1} of {self.total}: {self._outcome(ended[number])}"
            if best is not None:
                line += f"; best so far: trial {best + 1}, {self._values(ended[best])}"
            if not self.quiet:
                tqdm.write(line)
        self._announced |= ended.keys()
        return len(ended)

    def _outcome(self, trial: optuna.trial.FrozenTrial) -> str:
        epochs = trial.user_attrs.get("epochs", 0)
        if trial.state == _State.COMPLETE:
            return f"{self._values(trial)} after {epochs} epochs"
        if trial.state == _State.PRUNED:
            value = min(trial.intermediate_values.values(), default=np.nan)
            return f"pruned after epoch {epochs}, {self.names[0]} {value:.4g}"
        return f"failed ({trial.user_attrs.get(CAUSE, 'its worker was lost twice')})"

    def _values(self, trial: optuna.trial.FrozenTrial) -> str:
        pairs = zip(self.names, trial.values, strict=True)
        return ", ".join(f"{name} {value:.4g}" for name, value in pairs)


def _ended(trials: Sequence[optuna.trial.FrozenTrial]) -> dict[int, optuna.trial.FrozenTrial]:
    """Return the trials that count and have ended, by number."""
    return {n: trial for n, trial in counted_trials(trials).items() if trial.state.is_finished()}


def _best(trials: Mapping[int, optuna.trial.FrozenTrial]) -> int | None:
    """Return the number of the trial with the smallest mean value, if one is complete."""
    values = {n: np.mean(t.values) for n, t in trials.items() if t.state == _State.COMPLETE}
    return min(values, key=values.__getitem__, default=None)
