"""Functions of a typed module: run by both clients, checked by the lock before anything is paid for."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import pydoc
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from conftest import TOKEN, json_response, prediction
from replicate_ext import AsyncFileOutput, AsyncReplicate, FileOutput, InvalidInputError, Replicate
from replicate_ext._cli.main import main
from replicate_ext.emulator import Emulator

Import = Callable[..., ModuleType]


@pytest.fixture
def add(replicate_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Return a function that writes a typed module for models of the emulator, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(*refs: str) -> ModuleType:
        assert main(["models", "add", *refs, "--module", str(tmp_path / "typed_models.py")]) == 0
        return importlib.import_module("typed_models")

    yield add
    for name in [name for name in sys.modules if name.partition(".")[0] == "typed_models"]:
        del sys.modules[name]


@pytest.fixture
def models(add: Import, replicate_emulator: Emulator) -> ModuleType:
    """Return a typed module; the emulator has forgotten how it was written."""
    module = add("acme/painter", "acme/poet", "acme/hello")
    replicate_emulator._running_service.journal.clear()
    return module


def requested(emulator: Emulator) -> list[str]:
    """Return the methods of the requests so far."""
    return [request.method for request in emulator.requests]


def test_a_function_runs_its_model_without_looking_it_up(models: ModuleType, replicate_emulator: Emulator) -> None:
    [image] = models.painter(prompt="a lighthouse", width=16, height=16)
    assert isinstance(image, FileOutput)
    assert models.hello(text="Ada") == "Hello, Ada!"
    assert isinstance(models.poet(prompt="the sea", lines=1, seconds=0), str)
    assert models.hello.submit(text="Ada").input == {"text": "Ada"}
    assert "".join(map(str, models.hello.stream(text="Ada"))) == "Hello, Ada!"
    assert "/models/" not in "".join(request.path for request in replicate_emulator.requests if request.method == "GET")


def test_async_callers_await_aio(models: ModuleType, replicate_emulator: Emulator) -> None:
    async def main() -> None:
        [image] = await models.painter.aio(prompt="a lighthouse", width=16, height=16)
        assert isinstance(image, AsyncFileOutput)
        assert isinstance(await models.poet.aio(prompt="the sea", lines=1, seconds=0), str)
        assert (await models.hello.aio.submit(text="Ada")).input == {"text": "Ada"}
        assert "".join([str(event) async for event in models.hello.aio.stream(text="Ada")]) == "Hello, Ada!"

    asyncio.run(main())
    assert "/models/" not in "".join(request.path for request in replicate_emulator.requests if request.method == "GET")


MISTAKES: list[dict[str, Any]] = [
    {"promt": "x"},
    {"prompt": "x", "num_output": 2},
    {"prompt": "x", "num_outputs": 9},
    {"prompt": "x", "width": "wide"},
    {"prompt": "x", "timeout": 3},
    {},
]


def test_a_mistake_is_refused_before_anything_is_paid_for(models: ModuleType, replicate_emulator: Emulator) -> None:
    painter = models.painter
    for inputs in MISTAKES:
        for call in (painter, painter.submit, lambda **inputs: list(painter.stream(**inputs))):
            with pytest.raises(InvalidInputError):
                call(**inputs)

    async def main() -> None:
        async with AsyncReplicate() as client:
            for inputs in MISTAKES:
                with pytest.raises(InvalidInputError):
                    await painter.with_options(client=client).aio(**inputs)
                with pytest.raises(InvalidInputError):
                    _ = [event async for event in painter.with_options(client=client).aio.stream(**inputs)]

    asyncio.run(main())
    assert set(requested(replicate_emulator)) == {"GET"}  # one more look before a refusal by the lock


def test_inputs_by_position_are_refused(models: ModuleType) -> None:
    with pytest.raises(TypeError, match=r"^hello\(\) takes its inputs by name: write text=…$"):
        models.hello("Ada")
    with pytest.raises(TypeError, match=r"^hello\(\) takes its inputs by name: write text=…$"):
        asyncio.run(models.hello.aio.submit("Ada"))


def test_a_community_model_is_refused_without_a_request(models: ModuleType, replicate_emulator: Emulator) -> None:
    with pytest.raises(InvalidInputError):
        models.poet(promt="x")
    assert requested(replicate_emulator) == []


def test_what_the_platform_runs_today_is_run(
    models: ModuleType, replicate_emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    @replicate_emulator.model("acme/hello")
    def hello(text: str, punctuation: str) -> str:
        return text + punctuation

    with caplog.at_level(logging.WARNING, "replicate_ext"):
        assert models.hello(text="Ada", punctuation="?") == "Ada?"
        assert models.hello(text="Ada", punctuation="!") == "Ada!"
    assert requested(replicate_emulator) == ["GET", "POST", "POST"]
    [warning] = [record.message for record in caplog.records]
    assert warning.startswith("acme/hello: version ")
    assert warning.endswith("`replicate-ext models check` shows the changes")


@pytest.mark.parametrize(
    ("version", "count"), [("0" * 64, 1), ("hidden", 0), ("dp-0123", 0), (None, 0), ("the lock's", 0)]
)
def test_another_version_of_a_prediction_is_logged_once(
    models: ModuleType, caplog: pytest.LogCaptureFixture, version: str | None, count: int
) -> None:
    shown = models.hello.version if version == "the lock's" else version
    job = json_response(prediction(output="hi", version=shown), 201)
    client = Replicate(TOKEN, transport=httpx.MockTransport(lambda request: job))
    hello = models.hello.with_options(client=client)
    with caplog.at_level(logging.WARNING, "replicate_ext"):
        for _ in range(2):
            assert hello.with_options(timeout=60)(text="Ada") == "hi"
    assert len(caplog.records) == count


def test_options_have_a_namespace_of_their_own(models: ModuleType) -> None:
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return json_response(prediction(output="hi"), 201)

    client = Replicate(TOKEN, transport=httpx.MockTransport(respond))
    hello = models.hello.with_options(client=client, timeout=60).with_options(webhook="https://example.com/hook")
    assert hello(text="Ada") == "hi"
    assert requests[0].headers["cancel-after"] == "65s"
    assert b"https://example.com/hook" in requests[0].content
    assert models.hello.with_options(client=client)(text="Ada") == "hi"
    assert "cancel-after" not in requests[1].headers
    with pytest.raises(TypeError, match="with_options: text is no option; the options are client, wait, timeout"):
        models.hello.with_options(text="Ada")


def test_each_kind_of_caller_needs_its_kind_of_client(models: ModuleType) -> None:
    client = Replicate(TOKEN)
    with pytest.raises(TypeError, match=r"hello\.aio needs a client of class AsyncReplicate, not Replicate"):
        models.hello.with_options(client=client).aio.stream(text="Ada")
    with pytest.raises(TypeError, match=r"hello needs a client of class Replicate, not AsyncReplicate"):
        models.hello.with_options(client=AsyncReplicate(TOKEN))(text="Ada")


def test_a_function_is_described_like_any_other(models: ModuleType) -> None:
    assert models.painter.__name__ == models.painter.aio.__name__ == "painter"
    assert list(inspect.signature(models.painter).parameters) == ["prompt", "width", "height", "num_outputs", "seed"]
    assert inspect.signature(models.painter.aio) == inspect.signature(models.painter)
    assert "prompt: What to paint." in pydoc.render_doc(models.painter)
    assert repr(models.painter) == "<TypedFunction painter: acme/painter>"
    assert repr(models.painter.aio) == "<AsyncTypedFunction painter.aio: acme/painter>"
    assert [input.name for input in models.painter.inputs] == ["prompt", "width", "height", "num_outputs", "seed"]
    assert models.poet.output.kind == "text"
    assert models.hello.json_schema("openai")["function"]["name"] == "hello"
    assert models.poet.version in repr(models.poet)
    assert "What to paint." in models.painter._repr_html_()


def test_inputs_have_the_names_of_the_model(add: Import, replicate_emulator: Emulator) -> None:
    received: list[dict[str, Any]] = []
    namespace: dict[str, Any] = {"received": received}
    exec(
        "def odd(self: str, lambda_: str = '') -> str:\n    received.append(self + lambda_)\n    return 'done'",
        namespace,
    )
    replicate_emulator.model("acme/odd", official=True)(namespace["odd"])
    version = replicate_emulator._running_service.state.catalog.models["acme/odd"].latest_version
    properties = version.openapi_schema["components"]["schemas"]["Input"]["properties"]
    properties["lambda"] = properties.pop("lambda_")
    odd = add("acme/odd").odd
    assert list(inspect.signature(odd).parameters) == ["self", "lambda_"]
    job = odd.submit(self="a", lambda_="b")
    assert job.input == {"self": "a", "lambda": "b"}


def test_a_package_imports_a_model_when_it_is_used(add: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._models.source.MAX_FUNCTIONS", 1)
    models = add("acme/hello", "acme/painter")
    assert models.__all__ == dir(models) == ["hello", "painter"]
    assert models.hello(text="Ada") == "Hello, Ada!"
    assert "typed_models._hello" in sys.modules
    assert "typed_models._painter" not in sys.modules
    with pytest.raises(AttributeError, match="module 'typed_models' has no attribute 'poet'"):
        models.poet  # noqa: B018


def test_a_module_in_a_zip_file_reads_its_lock_there(
    add: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("acme/hello")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        for name in ("typed_models.py", "typed_models.lock"):
            archive.writestr(name, (tmp_path / name).read_text())
            (tmp_path / name).unlink()
    del sys.modules["typed_models"]
    monkeypatch.syspath_prepend(tmp_path / "app.zip")
    models = importlib.import_module("typed_models")
    assert "app.zip" in str(models.__file__)
    assert models.hello(text="Ada") == "Hello, Ada!"


@pytest.mark.parametrize(
    ("lock", "error"),
    [
        (None, r"typed_models\.lock is missing: install it with the module, as package data"),
        ('{"lock_version": 1, "models": {}}', r"does not have acme/hello: run `replicate-ext models generate`"),
        ("{", r"typed_models\.lock: it is not JSON"),
    ],
)
def test_a_lock_that_does_not_fit_the_module_is_an_error(
    add: Import, tmp_path: Path, lock: str | None, error: str
) -> None:
    models = add("acme/hello")
    path = tmp_path / "typed_models.lock"
    path.unlink() if lock is None else path.write_text(lock)
    with pytest.raises(RuntimeError, match=error):
        models.hello(text="Ada")
