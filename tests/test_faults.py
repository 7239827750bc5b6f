"""The fault matrix: every operation on every backend, over real connections, against a server with one fault.

Each combination of operation, step and fault has an expected result or error. In every combination, too: no prediction
is created twice unless the first create was certainly rejected, no other host receives the token, and no partial file
is left on disk.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import TOKEN, FakeClock, folder_contents, use_fake_clock, wrap_output
from faulty_server import CONTENT, FAULTS, TOKENS, FaultyServer
from replicate_ext import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncReplicate,
    RateLimitError,
    Replicate,
    ReplicateError,
    ResponseDecodeError,
    ServerError,
    WaitTimeoutError,
)

CORRECT = "the right result"


class Operation(NamedTuple):
    name: str
    steps: tuple[str, ...]
    result: object


OPERATIONS = [
    Operation("run", ("look-up", "create", "poll"), TOKENS),
    Operation("wait", ("poll",), TOKENS),
    Operation("stream", ("create", "stream", "poll"), "".join(TOKENS)),
    Operation("paginate", ("list", "second page"), [["job1"], ["job2"]]),
    Operation("upload", ("upload",), "f"),
    Operation("download", ("download",), CONTENT),
]


async def execute_async(
    operation: str, client: Any, server: FaultyServer, folder: Path, timeout: float | None
) -> object:
    match operation:
        case "run":
            return await client.run("acme/hello", {"prompt": "x"}, wait=False, timeout=timeout)
        case "wait":
            return (await client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=timeout)).output
        case "stream":
            return "".join([str(event) async for event in client.stream("acme/hello", {"prompt": "x"})])
        case "paginate":
            return [[job.id for job in page] async for page in client.paginate(client.predictions.list)]
        case "upload":
            return (await client.files.create(content=b"x" * 1000)).id
        case _:
            path = await wrap_output(client, f"{server.url}/outputs/out.png").save(folder / "out.png")
            return path.read_bytes()


def execute_sync(operation: str, client: Any, server: FaultyServer, folder: Path, timeout: float | None) -> object:
    match operation:
        case "run":
            return client.run("acme/hello", {"prompt": "x"}, wait=False, timeout=timeout)
        case "wait":
            return client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=timeout).output
        case "stream":
            return "".join(str(event) for event in client.stream("acme/hello", {"prompt": "x"}))
        case "paginate":
            return [[job.id for job in page] for page in client.paginate(client.predictions.list)]
        case "upload":
            return client.files.create(content=b"x" * 1000).id
        case _:
            return wrap_output(client, f"{server.url}/outputs/out.png").save(folder / "out.png").read_bytes()


def attempt(
    client_kind: str,
    operation: str,
    server: FaultyServer,
    folder: Path,
    *,
    timeout: float | None = None,
) -> object:
    """Return the result of an operation, or the error that it raised."""
    clock = FakeClock()
    options: dict[str, Any] = {"base_url": f"{server.url}/v1", "timeout": 0.25 if server.fault == "no response" else 10}
    try:
        if client_kind == "sync":
            with Replicate(TOKEN, **options) as client:
                use_fake_clock(client, clock)
                return execute_sync(operation, client, server, folder, timeout)

        async def main() -> object:
            async with AsyncReplicate(TOKEN, **options) as client:
                use_fake_clock(client, clock)
                return await execute_async(operation, client, server, folder, timeout)

        return asyncio.run(main())
    except ReplicateError as error:
        return error


CREATES = ("create", "upload")
"""Steps that must not be retried unless they were certainly rejected."""

AMBIGUOUS: dict[str, type[ReplicateError]] = {
    "reset before the request is read": APIConnectionError,
    "reset after the request was read": APIConnectionError,
    "no response": APITimeoutError,
    "an interrupted body": APIConnectionError,
    "truncated JSON": ResponseDecodeError,
    "an HTML page": ResponseDecodeError,
    "500": ServerError,
    "502, HTML page": ServerError,
    "503": ServerError,
    "520, HTML page": ServerError,
    "599": ServerError,
}
"""After these faults a create may have been accepted; a read is retried."""

REJECTED: dict[str, type[ReplicateError]] = {
    "429": RateLimitError,
    "429, Retry-After": RateLimitError,
    "429, retry_after in the body": RateLimitError,
    "503, Retry-After": ServerError,
}
"""After these faults everything is retried."""

NOT_RETRIED: dict[str, type[ReplicateError]] = {"418": APIStatusError, "a redirect to another host": APIStatusError}
"""After these faults nothing is retried."""


def expected_outcome(step: str, fault: str, is_permanent: bool) -> type[ReplicateError] | str:
    if step == "look-up":
        return CORRECT  # the run goes on unchecked
    if step == "stream":
        return CORRECT  # the prediction has the output, whatever happens to the events
    if step == "download":
        if fault in ("an HTML page", "truncated JSON"):
            return CORRECT  # the file is whatever the host sends
        if fault == "a redirect to another host":
            return CORRECT
    if fault in NOT_RETRIED:
        return NOT_RETRIED[fault]
    if fault in AMBIGUOUS:
        return AMBIGUOUS[fault] if is_permanent or step in CREATES else CORRECT
    return REJECTED[fault] if fault in REJECTED and is_permanent else CORRECT


CASES = [
    (operation, step, fault, is_permanent)
    for operation in OPERATIONS
    for step in operation.steps
    for fault in FAULTS
    for is_permanent in (False, True)
    if not (is_permanent and fault == "no response")  # six timeouts of 0.25 s each: one is enough
    if not (step == "download" and fault in ("an HTML page", "truncated JSON"))  # not a fault of a download
]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[FaultyServer, FaultyServer]]:
    """Return the server with the fault, and the host that it redirects to."""
    other_host = FaultyServer()
    server = FaultyServer(other_host)
    yield server, other_host
    for running in (server, other_host):
        running.is_closing.set()
        running.shutdown()
        running.server_close()


@pytest.mark.parametrize(
    ("operation", "step", "fault", "is_permanent"),
    CASES,
    ids=[f"{operation.name}-{step}-{fault}{'-permanent' * permanent}" for operation, step, fault, permanent in CASES],
)
def test_fault(
    servers, tmp_path: Path, client_kind: str, operation: Operation, step: str, fault: str, is_permanent: bool
) -> None:
    server, other_host = servers
    has_stream = operation.name == "stream" and step != "poll"
    server.inject(step, fault, is_permanent=is_permanent, has_stream=has_stream)
    other_host.inject(None, fault, is_permanent=is_permanent, has_stream=has_stream)
    outcome = attempt(client_kind, operation.name, server, tmp_path)
    expected = expected_outcome(step, fault, is_permanent)
    assert server.created <= 1
    if expected is CORRECT:
        assert outcome == operation.result
    else:
        assert isinstance(expected, type)
        assert isinstance(outcome, expected), outcome
        is_ambiguous = step in CREATES and fault in AMBIGUOUS
        assert (outcome.maybe_created_after is not None) is is_ambiguous
        assert step != "poll" or operation.name == "wait" or outcome.prediction is not None
    assert server.has_occurred
    assert not any(other_host.token_received)
    is_saved = operation.name == "download" and expected is CORRECT
    assert folder_contents(tmp_path) == ({"out.png": CONTENT} if is_saved else {})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_connection_refused(servers, tmp_path: Path, client_kind: str, operation: Operation) -> None:
    server, _ = servers
    server.inject(None, None)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        unused_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        server_url, server.url = server.url, unused_url
        try:
            outcome = attempt(client_kind, operation.name, server, tmp_path)
        finally:
            server.url = server_url
    assert isinstance(outcome, APIConnectionError)
    assert outcome.maybe_created_after is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("operation", ["run", "wait"])
def test_prediction_that_never_finishes_times_out(servers, tmp_path: Path, client_kind: str, operation: str) -> None:
    server, _ = servers
    server.inject(None, None)
    server.polls_until_done = 10**9
    outcome = attempt(client_kind, operation, server, tmp_path, timeout=30)
    assert isinstance(outcome, WaitTimeoutError)
    assert outcome.prediction is not None
    assert (server.created, server.canceled) == (1 if operation == "run" else 0, 1)


def test_matrix_covers_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    count = 3 * (len(CASES) + len(OPERATIONS) + 2)
    with capsys.disabled():
        print(f"\nfault matrix: {count} cases", end=" ")
    harmless = {"slow bytes", "another Content-Type"}
    assert {fault for _, _, fault, _ in CASES} == set(FAULTS)
    assert set(FAULTS) == AMBIGUOUS.keys() | REJECTED.keys() | NOT_RETRIED.keys() | harmless
