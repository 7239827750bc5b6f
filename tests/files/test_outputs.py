"""File outputs: what is wrapped, and reading, opening and displaying it."""

import base64
import copy
import io
import json
import pickle
import subprocess
import sys
from typing import Any

import httpx
import pytest
from PIL import Image

from conftest import Harness, json_response, prediction, serve_ranges
from replicate_ext import FileOutput

URL = "https://replicate.delivery/abc/out-0.png"
CONTENT = bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("output", "is_file"),
    [
        (URL, True),
        ("http://127.0.0.1:1/outputs/x/y.png", True),
        ("data:image/png;base64,iVBORw==", True),
        ("data:text/plain,hello", True),
        (f"see {URL}", False),
        (f"{URL} is it", False),
        ("https://", False),
        ("ftp://x.example/y", False),
        ("data: the new oil, they say", False),
        ("", False),
        (7, False),
        (None, False),
    ],
)
def test_only_a_whole_url_or_data_uri_is_wrapped(harness: Harness, output: object, is_file: bool) -> None:
    wrapped = harness.wrap(output)
    assert hasattr(wrapped, "save") is is_file
    assert wrapped == output


def test_nested_output_urls_become_file_outputs(harness: Harness) -> None:
    output = {"images": ["https://replicate.delivery/a/out.png"], "text": "see https://x.example", "n": 3}
    harness.server.respond_with(json_response(prediction(output=output), 201), httpx.Response(200, content=b"PNG"))
    wrapped = harness.call(harness.client.run("acme/hello"))
    assert wrapped == output
    assert type(wrapped["text"]) is str
    [image] = wrapped["images"]
    assert image.url == "https://replicate.delivery/a/out.png"
    assert isinstance(image, FileOutput) is (not harness.is_async)
    assert harness.call(image.read()) == b"PNG"


def output_schema(output: dict, **components: dict) -> dict:
    return {"components": {"schemas": {"Output": output, **components}}}


URI = {"type": "string", "format": "uri"}


@pytest.mark.parametrize(
    ("output", "schema", "expected"),
    [
        (URL, output_schema(URI), True),
        (URL, output_schema({"type": "string"}), False),
        ([URL], output_schema({"type": "array", "items": URI}), [True]),
        ([URL], output_schema({"type": "array", "items": {"type": "string"}}), [False]),
        (
            {"a": URL, "b": URL, "c": URL},
            output_schema({"type": "object", "properties": {"a": URI, "b": {"type": "string"}}}),
            {"a": True, "b": False, "c": True},
        ),
        (
            [[URL]],
            output_schema(
                {"$ref": "#/components/schemas/Rows"}, Rows={"items": {"items": {"$ref": "#/x/Url"}}}, Url=URI
            ),
            [[True]],
        ),
        (URL, output_schema({"allOf": [{"$ref": "#/components/schemas/Text"}]}, Text={"type": "string"}), False),
        (URL, output_schema({"$ref": "#/components/schemas/Output"}), True),
        (URL, output_schema({}), True),
        (URL, {"components": []}, True),
        (URL, {"components": {"schemas": {"Output": "text"}}}, True),
        ("not a url", output_schema(URI), False),
    ],
)
def test_output_schema_decides_what_is_wrapped(harness: Harness, output, schema, expected) -> None:
    def is_wrapped(value):
        if isinstance(value, list):
            return [is_wrapped(item) for item in value]
        if isinstance(value, dict):
            return {key: is_wrapped(item) for key, item in value.items()}
        return hasattr(value, "save")

    assert is_wrapped(harness.wrap(output, schema)) == expected


def test_run_uses_the_output_schema_of_the_latest_version(harness: Harness) -> None:
    version = {"id": "v" * 64, "openapi_schema": output_schema({"type": "string"})}
    harness.server.respond_with(
        httpx.Response(404, json={}),
        httpx.Response(200, json={"owner": "acme", "name": "linker", "latest_version": version}),
        httpx.Response(201, json=prediction(output=URL)),
    )
    assert type(harness.call(harness.client.run("acme/linker"))) is str


def test_file_output_is_a_string_with_its_url(harness: Harness) -> None:
    file = harness.wrap(URL)
    assert file.url == str(file) == URL
    assert f"{file}" == URL
    assert json.dumps({"image": file}) == f'{{"image": "{URL}"}}'
    assert URL in repr(file)
    assert "Output" in repr(file)
    assert len(repr(harness.wrap("data:image/png;base64," + "A" * 9999))) < 200
    for copied in (pickle.loads(pickle.dumps(file)), copy.deepcopy(file)):
        assert type(copied) is type(file)
        assert copied == file


def test_file_output_iterates_like_a_string(harness: Harness) -> None:
    file = harness.wrap(URL)
    assert "".join(file) == URL
    assert list(file) == list(URL)
    assert (file[:5], "delivery" in file, len(file)) == ("https", True, len(URL))
    assert str(httpx.URL(file)) == URL
    assert not hasattr(file, "__aiter__")
    assert harness.server.requests == []


def test_text_output_of_urls_can_be_joined(harness: Harness) -> None:
    output = harness.wrap(["see ", URL, ", or ", "http://x.example/"])  # without a schema, both URLs are wrapped
    assert "".join(output) == f"see {URL}, or http://x.example/"
    assert harness.server.requests == []


def chunks_of(file: Any) -> Any:
    return file.aiter_bytes() if hasattr(file, "aiter_bytes") else file.iter_bytes()


def test_read_and_iter_bytes_download_the_content_each_time(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    file = harness.wrap(URL)
    assert harness.call(file.read()) == b"PNG"
    assert b"".join(harness.collect(chunks_of(file))) == b"PNG"
    assert b"".join(harness.collect(chunks_of(file))) == b"PNG"
    assert harness.server.requested == ["GET /abc/out-0.png"] * 3
    assert hasattr(file, "iter_bytes") is not harness.is_async


def test_iter_bytes_yields_the_content_of_a_data_uri(harness: Harness) -> None:
    assert harness.collect(chunks_of(harness.wrap("data:text/plain,hello"))) == [b"hello"]


def test_iter_bytes_resumes_an_interrupted_download(harness: Harness) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, [300], etag='"1"'))
    assert harness.collect(chunks_of(harness.wrap(URL))) == [CONTENT[:300], CONTENT[300:]]


def test_read_with_a_size_continues_where_it_stopped(harness: Harness) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, []))
    file = harness.wrap(URL)
    parts = [harness.call(file.read(400)) for _ in range(5)]
    assert parts == [CONTENT[:400], CONTENT[400:800], CONTENT[800:], b"", CONTENT[:400]]
    assert harness.call(file.read(0)) == b""
    harness.server.responses = [httpx.Response(200, content=CONTENT)]  # a host without range requests
    file = harness.wrap(URL)
    assert [harness.call(file.read(600)) for _ in range(3)] == [CONTENT[:600], CONTENT[600:], b""]
    inline = harness.wrap("data:text/plain,hello")
    assert [harness.call(inline.read(3)) for _ in range(3)] == [b"hel", b"lo", b""]


@pytest.mark.parametrize("url", [URL, "data:image/png;base64," + base64.b64encode(CONTENT).decode()])
@pytest.mark.parametrize("has_ranges", [True, False])
def test_open_returns_a_seekable_file(harness: Harness, url: str, has_ranges: bool) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, []) if has_ranges else httpx.Response(200, content=CONTENT))
    result = harness.wrap(url).open()  # a file is awaitable only on the async client
    with harness.call(result) if harness.is_async else result as file:
        assert file.read(5) == CONTENT[:5]
        assert file.seek(-4, io.SEEK_END) == 1020
        assert file.read() == CONTENT[-4:]
        file.seek(100)
        file.seek(10, io.SEEK_CUR)
        assert (file.tell(), file.read(3)) == (110, CONTENT[110:113])
        assert file.seekable()
        assert file.readable()


def test_open_requests_only_the_range_that_is_read(server, clock) -> None:
    harness = Harness(server, clock, is_async=False)
    server.respond_with(serve_ranges(b"x" * 10_000_000, []))
    with harness.wrap(URL).open() as file:
        file.seek(5_000_000)
        assert file.read(10) == b"x" * 10
    assert [request.headers["range"] for request in server.requests] == ["bytes=5000000-5262143"]


def test_to_pil_and_content_type(harness: Harness) -> None:
    content = io.BytesIO()
    Image.new("RGB", (3, 2)).save(content, "PNG")
    harness.server.respond_with(httpx.Response(200, content=content.getvalue(), headers={"content-type": "image/png"}))
    file = harness.wrap("https://replicate.delivery/abc/out")
    assert file.content_type is None
    assert harness.call(file.to_pil()).size == (3, 2)
    assert file.content_type == "image/png"
    assert harness.wrap(URL).content_type == "image/png"
    assert harness.wrap("data:audio/wav;base64,AA==").content_type == "audio/wav"


def test_pillow_is_imported_lazily() -> None:
    code = "import sys; from replicate_ext import FileOutput; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
