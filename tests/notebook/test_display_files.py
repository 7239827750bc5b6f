"""Files and lists of files in a notebook: embedded while they are small, else a link."""

from __future__ import annotations

import base64
import pickle
import re
import time
from typing import Any

import httpx
import pytest

from conftest import ByteStream, FakeClock, Harness, ScriptedServer, json_response, prediction, serve_ranges
from replicate_ext import FileOutput, Outputs
from replicate_ext._files.embed import MIB

URL = "https://replicate.delivery/abc/out-0"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 16
JPEG_URI = f"data:image/jpeg;base64,{base64.b64encode(b'JPEG').decode()}"


def respond_with_file(harness: Harness, content: bytes, media_type: str | None = None) -> None:
    headers = {"content-type": media_type} if media_type else {}
    harness.server.responses = [httpx.Response(200, content=content, headers=headers)]


def show(harness: Harness, url: str) -> str:
    """Return what a notebook shows; of an async file, after it was read there."""
    file = harness.wrap(url)
    if harness.is_async:
        harness.call(file.read())
    return str(file._repr_html_())


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._files.outputs.is_notebook", lambda: True)


@pytest.fixture
def sync_harness(server: ScriptedServer, clock: FakeClock) -> Harness:
    """Return a client whose files are downloaded to be shown."""
    return Harness(server, clock, is_async=False)


def data_uri(media_type: str, content: bytes) -> str:
    return f'src="data:{media_type};base64,{base64.b64encode(content).decode()}"'


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize(
    ("url", "declared", "content", "tag", "media_type"),
    [
        (f"{URL}.png", "image/png", PNG, "img", "image/png"),
        (f"{URL}.webp", "image/webp", b"webp", "img", "image/webp"),
        (f"{URL}.gif", "image/gif", b"GIF89a", "img", "image/gif"),
        (f"{URL}.avif", "application/octet-stream", b"avif", "img", "image/avif"),
        (f"{URL}.svg", "image/svg+xml", b"<svg onload='alert(1)'/>", "img", "image/svg+xml"),
        (f"{URL}.mp3", "audio/mpeg", b"ID3", "audio", "audio/mpeg"),
        (f"{URL}.mp4", "VIDEO/MP4", b"ftyp", "video", "video/mp4"),
        (URL, "image/png", PNG, "img", "image/png"),
        (URL, None, PNG, "img", "image/png"),
        (URL, "binary/octet-stream", PNG, "img", "image/png"),
    ],
)
def test_pictures_and_players_are_embedded(
    harness: Harness, url: str, declared: str | None, content: bytes, tag: str, media_type: str
) -> None:
    respond_with_file(harness, content, declared)
    html = show(harness, url)
    assert html.startswith(f"<{tag} ")
    assert data_uri(media_type, content) in html
    assert "https:" not in html


@pytest.mark.usefixtures("notebook")
def test_a_data_uri_is_embedded_without_a_request(harness: Harness) -> None:
    assert data_uri("image/jpeg", b"JPEG") in show(harness, JPEG_URI)
    assert harness.server.requests == []


@pytest.mark.usefixtures("notebook")
def test_a_file_that_is_shown_again_is_not_downloaded_again(harness: Harness) -> None:
    respond_with_file(harness, PNG, "image/png")
    file = harness.wrap(f"{URL}.png")
    harness.call(file.read())
    assert file._repr_html_() == file._repr_html_()
    assert len(harness.server.requests) == 1


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize(
    ("media_type", "limit"), [("image/png", 5 * MIB), ("audio/mpeg", 10 * MIB), ("video/mp4", 10 * MIB)]
)
def test_larger_files_are_links_with_the_time_of_expiry(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, media_type: str, limit: int
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    respond_with_file(harness, b"0" * limit, media_type)
    assert "src=" in show(harness, URL)
    respond_with_file(harness, b"0" * (limit + 1), media_type)
    html = show(harness, URL)
    assert "src=" not in html
    assert f'<a href="{URL}"' in html
    assert time.strftime("expires by %Y-%m-%d %H:%M", time.localtime(1_700_003_600)) in html


def test_the_download_of_a_large_file_stops_at_the_limit(sync_harness: Harness) -> None:
    body = ByteStream(*[b"0" * MIB] * 6, AssertionError("read beyond the limit"))
    sync_harness.server.responses = [
        lambda request: httpx.Response(200, stream=body, headers={"content-type": "image/png"})
    ]
    assert "src=" not in show(sync_harness, URL)
    assert body.is_closed


@pytest.mark.parametrize("name", ["a.bin.zip", "a.json", "a.txt", "a.glb.pdf"])
def test_files_that_cannot_be_shown_are_links_without_a_request(harness: Harness, name: str) -> None:
    html = harness.wrap(f"https://replicate.delivery/{name}")._repr_html_()
    assert html.startswith(f'<a href="https://replicate.delivery/{name}"')
    assert harness.server.requests == []


@pytest.mark.usefixtures("notebook")
def test_a_page_in_place_of_a_picture_is_a_link(harness: Harness) -> None:
    respond_with_file(harness, b"<script>alert(1)</script>", "text/html")
    html = show(harness, f"{URL}.png")
    assert html.startswith("<a ")
    assert "script" not in html


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (httpx.Response(404), "NotFoundError"),
        (httpx.Response(403, text="<b>\n</b>"), "PermissionDeniedError"),
        (httpx.ConnectError("<b>no route</b>"), "APIConnectionError"),
        (RuntimeError("<b>broken</b>\nsecond line"), "RuntimeError: &lt;b&gt;broken&lt;/b&gt;"),
    ],
)
def test_a_failed_download_is_a_link_with_the_reason(sync_harness: Harness, response: Any, reason: str) -> None:
    sync_harness.server.respond_with(response)
    html = sync_harness.wrap(f"{URL}.png")._repr_html_()
    assert f'<a href="{URL}.png"' in html
    assert reason in html
    assert "\n" not in html
    assert "<b>" not in html


def test_an_async_file_is_a_link_until_it_is_read(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=True)
    html = harness.wrap(f"{URL}.png")._repr_html_()
    assert html.startswith(f'<a href="{URL}.png"')
    assert "`await file.read()` downloads it" in html
    assert harness.server.requests == []


def test_content_is_kept_in_notebooks_only(harness: Harness) -> None:
    respond_with_file(harness, PNG, "image/png")
    file = harness.wrap(f"{URL}.png")
    harness.call(file.read())
    assert file._content is None


def test_a_url_is_escaped_and_expires_only_at_replicate(harness: Harness) -> None:
    html = harness.wrap('https://x.example/"><script>.zip?a=1&b=2')._repr_html_()
    assert '"><script>' not in html
    assert "a=1&amp;b=2" in html
    assert "expires" not in html
    restored = pickle.loads(pickle.dumps(harness.wrap("https://replicate.delivery/a.zip")))
    assert "expires" not in restored._repr_html_(), "the time of its creation is unknown"


def test_only_urls_of_the_web_are_links(harness: Harness) -> None:
    file = FileOutput("javascript:alert(1)", harness.client._session)
    file._content, file._response_type = b"x", "text/plain"
    assert "<a " not in file._repr_html_()
    assert "<a " not in harness.wrap("data:application/json,{}")._repr_html_()


def run(harness: Harness, output: object) -> Any:
    harness.server.responses = [json_response(prediction(output=output), 201)]
    return harness.call(harness.client.run("acme/hello"))


def test_run_returns_a_list_as_outputs(harness: Harness) -> None:
    outputs = run(harness, [f"{URL}.png", {"a": [1]}, "text"])
    assert type(outputs) is Outputs
    assert outputs == [f"{URL}.png", {"a": [1]}, "text"]
    assert type(outputs[1]["a"]) is list
    assert str(outputs) == repr(outputs)
    assert outputs[0].url == f"{URL}.png"
    for value in ("text", {"a": [1]}, 3, None):
        assert type(run(harness, value)) is type(value)


def test_the_text_of_outputs_is_joined(harness: Harness) -> None:
    outputs = run(harness, ["Roses", " are", " <b>red</b>\n."])
    assert f"{outputs}" == "Roses are <b>red</b>\n."
    assert "Roses are &lt;b&gt;red&lt;/b&gt;\n." in outputs._repr_html_()
    assert str(run(harness, [1, 2])) == "[1, 2]"


def test_outputs_behave_like_a_list(harness: Harness) -> None:
    outputs = run(harness, [JPEG_URI, "text"])
    assert pickle.loads(pickle.dumps(outputs)) == outputs
    harness.server.responses = [json_response(prediction(output="x"), 201)]
    harness.call(harness.client.run("acme/hello", {"images": outputs}))
    assert harness.server.request_json()["input"] == {"images": [JPEG_URI, "text"]}


@pytest.mark.usefixtures("notebook")
def test_outputs_show_pictures_players_and_text_in_a_row(sync_harness: Harness) -> None:
    outputs = run(sync_harness, [f"{URL}.png", f"{URL}.mp3", "a ", "b", {"<b>": 1}, None])
    sync_harness.server.responses = [serve_ranges(PNG, [])]
    html = outputs._repr_html_()
    assert re.findall(r"<(img|audio|video)", html) == ["img", "audio"]
    assert ">a b<" in html
    assert "&lt;b&gt;" in html
    assert 'src="http' not in html


def test_many_outputs_are_not_all_shown(harness: Harness) -> None:
    outputs = run(harness, [JPEG_URI] * 25)
    html = outputs._repr_html_()
    assert "… 5 more" in html
    assert len(re.findall("<div[^>]*><", html.partition("<div")[2])) == 20


def test_several_files_fit_into_a_row_and_one_has_its_own_size(harness: Harness) -> None:
    assert "max-width:20em" not in run(harness, [JPEG_URI])._repr_html_()
    html = run(harness, [JPEG_URI, "text", JPEG_URI])._repr_html_()
    assert html.count('<div style="max-width:20em"><img ') == 2
    assert "<div><div" in html, "text keeps the whole width"


def test_json_in_outputs_is_monospaced(harness: Harness) -> None:
    assert "font-family:monospace" in run(harness, [{"a": 1}])._repr_html_()
    assert "monospace" not in run(harness, ["text"])._repr_html_()


def test_empty_outputs_are_visible(harness: Harness) -> None:
    assert run(harness, [])._repr_html_() == "[]"
