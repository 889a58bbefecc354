"""End trainings in every way, resume them, and compare their weights with an undisturbed training.

python benchmarks/kills.py --backends jax tensorflow torch --kills 50

Processes are killed (SIGKILL) at random moments, and while a checkpoint is being written; then
SIGTERM, SIGINT, two trainings into one folder, a full disk, and a tracking server that dies in the
middle of the training. Every training is resumed until it is complete. The weights, the states of
the optimizers and the losses must be bit-equal to those of a training that was left alone.

Evaluation and registration are left out. The processes are forked from one that has imported the
backend and computed nothing, which saves the time of the imports. The full disk is a memory disk of
50 MB, which needs the right to mount.
"""

# ruff: noqa: E402 - see sys.path

import argparse
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, and statistics.py would hide the standard library's module.
sys.path[0] = str(ROOT)

import h5py
import numpy as np

EPOCHS = 12
_DISK_MB = 50
_TIMEOUT = 600
_TIMINGS = ("images_per_second",)


class Training:
    """A training into one folder, in processes that can be killed.

    Parameters
    ----------
    out : Path
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.log = out.with_suffix(".log")
        self.pid = 0

    def start(self, *options: str) -> None:
        """Fork a process that runs ``cosmogan train``; resume if there is something to resume."""
        if not options and self.epochs():
            options = ("--resume",)
        self.log.write_text("")
        self.pid = os.fork()
        if self.pid == 0:
            self._run(options)

    def _run(self, options: tuple[str, ...]) -> None:
        os.setsid()
        # A shell lets the commands that it starts in the background ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.log.open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        from cosmogan_k3.cli.main import main
        from cosmogan_k3.training import results

        # An evaluation takes longer than the training, and changes no weight.
        results._evaluate = results._record = lambda *arguments: argparse.Namespace(metrics={})
        code = main(
            [
                *("train", "--data", str(self.out.parent / "maps.npz"), "--preset", "tiny"),
                *("--epochs", str(EPOCHS), "--out", str(self.out), "--model-name", "", "--quiet"),
                *("--backend", os.environ["KERAS_BACKEND"], *options),
            ]
        )
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def epochs(self) -> list[int]:
        """Return the epochs of the checkpoints."""
        return sorted(int(p.name[6:]) for p in self.out.glob("checkpoints/epoch-????"))

    @property
    def partial(self) -> Path:
        """The checkpoint that is being written or removed."""
        return self.out / "checkpoints" / ".partial"

    def ended(self) -> int | None:
        """Return the exit code of the process, or None if it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self, happened: Callable[[], bool] = lambda: False) -> int | None:
        """Wait until something has happened, or the process ended; return its exit code then."""
        deadline = time.monotonic() + _TIMEOUT
        while (code := self.ended()) is None and not happened():
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.out}: nothing happens")
            time.sleep(0.0005)
        return code

    def kill(self, number: int) -> int:
        """Send a signal; return the exit code of the process."""
        os.kill(self.pid, number)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def complete(self) -> None:
        """Start the training again until it is complete."""
        self.start()
        if code := self.wait():
            raise SystemExit(f"{self.out}: exit code {code}\n{self.log.read_text()}")

    def last_line(self) -> str:
        """Return the last line that the process printed."""
        return (self.log.read_text().splitlines() or [""])[-1]

    def numbers(self) -> dict[str, np.ndarray]:
        """Return all that the last checkpoint and the final model hold."""
        checkpoint = self.out / "checkpoints" / f"epoch-{EPOCHS:04d}"
        progress = json.loads((checkpoint / "progress.json").read_text())["epochs"]
        found = {
            f"{name}:{key}": value
            for name, path in (("gan", checkpoint / "gan.keras"), ("model", "model.keras"))
            for key, value in _arrays(self.out / path)
        }
        names = [name for name in progress[-1] if name not in _TIMINGS]
        return found | {
            f"history:{n}": np.array([e.get(n, np.nan) for e in progress]) for n in names
        }


def _arrays(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every array in the weights of a Keras file."""
    with zipfile.ZipFile(path) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        found = {}
        file.visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {})
        )
    yield from found.items()


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Return whether two trainings are bit-equal."""
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


class Scenarios:
    """Ways in which trainings of one backend end.

    Parameters
    ----------
    folder : Path
        With ``maps.npz``.
    seconds : float
        Time for each kind of kills.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.seconds = seconds
        self.rng = np.random.default_rng(0)
        alone = Training(folder / "alone")
        alone.complete()
        self.reference = alone.numbers()
        # The first process also created the database of MLflow.
        timed, start = Training(folder / "timed"), time.monotonic()
        timed.start()
        timed.wait(lambda: 1 in timed.epochs())
        self.first_epoch_seconds = time.monotonic() - start
        timed.kill(signal.SIGKILL)

    def row(self, name: str, done: int, trainings: list[Training], more: str = "") -> str:
        """Return a row of the table; lost is what is not bit-equal to the reference."""
        lost = sum(not equal(training.numbers(), self.reference) for training in trainings)
        backend = os.environ["KERAS_BACKEND"]
        return f"| {backend} | {name} | {done} | {len(trainings)} | {lost} | {more} |"

    def kills(self, count: int, *, aimed: bool) -> str:
        """Kill processes at random moments or while they write, until so many are killed."""
        done, inside, trainings = 0, 0, []
        deadline = time.monotonic() + self.seconds

        def goes_on() -> bool:
            return done < count and time.monotonic() < deadline

        while goes_on():
            training = Training(self.folder / f"{'aimed' if aimed else 'random'}-{len(trainings)}")
            trainings.append(training)
            code = None
            while code is None and goes_on():
                training.start()
                code = self._wait_for_a_moment(training, aimed)
                if code is None:
                    training.kill(signal.SIGKILL)
                    done += 1
                    inside += training.partial.exists()
            if code is None:
                training.complete()
            elif code:
                raise SystemExit(f"exit code {code}\n{training.log.read_text()}")
        name = "SIGKILL during writes" if aimed else "SIGKILL at random moments"
        return self.row(name, done, trainings, f"{inside} left a half-written checkpoint")

    def _wait_for_a_moment(self, training: Training, aimed: bool) -> int | None:
        if aimed:
            epoch = (training.epochs() or [-1])[-1] + self.rng.integers(0, 3)
            code = training.wait(
                lambda: training.partial.exists() and (training.epochs() or [-1])[-1] >= epoch
            )
            time.sleep(self.rng.uniform(0, 0.03) if code is None else 0)
            return code
        moment = time.monotonic() + self.rng.uniform(0, 1.5 * self.first_epoch_seconds)
        return training.wait(lambda: time.monotonic() > moment)

    def signal(self, number: signal.Signals) -> str:
        """End a training by a signal in each of its first epochs."""
        trainings, kept = [], 0
        for epoch in (1, 4):
            training = Training(self.folder / f"{number.name}-{epoch}")
            training.start()
            training.wait(lambda training=training, epoch=epoch: epoch in training.epochs())
            code, line = training.kill(number), training.last_line()
            if code != 128 + number or "--resume" not in line:
                raise SystemExit(f"{number.name}: exit code {code}, {line!r}")
            kept += epoch <= training.epochs()[-1]
            training.complete()
            trainings.append(training)
        more = f"exit code {128 + number}, {kept} kept the epoch before"
        return self.row(number.name, len(trainings), trainings, more)

    def second_training(self) -> str:
        """Start a second training into a folder in which one is running, and resume it there."""
        first, second = Training(self.folder / "shared"), Training(self.folder / "shared")
        second.log = self.folder / "second.log"
        first.start()
        first.wait(lambda: 1 in first.epochs())
        for options in (("--overwrite",), ("--resume",)):
            second.start(*options)
            code = second.wait()
            if code != 2 or "another process is writing" not in second.last_line():
                raise SystemExit(f"second training: exit code {code}, {second.last_line()!r}")
        if code := first.wait():
            raise SystemExit(f"exit code {code}\n{first.log.read_text()}")
        return self.row("second training into the folder", 2, [first], "both refused, exit code 2")

    def full_disk(self) -> str:
        """Fill the disk during a training, and make room again."""
        disk = self.folder / "disk"
        with memory_disk(disk) as mounted:
            if not mounted:
                return self.row("full disk of 50 MB", 0, [], "no right to mount one")
            (disk / "maps.npz").write_bytes((self.folder / "maps.npz").read_bytes())
            training = Training(disk / "run")
            training.log = self.folder / "disk.log"
            training.start()
            training.wait(lambda: 2 in training.epochs())
            with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            code, line = training.wait(), training.last_line()
            if code != 2 or "cannot be written" not in line:
                raise SystemExit(f"full disk: exit code {code}, {line!r}")
            (disk / "ballast").unlink()
            training.complete()
            return self.row("full disk of 50 MB", 1, [training], "one line, exit code 2")

    def server_gone(self) -> str:
        """Kill the tracking server in the middle of a training, and send the records later."""
        training = Training(self.folder / "server")
        with tracking_server(self.folder / "server.db"):
            training.start()
            training.wait(lambda: 2 in training.epochs())
        # An exit code of 0 without a second start: the training did not stop for it.
        if code := training.wait():
            raise SystemExit(f"server gone: exit code {code}\n{training.log.read_text()}")
        with tracking_server(self.folder / "server.db") as uri:
            sync = ["-m", "cosmogan_k3", "sync", "--folder", str(training.out)]
            subprocess.run(
                [sys.executable, *sync],
                check=True,
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            sent = _epochs_on(uri)
        if sent != list(range(1, EPOCHS + 1)):
            raise SystemExit(f"server gone: it has the epochs {sent}")
        more = f"went on, exit code 0; after `cosmogan sync` the server has all {EPOCHS} epochs"
        return self.row("tracking server gone", 1, [training], more)


@contextlib.contextmanager
def tracking_server(database: Path) -> Iterator[str]:
    """Run an MLflow server on a database; what runs inside tracks to it, until it is killed."""
    before = os.environ["MLFLOW_TRACKING_URI"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--backend-store-uri", f"sqlite:///{database}"],
        env=os.environ | {"MLFLOW_TRACKING_URI": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            _wait_for(port)
            os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
            yield os.environ["MLFLOW_TRACKING_URI"]
        finally:
            os.environ["MLFLOW_TRACKING_URI"] = before
            os.killpg(server.pid, signal.SIGKILL)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("the MLflow server does not start")


def _epochs_on(uri: str) -> list[int]:
    """Return the epochs of the losses that a server has of its only training."""
    import mlflow

    client = mlflow.MlflowClient(uri)
    experiments = [found.experiment_id for found in client.search_experiments()]
    (run,) = client.search_runs(experiments)
    history = client.get_metric_history(run.info.run_id, "by_epoch/discriminator_loss")
    return [value.step for value in history]


@contextlib.contextmanager
def memory_disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk; yield whether that is allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run_backend(kills: int, seconds: float) -> None:
    """Print the rows of the backend in use."""
    from cosmogan_k3.maps import MapSet, write_maps

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        # JAX then compiles a step once, and not in each of the processes.
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "compiled")
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.chdir(folder)
        kappa = np.random.default_rng(0).lognormal(sigma=0.3, size=(40, 16, 16))
        write_maps(folder / "maps.npz", MapSet(kappa.astype("float32"), 3.0))
        # The children then need not import it. Nothing is computed here: a fork would break that.
        import cosmogan_k3.training.trainer  # noqa: F401

        scenarios = Scenarios(folder, seconds)
        for row in (
            lambda: scenarios.kills(kills - kills // 2, aimed=False),
            lambda: scenarios.kills(kills // 2, aimed=True),
            lambda: scenarios.signal(signal.SIGTERM),
            lambda: scenarios.signal(signal.SIGINT),
            scenarios.second_training,
            scenarios.full_disk,
            scenarios.server_gone,
        ):
            print(row(), flush=True)


def main() -> None:
    """Print a table, one process for each backend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", default=["jax", "tensorflow", "torch"])
    parser.add_argument("--kills", type=int, default=50, help="of each backend")
    parser.add_argument("--minutes", type=float, default=60, help="for each kind of kills")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        run_backend(arguments.kills, 60 * arguments.minutes)
        return
    print("| backend | ended by | times | trainings | not bit-equal | |")
    print("| --- | --- | ---: | ---: | ---: | --- |", flush=True)
    for backend in arguments.backends:
        os.environ["KERAS_BACKEND"] = backend
        limits = ["--kills", str(arguments.kills), "--minutes", str(arguments.minutes)]
        subprocess.run([sys.executable, __file__, "--one", *limits], check=True)


if __name__ == "__main__":
    main()
