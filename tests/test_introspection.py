"""What `help`, signatures, mocks, tracebacks and reprs show of the clients."""

from __future__ import annotations

import asyncio
import inspect
import pydoc
import re
import traceback
import typing
from collections.abc import AsyncIterator, Iterator
from unittest.mock import AsyncMock, MagicMock, create_autospec

import pytest

import replicate_ext
from conftest import TOKEN, Harness, json_response, prediction
from replicate_api import models
from replicate_api.models import Account, Hardware, Prediction, Training, Version, WebhookEvent
from replicate_ext import AsyncReplicate, AsyncStream, Page, Replicate, Stream
from replicate_ext.emulator import Emulator

CLIENTS = pytest.mark.parametrize("cls", [Replicate, AsyncReplicate])


# Classes


@CLIENTS
def test_help_shows_methods_and_namespaces(cls: type) -> None:
    text = pydoc.plain(pydoc.render_doc(cls))
    assert re.search(r"\brun\([\s|]*self,[\s|]*ref: ", text)
    assert "Run a model and return its output" in text
    assert "predictions = <class 'replicate_ext._generated.resources.Predictions'>" in text
    assert "It runs any model" in pydoc.plain(pydoc.render_doc(cls.predictions))
    assert "prediction_id: " in pydoc.plain(pydoc.render_doc(cls.predictions.get))


@CLIENTS
def test_methods_of_the_class_have_signatures(cls: type) -> None:
    assert list(inspect.signature(cls.run).parameters)[:3] == ["self", "ref", "input"]
    assert list(inspect.signature(cls.stream).parameters)[:3] == ["self", "ref", "input"]
    assert list(inspect.signature(cls.paginate).parameters)[:2] == ["self", "list_method"]
    assert list(inspect.signature(cls.predictions.get).parameters) == ["self", "prediction_id"]
    assert list(inspect.signature(cls.webhooks.default.secret.get).parameters) == ["self"]
    assert "api_token" in inspect.signature(cls).parameters
    assert inspect.signature(cls.files.create).parameters["progress"].default is None
    assert "progress: A function that is called with the bytes" in pydoc.plain(pydoc.render_doc(cls.files.create))


def all_methods(resource: typing.Any, path: str = "") -> dict[str, typing.Any]:
    """Return the public methods of a client or namespace, and of all namespaces below, by their paths."""
    methods = {}
    for name in dir(resource):
        if name.startswith("_") or name == "api":
            continue
        value = getattr(resource, name)
        if callable(value) and not isinstance(value, type):
            methods[path + name] = value
        else:
            methods |= all_methods(value, f"{path}{name}.")
    return methods


def test_type_hints_of_all_methods_resolve(harness: Harness) -> None:
    for resource in (harness.client, type(harness.client)):
        methods = all_methods(resource)
        assert {"run", "wait", "stream", "webhooks.verify", "models.versions.list", "with_options"} <= methods.keys()
        for path, method in methods.items():
            hints = typing.get_type_hints(method)
            assert hints.keys() <= {*inspect.signature(method).parameters, "return"}, path
            assert inspect.signature(method).parameters.keys() - {"self"} <= hints.keys(), path
    hints = typing.get_type_hints(harness.client.run)
    assert WebhookEvent in typing.get_args(typing.get_args(typing.get_args(hints["webhook_events_filter"])[0])[0])
    assert typing.get_type_hints(harness.client.account.get)["return"] is Account
    assert typing.get_type_hints(type(harness.client).__init__)["api_token"] == (str | None)


def test_signatures_of_all_methods_can_be_evaluated(harness: Harness) -> None:
    for resource in (harness.client, type(harness.client)):
        for path, method in all_methods(resource).items():
            for parameter in inspect.signature(method, eval_str=True).parameters.values():
                assert not isinstance(parameter.annotation, str), path
            assert type(inspect.unwrap(method).__globals__) is dict, path  # Python 3.13 ignores `__missing__` here
    assert inspect.signature(replicate_ext.submit, eval_str=True).return_annotation is Prediction


def test_return_types_are_those_of_the_kind_of_client(harness: Harness) -> None:
    client, iterator = harness.client, AsyncIterator if harness.is_async else Iterator
    for method, returned in {
        client.predictions.list: iterator[Prediction],
        client.models.versions.list: iterator[Version],
        client.hardware.list: list[Hardware],
        client.paginate: iterator[Page[typing.Any]],
        client.stream: AsyncStream if harness.is_async else Stream,
        client.submit: Prediction,
        client.webhooks.verify: Prediction | Training,
    }.items():
        assert typing.get_type_hints(method)["return"] == returned
        assert inspect.signature(method, eval_str=True).return_annotation == returned


@pytest.mark.parametrize("name", sorted(models.__all__))
def test_type_hints_of_models_resolve(name: str) -> None:
    assert all(not isinstance(hint, str) for hint in typing.get_type_hints(getattr(models, name)).values())


def test_argument_errors_name_the_method_that_was_called(harness: Harness) -> None:
    for method, name in {
        harness.client.run: f"{type(harness.client).__name__}.run",
        harness.client.search: f"{type(harness.client).__name__}.search",
        harness.client.predictions.list: "Predictions.list",
    }.items():
        with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword argument 'qeury'"):
            method(qeury="x")


def test_the_methods_of_the_async_client_are_coroutine_functions() -> None:
    for owner in (AsyncReplicate, AsyncReplicate(TOKEN)):
        assert inspect.iscoroutinefunction(owner.run)
        assert inspect.iscoroutinefunction(owner.predictions.get)
    for owner in (Replicate, Replicate(TOKEN)):
        assert not inspect.iscoroutinefunction(owner.run)
        assert not inspect.iscoroutinefunction(owner.predictions.get)


def test_an_overridden_method_can_call_the_method_it_overrides(harness: Harness) -> None:
    class Logged(type(harness.client)):
        def run(self, ref, *args, **kwargs):
            calls.append(ref)
            return super().run(ref, *args, **kwargs)

    class Twice(Logged):
        pass

    calls: list[str] = []
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    client = Twice(TOKEN, transport=harness.client._session.config.transport)
    for _ in range(2):
        assert harness.call(client.run("acme/hello")) == "x"
    assert calls == ["acme/hello"] * 2


# Mocks


def test_autospec_checks_arguments() -> None:
    client = create_autospec(Replicate)(TOKEN)
    client.run.return_value = "text"
    assert client.run("acme/hello", {"text": "Ada"}) == "text"
    client.predictions.get("id")
    client.webhooks.default.secret.get()
    with pytest.raises(TypeError, match="unexpected keyword"):
        client.run("acme/hello", inputs={})
    with pytest.raises(TypeError, match="missing a required argument"):
        client.predictions.get()
    with pytest.raises(AttributeError):
        client.predictions.got  # noqa: B018


def test_autospec_of_the_async_client_is_awaited() -> None:
    for client in (create_autospec(AsyncReplicate, instance=True), create_autospec(AsyncReplicate(TOKEN))):
        assert isinstance(client.run, AsyncMock) or inspect.iscoroutinefunction(client.run)
        client.predictions.get.return_value = "x"
        assert asyncio.run(client.predictions.get("id")) == "x"


@CLIENTS
def test_a_mock_of_a_client_has_its_namespaces(cls: type) -> None:
    client = MagicMock(spec=cls)
    client.predictions.get.return_value = 1
    assert client.predictions.get("id") == 1
    with pytest.raises(AttributeError):
        client.prediction  # noqa: B018


def test_a_method_can_be_patched_on_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Replicate.run
    monkeypatch.setattr(Replicate, "run", lambda self, ref: ref.upper())
    assert Replicate(TOKEN).run("acme/hello") == "ACME/HELLO"
    monkeypatch.undo()
    assert Replicate.run is original


# Tracebacks


def test_tracebacks_hide_how_one_coroutine_serves_both_clients(harness: Harness) -> None:
    harness.server.respond_with(json_response({"title": "nothing here"}, 404))
    with pytest.raises(replicate_ext.NotFoundError) as raised:
        harness.call(harness.client.predictions.get("id"))
    frames = list(traceback.walk_tb(raised.value.__traceback__))
    files = ("_dual.py", "_operations.py", "_backends/sync.py")
    machinery = [frame for frame, _ in frames if frame.f_code.co_filename.endswith(files)]
    assert len(machinery) == (0 if harness.is_async else 1)
    assert all(frame.f_locals.get("__tracebackhide__") for frame in machinery)


CALLS = pytest.mark.parametrize(
    ("code", "function"), [("client.run('acme/hello:' + 'a' * 64)", "run"), ("client.predictions.get('id')", "get")]
)


@CALLS
def test_ipython_shows_the_line_of_the_caller_and_then_ours(
    harness: Harness, code: str, function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core.ultratb import VerboseTB

    harness.server.respond_with(json_response({"title": "nothing here"}, 404))
    call = compile(f"harness.call({code})", __file__, "exec")
    with pytest.raises(replicate_ext.NotFoundError) as raised:
        exec(call, {"harness": harness, "client": harness.client})
    error = raised.value
    shown = VerboseTB(theme_name="nocolor").text(type(error), error, error.__traceback__)
    ours = re.findall(r"replicate_ext/(\S+?\.py):\d+, in (?:\w+\.)*(\w+)\(", shown)
    assert ours[0][1] == function
    assert not [file for file, _ in ours if file in ("_dual.py", "_operations.py", "_backends/sync.py")]


# Reprs


def test_the_repr_of_a_namespace_lists_its_operations(harness: Harness) -> None:
    client = harness.client
    assert repr(client.predictions) == "<Predictions: cancel, create, get, list>"
    assert repr(client.webhooks) == "<Webhooks: default, verify>"
    assert repr(client.webhooks.default) == "<WebhooksDefault: secret>"
    assert repr(client.predictions.get) == "<bound method Predictions.get of <Predictions: cancel, create, get, list>>"


def test_reprs_need_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    from replicate_ext._default_client import reset

    reset()
    shown = "<Replicate: not configured yet, reads the environment on first use>"
    assert repr(replicate_ext.run).endswith(f" of {shown}>")
    assert "AsyncReplicate: not configured yet" in repr(replicate_ext.async_run)
    assert repr(replicate_ext.predictions) == "<Predictions: cancel, create, get, list>"
    assert repr(replicate_ext.predictions.list()) == "<predictions.list(), not started>"
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    replicate_ext.run.__self__._session.config  # noqa: B018  # the token that was set after the repr counts
    assert "Replicate(base_url=" in repr(replicate_ext.run)
    reset()


def test_the_repr_of_a_list_shows_what_it_is(harness: Harness) -> None:
    page = {"next": None, "results": [prediction(), prediction()]}
    harness.server.respond_with(json_response(page))
    items = harness.client.predictions.list(source="web")
    assert repr(items) == "<predictions.list(source='web'), not started>"

    async def begin() -> str:
        await anext(items)
        return repr(items)

    shown = asyncio.run(begin()) if harness.is_async else f"{next(items) and items!r}"
    assert shown == "<predictions.list(source='web'), in progress>"
    items = harness.client.predictions.list()
    assert len(harness.collect(items)) == 2
    assert repr(items) == "<predictions.list(), finished>"
    pages = harness.client.paginate(harness.client.predictions.list, limit=1)
    assert repr(pages) == "<paginate(predictions.list, limit=1), not started>"
    harness.call(pages.aclose()) if harness.is_async else pages.close()
    assert repr(pages) == "<paginate(predictions.list, limit=1), finished>"


def test_the_repr_of_a_list_shortens_its_arguments(harness: Harness) -> None:
    assert len(repr(harness.client.models.search("x" * 10_000))) < 100


def test_the_repr_of_a_stream_shows_its_progress(emulator: Emulator, client: Replicate) -> None:
    stream = client.stream("acme/poet", {"prompt": "the sea"})
    assert repr(stream) == "<Stream acme/poet, not started>"
    events = iter(stream)
    next(events)
    assert repr(stream).startswith("<Stream acme/poet, 1 event, ")
    for _ in events:
        pass
    assert repr(stream) == f"<Stream acme/poet, {len(stream._events)} events, succeeded>"
    stream = AsyncReplicate(TOKEN).stream("acme/poet")
    assert repr(stream) == "<AsyncStream acme/poet, not started>"


def test_the_repr_of_an_emulator_shows_its_url() -> None:
    api = Emulator()
    assert repr(api) == "<Emulator, not running>"
    with api:
        assert repr(api) == f"<Emulator {api.url}>"
    assert repr(api) == "<Emulator, not running>"
