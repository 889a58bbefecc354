"""A worker of a study whose trials take a second and train nothing.

python -m tests.tuning.worker URL TRIALS
"""

import sys
import time

from cosmogan_k3.config import TuneConfig
from cosmogan_k3.tuning.storage import retry_on_disconnect, wait_for_databases
from cosmogan_k3.tuning.study import open_study, work

EPOCHS = 10


def run(trial):
    x = trial.suggest_float("x", 0.0, 1.0)
    for epoch in range(1, EPOCHS + 1):
        time.sleep(0.1)
        retry_on_disconnect(trial.report, x / epoch, epoch)
    return x


def main(url, count):
    wait_for_databases()
    config = TuneConfig(storage=url, study="waiting", heartbeat=1, pruner="none")
    print("ready", flush=True)
    sys.stdin.readline()
    work(open_study(config, {"epochs": EPOCHS}, single_worker=False), int(count), run)


if __name__ == "__main__":
    main(*sys.argv[1:])
