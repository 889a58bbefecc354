"""The web service of an emulator, with MLflow's protocol of ``/invocations``.

Memory does not grow with the number or the size of requests: one thread draws maps, a batch for
each request in turn, and a batch is sent before the next one of the same request is drawn.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from cosmogan_k3._typing import Maps
from cosmogan_k3._version import __version__
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan.provenance import model_metadata
from cosmogan_k3.gan.requests import parse_request

# Bytes of a request. A thousand rows of many parameters are a tenth of it.
_LARGEST_BODY = 2**20
_KEYS = "dataframe_split, dataframe_records"


class _RefusedError(Exception):
    """A request that is answered with a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def build_app(emulator: Emulator) -> Starlette:
    """Return the application that answers requests for maps of an emulator.

    Parameters
    ----------
    emulator : Emulator

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> app = build_app(Emulator(build_gan("tiny", pixels=16, pixel_arcmin=3.0)))
    >>> [route.path for route in app.routes]
    ['/ping', '/health', '/version', '/metadata', '/invocations']
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="sampler")

    async def is_there(request: Request) -> Response:
        return Response("\n", media_type="application/json")

    async def version(request: Request) -> Response:
        return Response(__version__, media_type="application/json")

    async def metadata(request: Request) -> Response:
        return JSONResponse(model_metadata(emulator.gan))

    async def invocations(request: Request) -> Response:
        columns, rows, params = _table(await _document(request))
        asked = parse_request(columns, rows, emulator.gan, params)
        texts = _as_json(emulator.sample_draws(asked.draws, pixels=asked.pixels))
        loop = asyncio.get_running_loop()

        async def following() -> str | None:
            return await loop.run_in_executor(worker, next, texts, None)

        first = await following()  # before the answer begins: an error still has a status
        return StreamingResponse(_sent(first, following), media_type="application/json")

    return Starlette(
        routes=[
            Route("/ping", is_there),
            Route("/health", is_there),
            Route("/version", version),
            Route("/metadata", metadata),
            Route("/invocations", invocations, methods=["POST"]),
        ],
        exception_handlers=dict.fromkeys((_RefusedError, InputError, ClientDisconnect), _refusal),
    )


async def _sent(
    first: str | None, following: Callable[[], Awaitable[str | None]]
) -> AsyncIterator[str]:
    text = first
    while text is not None:
        yield text
        text = await following()


def _as_json(batches: Iterator[Maps]) -> Iterator[str]:
    """Yield the answer in pieces, one for each batch of maps."""
    start = '{"predictions": ['
    for batch in batches:
        # The brackets of the list of this batch's maps are those of no list in the answer.
        yield start + json.dumps(batch.tolist(), allow_nan=False)[1:-1]
        start = ", "
    yield "]}"


async def _refusal(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, _RefusedError) else 400
    return JSONResponse(
        {"error_code": "BAD_REQUEST", "message": one_line(error, 300)}, status_code=status
    )


async def _document(request: Request) -> Any:
    """Return the JSON of a request, read no further than the largest size."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise _RefusedError(415, f"expected application/json. Received: {content_type!r}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise _RefusedError(413, f"expected at most {_LARGEST_BODY} bytes")
    try:
        return json.loads(body, object_pairs_hook=_object)
    except RecursionError:
        raise _RefusedError(400, "not readable: the JSON is nested too deeply") from None
    except ValueError as error:
        raise _RefusedError(400, f"not readable as JSON ({one_line(error, 100)})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; of a key that is given twice, Python would take the last value."""
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is given twice")
    return document


def _table(document: Any) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Return columns, rows and parameters of a request in one of MLflow's formats of tables."""
    if not isinstance(document, dict):
        raise InputError(f"expected an object with one of the keys {_KEYS}")
    params = document.pop("params", {})
    if not isinstance(params, dict):
        raise InputError("expected an object of parameters in params")
    if params and not document:
        return [], [], params
    if len(document) != 1:
        raise InputError(f"expected an object with one of the keys {_KEYS}, and params or not")
    ((key, table),) = document.items()
    if key == "dataframe_split" and isinstance(table, dict):
        if table.keys() - {"columns", "data", "index"}:
            raise InputError("expected columns and data in dataframe_split")
        columns, rows = table.get("columns"), table.get("data")
    elif key == "dataframe_records" and isinstance(table, list) and table:
        if not all(isinstance(record, dict) for record in table):
            raise InputError("expected a list of objects in dataframe_records")
        columns = list(dict.fromkeys(name for record in table for name in record))
        rows = [[record.get(name) for name in columns] for record in table]
    else:
        raise InputError(f"expected an object with one of the keys {_KEYS}")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise InputError("expected a list of columns and a list of rows")
    if not all(isinstance(name, str) for name in columns):
        raise InputError("expected names of columns")
    return columns, rows, params
