"""What `help`, notebooks, pickle and pandas see of a batch."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import pydoc
import threading
import typing
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import replicate_ext
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext import AsyncBatch, AsyncReplicate, Batch, Item, Replicate, Status

platform = platform_fixture()

STATUS = Status(
    rows=3000, done=1200, failed=30, uncertain=0, in_flight=100, saving=7, creates=1340, cost=2.5, rate=10.0, eta=177.0
)


def cells(html: str) -> list[str]:
    """Return the texts in the HTML of a table."""
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(html)
    return found


@pytest.mark.parametrize(("client", "batch"), [(Replicate, "Batch"), (AsyncReplicate, "AsyncBatch")])
def test_help_of_map_shows_its_options_and_what_it_returns(client: Any, batch: str) -> None:
    text = pydoc.plain(pydoc.render_doc(client.map))
    assert "concurrency: 'int' = 100" in text
    assert "Run a model on many inputs" in text
    assert f"-> 'batches.{batch}'" in text
    parameters = inspect.signature(client.map).parameters
    documented = [line.strip().partition(":")[0] for line in text.partition("Args:")[2].splitlines()]
    assert [name for name in parameters if name not in documented] == ["self"]
    assert typing.get_type_hints(client.map)["return"] is getattr(replicate_ext, batch)
    assert typing.get_type_hints(client.map)["then"] == Callable[[Item], Any] | None


@pytest.mark.parametrize("batch", [Batch, AsyncBatch])
def test_help_of_a_batch_shows_its_methods(batch: type) -> None:
    text = pydoc.plain(pydoc.render_doc(batch))
    for name in ("results", "report", "export", "status", "stop", "cancel", "resume", "retry", "open"):
        assert f"{name}(" in text
        assert inspect.getdoc(getattr(batch, name)), name
    assert "BatchStoppedError: " in text
    assert inspect.iscoroutinefunction(vars(batch)["cancel"]) is (batch is AsyncBatch)


def test_repr_says_whether_a_batch_runs(platform: FakePlatform, tmp_path: Path) -> None:
    goes_on = threading.Event()
    rows = [{"text": "a"}, {"text": "b"}]
    batch = platform.client().map(MODEL, rows, tmp_path, then=lambda item: item.index == 0 or goes_on.wait(5))
    assert repr(batch) == f"<Batch {str(tmp_path)!r}, not running>"
    loop = iter(batch)
    next(loop)
    assert repr(batch) == f"<Batch {str(tmp_path)!r}, running>"
    goes_on.set()
    list(loop)
    assert repr(batch) == f"<Batch {str(tmp_path)!r}, not running>"


def test_status_is_a_line_and_a_table() -> None:
    assert str(STATUS) == "1,230 of 3,000 rows (41%), 10.0/s, 3 min left, cost so far 2.50"
    assert cells(STATUS._repr_html_()) == [
        *("rows", "3,000: 1,200 done, 30 failed, 1,770 left"),
        *("predictions", "1,340 created, 100 in flight, 7 being saved"),
        *("progress", "10.0/s, 3 min left, cost so far 2.50"),
    ]


def test_notebook_shows_a_batch_before_and_after_it_has_run(platform: FakePlatform, tmp_path: Path) -> None:
    folder = tmp_path / "<b>runs"
    batch = platform.client().map(MODEL, [{"text": "a"}, {"text": "b"}], folder, price=0.5)
    assert cells(batch._repr_html_()) == [repr(batch)]
    platform.plan = lambda input: Plan(status="failed" if input["text"] == "b" else "succeeded", error="no")
    list(batch)
    shown = cells(batch._repr_html_())
    assert shown[:3] == [repr(batch), "rows", "2: 1 done, 1 failed"]
    assert "predictions" in shown
    assert "<b>" not in batch._repr_html_()


def test_items_are_plain_data(platform: FakePlatform, tmp_path: Path) -> None:
    rows = [{"text": "a"}, {"text": "b"}]
    batch = platform.client().map(MODEL, rows, tmp_path, key="text", price=0.5)
    list(batch)  # what a short prediction costs is known a moment after its end
    items = list(batch.resume().results())
    assert pickle.loads(pickle.dumps(items)) == items
    table = [*map(vars, items)]  # what pandas.DataFrame takes
    assert [(row["index"], row["key"], row["output"], row["cost"]) for row in table] == [
        (0, "a", "done", 0.5),
        (1, "b", "done", 0.5),
    ]
    assert list(table[0]) == list(Item.__dataclass_fields__)


def test_a_batch_that_was_iterated_says_how_to_go_on(platform: FakePlatform, tmp_path: Path) -> None:
    batch = platform.client().map(MODEL, [{"text": "a"}], tmp_path)
    items = list(batch)
    for again in (batch, batch.results()):
        with pytest.raises(RuntimeError, match=r"batch\.resume\(\) continues it"):
            list(again)
    assert list(batch.resume()) == []
    assert [item.index for item in batch.resume().results()] == [item.index for item in items]
    assert len(platform.bought) == 1


def test_open_returns_the_batch_of_the_client(platform: FakePlatform, tmp_path: Path) -> None:
    list(platform.client().map(MODEL, [{"text": "a"}], tmp_path))
    assert isinstance(Batch.open(tmp_path, platform.client()), Batch)
    assert isinstance(Batch.open(tmp_path, platform.async_client()), AsyncBatch)
    assert isinstance(AsyncBatch.open(tmp_path, platform.async_client()), AsyncBatch)
    with pytest.raises(TypeError, match=r"AsyncBatch\.open needs an AsyncReplicate, not Replicate"):
        AsyncBatch.open(tmp_path, platform.client())  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="begin one with"):
        Batch.open(tmp_path / "other", platform.client())


def test_async_batch_is_shown_like_a_sync_one(platform: FakePlatform, tmp_path: Path) -> None:
    async def main() -> None:
        batch = platform.async_client().map(MODEL, [{"text": "a"}], tmp_path)
        assert [item.output async for item in batch] == ["done"]
        assert cells(batch._repr_html_())[:3] == [repr(batch), "rows", "1: 1 done"]

    asyncio.run(main())
