"""The web service: the maps of the emulator, and a status with the reason for all else."""

import asyncio
import json

import numpy as np
import pytest

from cosmogan_k3._version import __version__
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import build_gan
from cosmogan_k3.gan.provenance import model_metadata
from cosmogan_k3.gan.requests import LARGEST_REQUEST
from cosmogan_k3.maps import Conditioning
from cosmogan_k3.serving import server
from cosmogan_k3.serving.app import build_app

pytestmark = pytest.mark.backend

JSON = {"content-type": "application/json"}
MOST = LARGEST_REQUEST // 16**2


def gan(**options):
    return build_gan("tiny", pixels=16, pixel_arcmin=3.0, **options)


@pytest.fixture(scope="module")
def emulator():
    return Emulator(gan())


@pytest.fixture(scope="module")
def app(emulator):
    return build_app(emulator)


def call(app, path, body=None, headers=JSON):
    """Return the status and the body of an answer; the body of the request comes in parts."""
    parts = [] if body is None else [body[i : i + 4096] for i in range(0, len(body), 4096)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    status, answer = [], []

    async def receive():
        if messages:
            return messages.pop(0)
        await asyncio.sleep(60)  # the client waits for the answer

    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])
        else:
            answer.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "query_string": b"",
    }
    asyncio.run(app(scope, receive, send))
    return status[0], b"".join(answer)


def ask(app, document):
    status, body = call(app, "/invocations", json.dumps(document).encode())
    return status, json.loads(body)


def table(columns, *rows):
    return {"dataframe_split": {"columns": columns, "data": rows}}


def test_a_service_says_what_it_serves(app, emulator):
    assert call(app, "/ping") == (200, b"\n")
    assert call(app, "/health")[0] == 200
    assert call(app, "/version") == (200, __version__.encode())
    assert json.loads(call(app, "/metadata")[1]) == model_metadata(emulator.gan)
    assert call(app, "/invocations")[0] == 405
    assert call(app, "/elsewhere")[0] == 404


# Batches of other sizes may sum in another order: float32 rounding, relative to the scatter.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("kind", ["split", "records"])
def test_rows_are_answered_with_the_maps_of_the_emulator_in_their_order(app, emulator, kind):
    rows = [(300, 3), (1, None), (2, 3)]
    document = {
        "split": table(["maps", "seed"], *rows),
        "records": {
            "dataframe_records": [
                {"maps": n} if seed is None else {"maps": n, "seed": seed} for n, seed in rows
            ]
        },
    }[kind]
    status, answer = ask(app, document)
    assert status == 200
    expected = [emulator.sample(n, seed=seed or 0) for n, seed in rows]
    found = np.array(answer["predictions"], "float32")
    np.testing.assert_allclose(found, np.concatenate(expected), **CLOSE)


def test_parameters_stand_beside_a_table_or_alone(app, emulator):
    params = {"n": 2, "seed": 3, "pixels": 32}
    status, answer = ask(app, {"params": params})
    assert status == 200
    expected = emulator.sample(2, seed=3, pixels=32)
    np.testing.assert_allclose(np.array(answer["predictions"], "float32"), expected, **CLOSE)
    status, answer = ask(app, {**table(["maps"], [1]), "params": params})
    np.testing.assert_allclose(np.array(answer["predictions"], "float32"), expected[:1], **CLOSE)


def test_rows_share_batches_of_one_size(emulator):
    sizes = []
    original = type(emulator.gan).network_maps

    def network_maps(self, latents, conditions=None):
        sizes.append(len(latents[0]))
        return original(self, latents, conditions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(emulator.gan), "network_maps", network_maps)
        status, answer = ask(
            build_app(emulator), table(["maps", "seed"], *[[1, k] for k in range(300)])
        )
    assert (status, len(answer["predictions"])) == (200, 300)
    assert sizes == [256, 256]


def test_a_conditional_model_takes_its_parameters():
    conditional = Emulator(gan(conditioning=Conditioning(("w",), (0.0,), (1.0,), (-1.2,), (-0.8,))))
    app = build_app(conditional)
    status, answer = ask(app, table(["maps", "w"], [1, -0.9], [2, -1.1]))
    expected = [conditional.sample(n, parameters={"w": w}) for n, w in ((1, -0.9), (2, -1.1))]
    found = np.array(answer["predictions"], "float32")
    np.testing.assert_allclose(found, np.concatenate(expected), **CLOSE)
    for row, reason in (([1, -2], "trained between"), ([1, None], "w must be a number")):
        status, answer = ask(app, table(["maps", "w"], row))
        assert status == 400
        assert reason in answer["message"]
    assert ask(app, table(["maps"], [1]))[1]["message"] == "missing columns: w"


REFUSED = {
    "too many maps": (table(["maps"], [MOST + 1]), f"expected at most {MOST} maps of 16 pixels"),
    "a billion maps": (table(["maps"], [10**9]), "a whole number from 1 to"),
    "many rows of many": (table(["maps"], *[[MOST // 2]] * 3), f"at most {MOST} maps"),
    "too many rows": (table(["maps"], *[[1]] * 1001), "at most 1000 rows"),
    "a fraction": (table(["maps"], [1.5]), "row 1: maps must be a whole number"),
    "no maps": (table(["maps"], [0]), "row 1: maps must be a whole number"),
    "negative": (table(["maps"], [-1]), "row 1: maps"),
    "text": (table(["maps"], ["1"]), "row 1: maps must be a number"),
    "truth": (table(["maps"], [True]), "row 1: maps must be a number"),
    "a list": (table(["maps"], [[1]]), "row 1: maps must be a number"),
    "not a number": (table(["maps"], [float("nan")]), "row 1: maps"),
    "infinite": (table(["maps", "seed"], [1, float("inf")]), "row 1: seed"),
    "a huge seed": (table(["maps", "seed"], [1, 10**400]), "row 1: seed"),
    "unknown columns": (
        table(["maps", "omega_m", "pixels"], [1, 0.3, 64]),
        "unknown columns: omega_m, pixels; expected maps, seed",
    ),
    "no column of maps": (table(["seed"], [1]), "missing columns: maps"),
    "a column twice": (table(["maps", "maps"], [1, 2]), "a column is given twice"),
    "a short row": (table(["maps", "seed"], [1]), "row 1: expected 2 values"),
    "a row that is none": (table(["maps"], 1), "row 1: expected 1 values"),
    "no rows": (table(["maps"]), "at least one row"),
    "no table": ({"dataframe_split": [1]}, "expected an object with one of the keys"),
    "no columns": ({"dataframe_split": {"data": [[1]]}}, "a list of columns"),
    "columns that are no names": (table([["maps"]], [1]), "expected names of columns"),
    "inputs": ({"inputs": [[1]]}, "dataframe_split, dataframe_records"),
    "two tables": ({**table(["maps"], [1]), "dataframe_records": []}, "one of the keys"),
    "params that are none": ({**table(["maps"], [1]), "params": [1]}, "an object of parameters"),
    "no params": ({"params": {}}, "one of the keys"),
    "unknown params": (
        {"params": {"n": 1, "maps": 2}},
        "unknown parameters: maps; expected n, seed, pixels",
    ),
    "an odd side": ({"params": {"n": 1, "pixels": 17}}, "17"),
    "a huge side": ({"params": {"n": 1, "pixels": 2**20}}, "pixels must be a whole number"),
    "params without a number": ({"params": {"seed": 1}}, "missing columns: maps"),
    "records of numbers": ({"dataframe_records": [1]}, "a list of objects"),
    "a list of rows": ([1], "expected an object"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_that_cannot_be_answered_is_refused_with_the_reason(app, kind):
    document, reason = REFUSED[kind]
    status, answer = ask(app, document)
    assert status == 400
    assert answer["error_code"] == "BAD_REQUEST"
    assert reason in answer["message"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"[" * 100_000 + b"]" * 100_000, 400, "nested too deeply"),
        (b'{"a":' * 100_000, 400, "nested too deeply"),
        (b"{", 400, "not readable as JSON"),
        (b"", 400, "not readable as JSON"),
        (b"\xff\xfe\x00", 400, "not readable as JSON"),
        (b'{"dataframe_records": [{"maps": 1, "maps": 5}]}', 400, "a key is given twice"),
        (b"[" + b"9" * 5000 + b"]", 400, "not readable as JSON"),
        (b" " * (2**20 + 1), 413, "at most 1048576 bytes"),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_the_reason(app, body, status, reason):
    found, answer = call(app, "/invocations", body)
    assert found == status
    assert reason in json.loads(answer)["message"]


def test_other_contents_than_json_are_refused(app):
    status, answer = call(app, "/invocations", b"maps\n1\n", {"content-type": "text/csv"})
    assert status == 415
    assert b"expected application/json" in answer


def test_the_type_of_a_content_may_have_capitals(app):
    body = json.dumps(table(["maps"], [1])).encode()
    assert call(app, "/invocations", body, {"content-type": "Application/JSON"})[0] == 200


def test_a_client_that_leaves_is_no_error(app):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        assert message.get("status", 400) == 400

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": headers}
    asyncio.run(app({**scope, "query_string": b""}, receive, send))


def test_an_address_in_use_is_refused():
    refused = pytest.raises(InputError, match="cannot be listened at")
    with server.listen("127.0.0.1", 0) as opened, refused as caught:
        server.listen("127.0.0.1", opened.getsockname()[1])
    assert caught.value.parameter == "host, port"
    with pytest.raises(InputError, match="cannot be listened at"):
        server.listen("no such host", 1)
