"""Downloads: resume after an interruption, retries, redirects, expired files."""

import httpx
import pytest

from conftest import Harness, folder_contents, serve_ranges
from replicate_ext import APIConnectionError, APIStatusError, ResponseDecodeError

URL = "https://replicate.delivery/abc/out-0.png"
CONTENT = bytes(range(256)) * 4


@pytest.mark.parametrize("validator", [{"etag": '"abc"'}, {"last-modified": "Mon, 16 Mar 2026 10:11:12 GMT"}, {}])
def test_interrupted_download_resumes_with_a_range_request(
    harness: Harness, tmp_path, validator: dict[str, str]
) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, [100, 0, 300, 1], **validator))
    assert harness.call(harness.wrap(URL).save(tmp_path)).read_bytes() == CONTENT
    ranges = [request.headers.get("range") for request in harness.server.requests]
    assert ranges == [None, "bytes=100-", "bytes=100-", "bytes=400-", "bytes=401-"]
    if_range = [request.headers.get("if-range") for request in harness.server.requests[1:]]
    assert if_range == [*validator.values(), None][:1] * 4
    assert folder_contents(tmp_path) == {"out-0.png": CONTENT}


@pytest.mark.parametrize(
    "second",
    [
        httpx.Response(200, content=CONTENT),  # the file changed, or the host has no range requests
        httpx.Response(206, content=b"x", headers={"content-range": "bytes 7-7/1024"}),  # not the requested range
        httpx.Response(206, content=b"x", headers={"content-range": "bytes 100-100/999"}),  # another size
    ],
)
def test_resume_fails_if_the_file_may_have_changed(harness: Harness, tmp_path, second: httpx.Response) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, [100]), second)
    (tmp_path / "out.png").write_bytes(b"old")
    with pytest.raises(APIConnectionError, match="was interrupted"):
        harness.call(harness.wrap(URL).save(tmp_path / "out.png"))
    assert folder_contents(tmp_path) == {"out.png": b"old"}


def test_resume_without_progress_gives_up(harness: Harness, tmp_path) -> None:
    harness.server.respond_with(serve_ranges(CONTENT, [0] * 99))
    with pytest.raises(APIConnectionError, match="was interrupted"):
        harness.call(harness.wrap(URL).save(tmp_path))
    assert len(harness.server.requests) == 5
    assert folder_contents(tmp_path) == {}


def test_download_is_retried_before_its_first_byte(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(503), httpx.ReadTimeout("late"), httpx.Response(200, content=b"PNG"))
    assert harness.call(harness.wrap(URL).read()) == b"PNG"


@pytest.mark.parametrize("status", [403, 404])
def test_expired_file_error_explains_the_one_hour_limit(harness: Harness, tmp_path, status: int) -> None:
    harness.server.respond_with(httpx.Response(status, text="<html><title>Not here</title></html>"))
    for operation in (lambda file: file.save(tmp_path), lambda file: file.read(), lambda file: file.read(5)):
        with pytest.raises(APIStatusError, match=r"Not here: Replicate deletes the files .* one hour"):
            harness.call(operation(harness.wrap(URL)))
    assert folder_contents(tmp_path) == {}


def test_redirect_to_an_invalid_url_raises(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(302, headers={"location": "http://oops:port/?s3cret"}))
    with pytest.raises(ResponseDecodeError, match="redirect to an invalid URL") as caught:
        harness.call(harness.wrap(URL).read())
    assert "s3cret" not in str(caught.value)


def test_too_many_redirects_raise(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(302, headers={"location": URL}))
    with pytest.raises(ResponseDecodeError, match="redirects"):
        harness.call(harness.wrap(URL).read())
    assert len(harness.server.requests) == 6
