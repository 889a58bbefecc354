"""Studies of learning rates, margins and penalties: the only folder that imports optuna."""
