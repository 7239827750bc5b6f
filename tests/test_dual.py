"""One implementation for the sync and the async client."""

import asyncio
import gc
import inspect

import pytest

from conftest import Harness
from replicate_api.api import OPERATIONS
from replicate_ext._backends.sync import iterate_sync, run_sync


def test_coroutine_that_suspends_raises_runtime_error() -> None:
    async def suspend() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="tried to suspend"):
        run_sync(suspend())


def test_sync_call_returns_results_and_propagates_errors() -> None:
    async def divide(value: int) -> int:
        return 84 // value

    assert run_sync(divide(2)) == 42
    with pytest.raises(ZeroDivisionError):
        run_sync(divide(0))


@pytest.mark.parametrize("how", ["close", "break", "garbage collection"])
def test_leaving_a_sync_iteration_early_runs_its_cleanup(how: str) -> None:
    closed = []

    async def numbers():
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    items = iterate_sync(numbers())
    assert next(items) == 0
    if how == "close":
        items.close()
    elif how == "break":
        for _ in items:
            break
        del items
    else:
        del items
        gc.collect()
    assert closed == [True]


def test_methods_have_signatures_and_docstrings(harness: Harness) -> None:
    create = harness.client.predictions.create
    assert list(inspect.signature(create).parameters)[:2] == ["input", "version"]
    assert "Prefer: wait" in create.__doc__
    assert list(inspect.signature(harness.client.run).parameters)[:2] == ["ref", "input"]
    assert harness.client.run.__name__ == "run"
    assert inspect.signature(harness.client.models.get).parameters["model_owner"].kind.name == "POSITIONAL_OR_KEYWORD"


def test_sync_and_async_clients_have_the_same_methods(server, clock) -> None:
    sync_client = Harness(server, clock, is_async=False).client
    async_client = Harness(server, clock, is_async=True).client

    def public_methods(resource: object, path: str = "") -> dict[str, str]:
        methods = {}
        for name in dir(resource):
            if name.startswith("_") or name in ("close", "aclose", "api"):
                continue
            value = getattr(resource, name)
            if callable(value):
                signature = str(inspect.signature(value)).replace("Async", "")  # AsyncIterator, AsyncStream
                methods[f"{path}{name}"] = f"{signature} {value.__doc__}"
            elif type(value).__module__.endswith(".resources"):
                methods |= public_methods(value, f"{path}{name}.")
        return methods

    assert public_methods(sync_client) == public_methods(async_client)
    runs = ["map", "output", "run", "stream", "submit", "use", "wait"]
    assert len(public_methods(sync_client)) == len(OPERATIONS) + len(
        [*runs, "paginate", "request", "save", "webhooks.verify", "with_options"]
    )
