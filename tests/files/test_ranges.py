"""Responses to ranges: less than the rest, another content, reads in parts."""

import io

import httpx
import pytest

from conftest import ByteStream, Harness, folder_contents, serve_ranges
from replicate_ext import APIConnectionError, APIStatusError, ReplicateError, ResponseDecodeError

URL = "https://replicate.delivery/abc/out-0.png"
CONTENT = bytes(range(256)) * 4
MODIFIED = "Mon, 16 Mar 2026 10:11:12 GMT"


def part(start: int, stop: int, total: int | str = len(CONTENT), *, body: bytes | None = None, **headers: str):
    """Return a 206 with bytes of the content."""
    headers["content-range"] = f"bytes {start}-{stop - 1}/{total}"
    return lambda request: httpx.Response(206, content=CONTENT[start:stop] if body is None else body, headers=headers)


def interrupted(stop: int, **headers: str):
    """Return a 200 that is interrupted after some bytes."""
    headers.setdefault("content-length", str(len(CONTENT)))
    headers = {name: value for name, value in headers.items() if value}
    return lambda request: httpx.Response(
        200, stream=ByteStream(CONTENT[:stop], httpx.ReadError("reset")), headers=headers
    )


def ranges(harness: Harness) -> list[str | None]:
    return [request.headers.get("range") for request in harness.server.requests]


def test_rest_is_requested_until_the_size_is_reached(harness: Harness, tmp_path) -> None:
    harness.server.respond_with(
        interrupted(100, etag='"a"'), part(100, 164, etag='"a"'), part(164, 1000), part(1000, 1024)
    )
    assert harness.call(harness.wrap(URL).save(tmp_path)).read_bytes() == CONTENT
    assert ranges(harness) == [None, "bytes=100-", "bytes=164-", "bytes=1000-"]


def test_response_with_less_than_its_length_is_resumed(harness: Harness) -> None:
    short = httpx.Response(200, stream=ByteStream(CONTENT[:300]), headers={"content-length": "1024"})
    harness.server.respond_with(lambda request: short, part(300, 1024))
    assert harness.call(harness.wrap(URL).read()) == CONTENT


def test_rest_of_unknown_size_is_requested_until_416(harness: Harness) -> None:
    harness.server.respond_with(
        interrupted(100, etag='"a"', **{"content-length": ""}),
        part(100, 164, "*"),
        part(164, 1024, "*"),
        httpx.Response(416, headers={"content-range": "bytes */1024"}),
    )
    assert harness.call(harness.wrap(URL).read()) == CONTENT
    assert ranges(harness)[-1] == "bytes=1024-"


def test_parts_without_progress_give_up(harness: Harness) -> None:
    harness.server.respond_with(interrupted(100), part(100, 200, body=b""))
    with pytest.raises(APIConnectionError, match=r"no bytes arrive after the first 100"):
        harness.call(harness.wrap(URL).read())
    assert len(harness.server.requests) == 6


@pytest.mark.parametrize(
    "second",
    [
        part(100, 1024, etag='"b"'),
        part(100, 1024, etag='W/"b"'),
        part(100, 1024, **{"last-modified": "Tue, 17 Mar 2026 10:11:12 GMT"}),
        part(100, 2000, 2000),
        part(0, 1024),
        part(99, 1024),
        part(101, 1024),
        lambda request: httpx.Response(206, content=CONTENT[100:]),
        lambda request: httpx.Response(206, content=CONTENT[100:], headers={"content-range": "lines 1-2/3"}),
        lambda request: httpx.Response(200, content=CONTENT),
        part(100, 200, body=CONTENT[100:]),
        httpx.Response(416, headers={"content-range": "bytes */90"}),
        httpx.Response(416),
    ],
)
def test_two_contents_are_not_joined(harness: Harness, tmp_path, second) -> None:
    harness.server.respond_with(interrupted(100, etag='"a"', **{"last-modified": MODIFIED}), second)
    (tmp_path / "out.png").write_bytes(b"old")
    with pytest.raises((APIConnectionError, ResponseDecodeError, APIStatusError)):
        harness.call(harness.wrap(URL).save(tmp_path / "out.png"))
    assert folder_contents(tmp_path) == {"out.png": b"old"}


def test_rest_without_anything_that_identifies_the_content_is_rejected(harness: Harness) -> None:
    harness.server.respond_with(interrupted(100, **{"content-length": ""}), part(100, 1024))
    with pytest.raises(APIConnectionError, match="was interrupted"):
        harness.call(harness.wrap(URL).read())


@pytest.mark.parametrize(
    "changed",
    [
        part(400, 800, etag='"b"'),
        part(400, 800, **{"last-modified": "Tue, 17 Mar 2026 10:11:12 GMT"}),
        part(400, 800, 2000),
        part(300, 800),
        lambda request: httpx.Response(200, content=CONTENT, headers={"etag": '"b"'}),
    ],
)
def test_reads_of_different_contents_raise(harness: Harness, changed) -> None:
    harness.server.respond_with(part(0, 400, etag='"a"', **{"last-modified": MODIFIED}), changed)
    file = harness.wrap(URL)
    assert harness.call(file.read(400)) == CONTENT[:400]
    with pytest.raises(APIConnectionError, match="the content changed"):
        harness.call(file.read(400))
    assert harness.server.requests[1].headers["if-range"] == '"a"'
    if not harness.is_async:
        harness.server.responses = [part(0, 400, etag='"a"', **{"last-modified": MODIFIED}), changed]
        with io.BufferedReader(harness.wrap(URL).open().detach(), 400) as opened:
            assert opened.read(400) == CONTENT[:400]
            with pytest.raises(ReplicateError, match="the content changed"):
                opened.read(400)


def test_read_of_a_size_requests_the_rest_of_a_short_response(harness: Harness) -> None:
    harness.server.respond_with(part(0, 100), part(100, 250), part(250, 400))
    assert harness.call(harness.wrap(URL).read(400)) == CONTENT[:400]
    assert ranges(harness) == ["bytes=0-399", "bytes=100-399", "bytes=250-399"]


def test_interrupted_read_of_a_size_is_resumed(harness: Harness) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, [100], etag='"a"'))
    assert harness.call(harness.wrap(URL).read(400)) == CONTENT[:400]
    assert ranges(harness) == ["bytes=0-399", "bytes=100-399"]


def test_failed_read_of_a_size_can_be_repeated(harness: Harness) -> None:
    harness.server.respond_with(part(0, 400), httpx.Response(400), part(400, 800))
    file = harness.wrap(URL)
    harness.call(file.read(400))
    with pytest.raises(APIStatusError):
        harness.call(file.read(400))
    assert harness.call(file.read(400)) == CONTENT[400:800]


@pytest.mark.parametrize("before", [0, 10])
def test_read_of_an_opened_file_takes_two_requests_at_most(server, clock, before: int) -> None:
    content = bytes(5_000_000)
    harness = Harness(server, clock, is_async=False)
    server.respond_with(serve_ranges(content, []))
    with harness.wrap(URL).open() as file:
        file.read(before)
        assert len(file.read()) == len(content) - before
        assert file.read() == b""
    assert len(server.requests) <= 2
    server.requests.clear()
    with harness.wrap(URL).open() as file:
        assert len(file.read(4_900_000)) == 4_900_000
    assert len(server.requests) <= 2


def test_size_is_requested_once(server, clock) -> None:
    harness = Harness(server, clock, is_async=False)
    server.respond_with(serve_ranges(CONTENT, []))
    with harness.wrap(URL).open() as file:
        assert file.seek(0, io.SEEK_END) == 1024
        assert file.seek(-24, io.SEEK_END) == 1000
        assert file.read() == CONTENT[1000:]
    assert ranges(harness) == ["bytes=0-0", "bytes=1000-"]
