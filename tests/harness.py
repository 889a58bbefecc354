"""Checks that every layer must pass, and processes that tests start."""

import os
import socket
import subprocess
import sys

import keras
import numpy as np

from cosmogan_k3.cli import main as cli


def check_layer(layer, inputs, *, expected_shape, expected_weights, training=False):
    """Check shape, weight count, config round trip and weights of a layer; return its output."""
    output = keras.ops.convert_to_numpy(layer(inputs, training=True) if training else layer(inputs))
    assert output.shape == expected_shape
    assert np.isfinite(output.astype("float32")).all()
    assert sum(int(np.prod(w.shape)) for w in layer.weights) == expected_weights
    shapes = [x.shape for x in inputs] if isinstance(inputs, list) else inputs.shape
    assert tuple(layer.compute_output_shape(shapes)) == expected_shape

    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()
    again(inputs, training=True) if training else again(inputs)
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(again(inputs)).astype("float32"),
        keras.ops.convert_to_numpy(layer(inputs)).astype("float32"),
        rtol=1e-6,
    )
    return output


def run_python(*arguments, backend=None, cwd=None, environment=None, check=True):
    """Run this interpreter in another process."""
    env = {**os.environ, **(environment or {})}
    if backend:
        env["KERAS_BACKEND"] = backend
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
    )
    if check:
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return result


def run_command(capsys, *arguments):
    """Run a command in this process; return exit code, standard output and standard error."""
    try:
        code = cli.main([str(a) for a in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def start_processes(count, *arguments, backend, cwd=None):
    """Start processes of one training, with the environment that a launcher would set."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **_launcher_variables(backend, index, count, port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(count)
    ]


def _launcher_variables(backend, index, count, port):
    """Return the environment variables of one process: of torchrun, or of keras.distribution."""
    if backend == "torch":
        names = {"RANK": index, "LOCAL_RANK": index, "WORLD_SIZE": count, "OMP_NUM_THREADS": 1}
        names |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    else:
        names = {"PROCESS_ID": index, "NUM_PROCESSES": count, "JOB_ADDRESSES": f"127.0.0.1:{port}"}
        names = {f"KERAS_DISTRIBUTION_{name}": value for name, value in names.items()}
    return {"KERAS_BACKEND": backend} | {name: str(value) for name, value in names.items()}
