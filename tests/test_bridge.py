"""The machinery: blocking calls never suspend, and say so if they would."""

import asyncio
import gc
import inspect

import pytest

from conftest import Harness
from replicate_ext._backends.sync import finish
from replicate_ext._dual import drain


def test_a_coroutine_that_suspends_is_told_apart() -> None:
    async def suspends() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="tried to suspend"):
        finish(suspends())


def test_results_and_errors_come_through() -> None:
    async def answer(value: int) -> int:
        return 84 // value

    assert finish(answer(2)) == 42
    with pytest.raises(ZeroDivisionError):
        finish(answer(0))


@pytest.mark.parametrize("leave", ["close", "break", "collect"])
def test_leaving_an_iteration_early_runs_its_cleanup(leave: str) -> None:
    closed = []

    async def numbers():
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    items = drain(numbers())
    assert next(items) == 0
    if leave == "close":
        items.close()
    elif leave == "break":
        for _ in items:
            break
        del items
    else:
        del items
        gc.collect()
    assert closed == [True]


def test_methods_show_what_they_take_and_do(both: Harness) -> None:
    create = both.client.predictions.create
    assert list(inspect.signature(create).parameters)[:2] == ["input", "version"]
    assert "Prefer: wait" in create.__doc__
    assert list(inspect.signature(both.client.run).parameters)[:2] == ["ref", "input"]
    assert both.client.run.__name__ == "run"
    assert inspect.signature(both.client.models.get).parameters["model_owner"].kind.name == "POSITIONAL_OR_KEYWORD"


def test_both_clients_offer_the_same(server, clock) -> None:
    sync, other = Harness("sync", server, clock).client, Harness("async", server, clock).client

    def surface(thing: object, path: str = "") -> dict[str, str]:
        found = {}
        for name in dir(thing):
            if name.startswith("_") or name in ("close", "aclose", "api"):
                continue
            value = getattr(thing, name)
            if callable(value):
                found[f"{path}{name}"] = f"{inspect.signature(value)} {value.__doc__}"
            elif type(value).__module__ == "replicate_ext._generated.resources":
                found |= surface(value, f"{path}{name}.")
        return found

    assert surface(sync) == surface(other)
    assert len(surface(sync)) == 37 + len(["paginate", "request", "run", "save", "stream", "wait", "webhooks.verify"])
