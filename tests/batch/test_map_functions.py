"""`map` on the functions of `client.use` and of typed modules, with rows that have their signature."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_platform import MODEL, SCHEMA, VERSION, FakePlatform, platform_fixture
from replicate_ext import AsyncBatch, AsyncReplicate, Batch, InvalidInputError, Item, Replicate
from replicate_ext._batch.options import MapOptions, Options
from replicate_ext._models.lock import LockedModel, dump_lock
from replicate_ext._models.source import render_module

platform = platform_fixture()


@pytest.fixture
def typed_painter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the function of the platform's model in a typed module."""
    locked = LockedModel(MODEL, "painter", "official", VERSION, None, "2026-11-26", "", SCHEMA)
    for name, source in render_module("typed_painter", [locked]).items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    (tmp_path / "typed_painter.lock").write_text(dump_lock([locked]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("typed_painter").painter
    del sys.modules["typed_painter"]


@pytest.fixture(params=["client.use", "typed module"])
def paint(request: pytest.FixtureRequest, platform: FakePlatform, typed_painter: Any) -> Any:
    """Return the function of the model, made in each way, for a sync client of the platform."""
    client = platform.client()
    return client.use(MODEL) if request.param == "client.use" else typed_painter.with_options(client=client)


def test_rows_of_a_function_are_bought(paint: Any, platform: FakePlatform, tmp_path: Path) -> None:
    rows = [paint.row(text=f"row {number}", seconds=2) for number in range(3)]
    assert rows == [{"text": f"row {number}", "seconds": 2} for number in range(3)]
    batch = paint.map(rows, tmp_path / "runs")
    assert isinstance(batch, Batch)
    assert [item.input["text"] for item in batch.results()] == ["row 0", "row 1", "row 2"]
    assert sorted(platform.purchases().values()) == [1, 1, 1]


def test_rows_may_be_anything_that_map_takes(paint: Any, platform: FakePlatform, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,seconds\na,1\nb,2\n", encoding="utf-8")
    assert [item.input for item in paint.map(path, tmp_path / "runs").results()] == [
        {"text": "a", "seconds": 1},
        {"text": "b", "seconds": 2},
    ]


def test_a_wrong_row_is_refused_where_it_is_written(paint: Any, platform: FakePlatform) -> None:
    before = len(platform.requests)
    with pytest.raises(InvalidInputError, match=r"input\.txet: acme/painter has no such input; did you mean 'text'\?"):
        paint.row(txet="a")
    with pytest.raises(InvalidInputError, match=r"input\.seconds: must be a number"):
        paint.row(text="a", seconds="long")
    with pytest.raises(ValueError, match=r"input\.seconds is nan"):
        paint.row(text="a", seconds=float("nan"))
    with pytest.raises(TypeError, match=r"painter\(\) takes its inputs by name: write text=…"):
        paint.row("a")
    assert len(platform.requests) == before


def test_check_is_an_option_of_the_function(paint: Any, platform: FakePlatform, tmp_path: Path) -> None:
    unchecked = paint.with_options(check=False)
    row = unchecked.row(txet="a")
    [item] = unchecked.map([row], tmp_path)
    assert item.input == {"txet": "a"}
    assert item.output == "done"


def test_options_of_map_win_over_those_of_the_function(paint: Any, platform: FakePlatform, tmp_path: Path) -> None:
    unchecked = paint.with_options(check=False, cancel_on_exit=False)
    [item] = unchecked.map([{"txet": "a"}, {"text": "b"}], tmp_path, check=True, max_failures=None, shard=(0, 2))
    assert item.status == "invalid"
    assert platform.bought == []


@pytest.mark.parametrize("option", [{"timeout": 60}, {"webhook": "https://a.example"}, {"progress": lambda job: None}])
def test_an_option_that_map_would_ignore_is_refused(paint: Any, option: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=rf"^painter\.map would ignore {next(iter(option))} of with_options: "):
        paint.with_options(**option).map([{"text": "a"}], tmp_path)
    [item] = paint.with_options(progress=True).map([{"text": "a"}], tmp_path, progress=lambda status: None)
    assert item.output == "done"


def test_async_functions_return_an_async_batch(platform: FakePlatform, typed_painter: Any, tmp_path: Path) -> None:
    async def main() -> list[list[Item]]:
        client = platform.async_client()
        used = await client.use(MODEL)
        batches = [
            used.map([used.row(text="a")], tmp_path / "used"),
            typed_painter.with_options(client=client).aio.map([typed_painter.row(text="a")], tmp_path / "typed"),
        ]
        assert all(isinstance(batch, AsyncBatch) for batch in batches)
        return [[item async for item in batch] for batch in batches]

    for [item] in asyncio.run(main()):
        assert (item.input, item.output) == ({"text": "a"}, "done")


def test_a_typed_function_needs_the_kind_of_client(typed_painter: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"painter\.aio needs a client of class AsyncReplicate, not Replicate"):
        typed_painter.with_options(client=Replicate("r8_x")).aio.map([], tmp_path)
    with pytest.raises(TypeError, match=r"painter needs a client of class Replicate, not AsyncReplicate"):
        typed_painter.with_options(client=AsyncReplicate("r8_x")).map([], tmp_path)


def test_a_row_needs_no_client(typed_painter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "not a token")
    assert typed_painter.row(text="a") == {"text": "a"}
    assert typed_painter.with_options(client=AsyncReplicate("r8_x")).row(text="a") == {"text": "a"}


def test_parameters_become_the_names_of_the_model(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs: Any = SCHEMA["components"]["schemas"]["Input"]
    monkeypatch.setitem(inputs, "properties", {"class": {"type": "string"}, "self": {"type": "string"}})
    function = platform.client().use(MODEL)
    assert function.row(class_="a", self="b") == {"class": "a", "self": "b"}


def test_the_options_of_functions_are_those_of_map() -> None:
    parameters = inspect.signature(Replicate.map).parameters
    named = [name for name, parameter in parameters.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    assert named == list(MapOptions.__annotations__) == list(Options._fields)
    assert [parameters[name].default for name in named] == list(Options())
