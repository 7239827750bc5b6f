"""A program that calls the operations of `construct_document` on both clients, and prints what was sent and returned.

It runs in a process of its own, since it imports the client that was generated from that document.
"""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import linecache
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx

from replicate_api import Client, api
from replicate_api.models import Bag, Cat
from replicate_ext import AsyncReplicate, Replicate
from replicate_ext.errors import ReplicateError

EVENTS = [b'event: tick\ndata: {"level"', b": 1}\n\ndata: two\n", b"\n"]
WIDGET = {"id": "w", "old": "o"}
HEADERS = ("content-type", "accept", "authorization", "x-tags", "x-day")
DAY = datetime.date(2026, 1, 2)


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield from EVENTS

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in EVENTS:
            yield chunk


def stream(media_type: str) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": media_type}, stream=Chunks())


def image(status: int = 200) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": "image/png"}, content=b"\x89PNG\xff")


def shown(value: Any) -> Any:
    """Return JSON that tells values of different types apart."""
    if hasattr(value, "to_dict"):
        return [type(value).__name__, value.to_dict()]
    if isinstance(value, tuple):
        return [type(value).__name__, *value[:2]]
    return [shown(item) for item in value] if isinstance(value, list) else repr(value)


CALLS: dict[str, tuple[Callable[[Any], Any], httpx.Response]] = {
    "styles of a query": (
        lambda client: client.styles.query(
            plain="a b",
            exploded=["a", "b&c"],
            commas=["a,b", "c"],
            spaces=["a b", "c"],
            pipes=["a|b", "c"],
            filter={"name": "ü", "is_new": True},
            range={"low": 1, "high": 2},
            pair={"low": 1, "high": 2},
            where={"low": 1},
        ),
        httpx.Response(204),
    ),
    "no parameters": (lambda client: client.styles.query(exploded=[]), httpx.Response(204)),
    "default styles": (lambda client: client.styles.plain(tags=["a", "b,c"], ok=False), httpx.Response(204)),
    "styles of a path": (
        lambda client: client.styles.path(
            True, [1, 2], ["a", "b/c"], ["x", "y;"], {"low": 1}, x_tags=["a", "b"], x_day=DAY
        ),
        httpx.Response(204),
    ),
    "empty list in a path": (
        lambda client: client.styles.path(True, [], ["a"], ["b"], {"low": 1}),
        httpx.Response(204),
    ),
    "list in a deep object": (lambda client: client.styles.query(filter={"name": "a", "x": [1]}), httpx.Response(204)),
    "merge patch": (lambda client: client.widgets.patch(name=None), httpx.Response(200, json=WIDGET)),
    "referenced response and body": (lambda client: client.widgets.create(url="u"), httpx.Response(201, json=WIDGET)),
    "referenced error": (lambda client: client.widgets.create(), httpx.Response(422, json={"detail": "no"})),
    "QUERY with JSON": (lambda client: client.widgets.find(low=1), httpx.Response(200, json=WIDGET)),
    "discriminated by a mapping": (
        lambda client: client.pets.create(body=Cat(kind="feline", age=3)),
        httpx.Response(200, json={"kind": "feline", "age": 3}),
    ),
    "discriminated by a name": (
        lambda client: client.pets.create(body={"kind": "dog", "good": True}),
        httpx.Response(200, json={"kind": "dog", "age": 3}),
    ),
    "no member of a union": (lambda client: client.pets.create(body={"kind": "cow"}), httpx.Response(200)),
    "union by fields": (
        lambda client: client.pets.replace(body=Bag(litres=2)),
        httpx.Response(200, json={"width": 2}),
    ),
    "image": (lambda client: client.files.image(), image()),
    "image or JSON: image": (lambda client: client.widgets.render(), image()),
    "image or JSON: JSON": (lambda client: client.widgets.render(), httpx.Response(200, json=WIDGET)),
    "image or JSON: none": (lambda client: client.widgets.render(), httpx.Response(204)),
    "image or JSON: text": (lambda client: client.widgets.render(), httpx.Response(200, text="what")),
    "types by status: 200": (lambda client: client.widgets.poll(), httpx.Response(200, json={"position": 1})),
    "types by status: 202": (lambda client: client.widgets.poll(), httpx.Response(202, json={"position": 1})),
    "types by status: 203": (lambda client: client.widgets.poll(), httpx.Response(203, text="wait")),
    "vendor JSON": (lambda client: client.widgets.vendor(), httpx.Response(200, json={"low": 1})),
    "events": (lambda client: client.widgets.watch(level=1), stream("text/event-stream; charset=utf-8")),
    "no events": (lambda client: client.widgets.watch(), stream("application/json")),
    "events not found": (lambda client: client.widgets.watch(), httpx.Response(404, json={"detail": "gone"})),
    "deprecated operation": (lambda client: client.old.get(), httpx.Response(204)),
    "deprecated parameter and fields": (
        lambda client: client.old.create(limit=1, kept=2, size=3, colour="red"),
        httpx.Response(204),
    ),
    "nothing deprecated": (lambda client: client.old.create(kept=2, name="n"), httpx.Response(204)),
    "deprecated operation with files": (
        lambda client: client.old.run(input={"file": io.BytesIO(b"x")}),
        httpx.Response(204),
    ),
    "deprecated list": (lambda client: client.old.list(), httpx.Response(200, json={"results": ["a"], "next": None})),
}


async def call_async(call: Callable[[Any], Any], client: Any) -> Any:
    async with client:
        result = call(client)
        return [item async for item in result] if hasattr(result, "__aiter__") else await result


def call_sync(call: Callable[[Any], Any], client: Any) -> Any:
    with client:
        result = call(client)
        return list(result) if hasattr(result, "__next__") else result


def record(call: Callable[[Any], Any], response: httpx.Response, is_async: bool) -> dict[str, Any]:
    sent: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name in HEADERS and value != "*/*"}
        sent.append([request.method, request.url.raw_path.decode(), request.content.decode(), headers])
        return response

    arguments: dict[str, Any] = {"base_url": "http://x", "transport": httpx.MockTransport(handle), "max_retries": 0}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")  # each once per line of code
        try:
            if is_async:
                result = asyncio.run(call_async(call, AsyncReplicate("r8_x", **arguments)))
            else:
                result = call_sync(call, Replicate("r8_x", **arguments))
        except (ReplicateError, TypeError, ValueError) as error:
            result = error
    lines = [
        [one.category.__name__, str(one.message), linecache.getline(one.filename, one.lineno).strip()] for one in caught
    ]
    return {"sent": sent, "returned": shown(result), "warnings": lines}


def record_low_level(is_async: bool) -> list[Any]:
    """Return what the minimal client of the generated package sends and returns."""
    sent: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.raw_path.decode())
        return stream("text/event-stream") if request.url.path == "/v1/events" else httpx.Response(204)

    client = Client("http://x/v1", httpx_args={"transport": httpx.MockTransport(handle)})
    query, watch = api.styles.styles_query, api.widgets.widgets_watch
    arguments: dict[str, Any] = {"plain": "a b", "commas": ["a,b", "c"]}
    if is_async:

        async def main() -> Any:
            async with client:
                await query.asyncio(client=client, **arguments)
                return await watch.asyncio(client=client, body={"level": 1})

        return [sent, asyncio.run(main())]
    query.sync(client=client, **arguments)
    return [sent, watch.sync(client=client, body={"level": 1})]


def main() -> None:
    kinds = (False, True)
    calls = {name: [record(*call, is_async) for is_async in kinds] for name, call in CALLS.items()}
    json.dump({"calls": calls, "low-level": [record_low_level(is_async) for is_async in kinds]}, sys.stdout)


if __name__ == "__main__":
    main()
