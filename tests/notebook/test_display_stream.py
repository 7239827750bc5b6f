"""A stream in a notebook: text that grows, at most ten times a second."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from conftest import ByteStream, FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_ext._display import stream as display_stream

STREAM = {"stream": "https://stream.replicate.com/v1/abc", "get": "x", "cancel": "x"}


class FakeDisplay:
    """Records what IPython would display."""

    def __init__(self) -> None:
        self.updates: list[dict[str, str]] = []

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> FakeDisplay:
        assert raw
        assert display_id
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        self.updates.append(bundle)

    @property
    def texts(self) -> list[str]:
        return [bundle["text/plain"] for bundle in self.updates]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> FakeDisplay:
    """Return what a running kernel displays."""
    fake = FakeDisplay()
    for name in ("IPython", "IPython.display"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    vars(sys.modules["IPython"])["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(sys.modules["IPython.display"])["display"] = fake.display
    return fake


def respond_with_text(harness: Harness, *chunks: str, status: str = "succeeded", **end: Any) -> None:
    pieces = [f"event: output\nid: {number}:0\ndata: {chunk}\n\n" for number, chunk in enumerate(chunks)]
    body = ByteStream(*[piece.encode() for piece in pieces], b"event: done\nid: 9:0\ndata: {}\n\n")
    final = prediction(status, output=[*chunks], urls=STREAM, **end)
    harness.server.respond_with(
        json_response(prediction("starting", urls=STREAM), 201),
        lambda request: httpx.Response(200, stream=body),
        json_response(final),
    )


@pytest.fixture
def harness(server: ScriptedServer, clock: FakeClock) -> Harness:
    """Return a sync client: an async stream cannot be iterated while it is displayed."""
    return Harness(server, clock, is_async=False)


def test_text_grows_at_most_ten_times_a_second(
    harness: Harness, notebook: FakeDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = harness.client.stream("acme/poet", {"prompt": "<b>"})
    respond_with_text(harness, *"abcdefgh")
    monkeypatch.setattr(display_stream, "time", SimpleNamespace(monotonic=lambda: 0.04 * len(stream._events)))
    stream._ipython_display_()
    assert notebook.texts == ["a", "abcd", "abcdefg", "abcdefgh"]
    assert "abcdefgh" in notebook.updates[-1]["text/html"]


def test_a_stream_that_was_iterated_shows_its_text_and_does_not_run_again(
    harness: Harness, notebook: FakeDisplay
) -> None:
    stream = harness.client.stream("acme/poet", {"prompt": "<b>"})
    respond_with_text(harness, "a", "<b>")
    assert len(harness.collect(stream)) == 3
    count = len(harness.server.requests)
    stream._ipython_display_()
    assert notebook.texts == ["a<b>"]
    assert "a&lt;b&gt;" in notebook.updates[0]["text/html"]
    assert len(harness.server.requests) == count


def test_the_lines_of_a_failure_follow_the_text(harness: Harness, notebook: FakeDisplay) -> None:
    stream = harness.client.stream("acme/poet", {"prompt": "<b>"})
    respond_with_text(harness, "a", status="failed", error="<i>out of memory")
    stream._ipython_display_()
    assert notebook.texts[-1].startswith("a\nModelError: ")
    html = notebook.updates[-1]["text/html"]
    assert "&lt;i&gt;out of memory" in html
    assert '<div style="color:' in html
    assert "pre-wrap" in html.partition('<div style="color:')[2], "the lines of the message stay apart"


def test_an_interrupt_cancels_the_prediction_and_keeps_the_text(
    harness: Harness, notebook: FakeDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = harness.client.stream("acme/poet", {"prompt": "<b>"})
    respond_with_text(harness, "a", "b")
    update = FakeDisplay.update

    def interrupt(self: FakeDisplay, bundle: dict[str, str], *, raw: bool) -> None:
        update(self, bundle, raw=raw)
        if len(self.updates) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(FakeDisplay, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stream._ipython_display_()
    assert notebook.texts == ["a", "a"]
    assert harness.server.requested[-1] == "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"


def test_without_a_kernel_nothing_runs(harness: Harness) -> None:
    stream = harness.client.stream("acme/poet", {"prompt": "<b>"})
    with pytest.raises(NotImplementedError):  # IPython shows the repr instead
        stream._ipython_display_()
    assert harness.server.requests == []


def test_an_async_stream_shows_its_text_so_far(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=True)
    respond_with_text(harness, "a", "<b>")
    stream = harness.client.stream("acme/poet")
    assert "a&lt;b&gt;" not in stream._repr_html_()
    harness.collect(stream)
    assert "a&lt;b&gt;" in stream._repr_html_()


def test_ipython_is_not_imported_unless_it_runs() -> None:
    code = (
        "import sys; from replicate_ext import Outputs, Page; Outputs(['a'])._repr_html_(); Page([1])._repr_html_(); "
        "import replicate_ext._display.ipython as i; assert not i.is_notebook(); i.register(); "
        "print('IPython' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
