"""Sending one request: retries, timeouts, uploads, errors."""

import socket

import httpx
import pytest

from conftest import BASE_URL, TOKEN, Harness, json_response, prediction
from replicate_api.api.predictions import predictions_create, predictions_get
from replicate_api.models import VersionPredictionRequest
from replicate_ext import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    NotFoundError,
    RateLimitError,
    Replicate,
    ResponseDecodeError,
    ServerError,
    Upload,
)

NOT_SENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
INTERRUPTED = [
    httpx.ReadError("reset"),
    httpx.ReadTimeout("late"),
    httpx.RemoteProtocolError("incomplete"),
    httpx.WriteError("x"),
]


@pytest.mark.parametrize(
    "failure", [*NOT_SENT, *INTERRUPTED, *[json_response({}, status) for status in (429, 500, 502, 503, 504, 520)]]
)
def test_read_is_retried(harness: Harness, failure) -> None:
    harness.server.respond_with(failure, failure, json_response(prediction()))
    assert harness.call(harness.client.predictions.get("x")).status == "succeeded"
    assert len(harness.server.requests) == 3
    assert len(harness.clock.sleeps) == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError("refused"), APIConnectionError),
        (httpx.ReadTimeout("late"), APITimeoutError),
        (json_response({}, 502), ServerError),
        (httpx.Response(200, text="<html>not JSON</html>"), ResponseDecodeError),
        (json_response([1, 2, 3]), ResponseDecodeError),
        (json_response(None), ResponseDecodeError),
    ],
)
def test_lasting_failure_is_raised_after_max_retries(make_harness, failure, error: type) -> None:
    harness = make_harness(max_retries=3)
    harness.server.respond_with(failure)
    with pytest.raises(error, match="GET /predictions/x") as caught:
        harness.call(harness.client.predictions.get("x"))
    assert len(harness.server.requests) == 4
    assert caught.value.maybe_created_after is None


@pytest.mark.parametrize("failure", [*NOT_SENT, json_response({}, 429), json_response({}, 503, **{"retry-after": "1"})])
def test_create_that_was_not_accepted_is_retried(harness: Harness, failure) -> None:
    harness.server.respond_with(failure, json_response(prediction("starting"), 201))
    assert harness.call(harness.client.predictions.create(version="acme/hello", input={})).status == "starting"
    assert len(harness.server.requests) == 2


@pytest.mark.parametrize(
    "failure", [*INTERRUPTED, *[json_response({}, status) for status in (408, 500, 502, 503, 504, 520)]]
)
def test_create_that_may_have_been_accepted_is_not_retried(harness: Harness, failure) -> None:
    harness.server.respond_with(failure)
    with pytest.raises((APIConnectionError, APIStatusError)) as caught:
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert len(harness.server.requests) == 1
    assert caught.value.maybe_created_after


def test_create_with_undecodable_response_reports_maybe_created_after(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(201, text='{"id": "x0fm'))
    with pytest.raises(ResponseDecodeError, match="cannot decode the response") as caught:
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert len(harness.server.requests) == 1
    assert caught.value.maybe_created_after


def test_create_with_too_deeply_nested_response_reports_maybe_created_after(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(201, content=b"[" * 100_000))
    with pytest.raises(ResponseDecodeError) as caught:
        harness.call(harness.client.run("acme/hello"))
    assert caught.value.maybe_created_after is not None


def test_rejected_create_has_no_maybe_created_after(harness: Harness) -> None:
    harness.server.respond_with(json_response({"title": "Invalid version"}, 422))
    with pytest.raises(Exception, match="Invalid version") as caught:
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert caught.value.maybe_created_after is None


def test_refused_connection_raises_a_map_exception() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # without listen(): connections are refused
        base_url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with (
            Replicate(TOKEN, base_url=base_url, max_retries=0) as client,
            pytest.raises(APIConnectionError, match="GET /account: ConnectError"),
        ):
            client.account.get()


def test_connect_read_write_and_pool_timeouts(make_harness) -> None:
    harness = make_harness(timeout=httpx.Timeout(connect=1, read=2, write=3, pool=4))
    harness.server.respond_with(json_response(prediction()))
    harness.call(harness.client.predictions.get("x"))
    assert harness.server.requests[0].extensions["timeout"] == {"connect": 1, "read": 2, "write": 3, "pool": 4}


def test_low_level_client_shares_token_retries_and_errors(harness: Harness) -> None:
    harness.server.respond_with(
        json_response({}, 502), json_response(prediction()), json_response({"detail": "gone"}, 404)
    )
    get = predictions_get.asyncio if harness.is_async else predictions_get.sync
    assert harness.call(get("x", client=harness.client.api)).status == "succeeded"
    with pytest.raises(NotFoundError, match="gone"):
        harness.call(get("x", client=harness.client.api))
    assert all(request.headers["Authorization"] for request in harness.server.requests)


def test_held_low_level_create_extends_the_read_timeout(make_harness) -> None:
    harness = make_harness(timeout=3)
    harness.server.respond_with(json_response(prediction("starting"), 201))
    create = predictions_create.asyncio if harness.is_async else predictions_create.sync
    body = VersionPredictionRequest(version="a/b", input={})
    harness.call(create(client=harness.client.api, body=body, prefer="wait=30"))
    assert harness.server.requests[0].extensions["timeout"] == {"connect": 3, "read": 45, "write": 3, "pool": None}


def test_request_sends_any_method_and_path(harness: Harness) -> None:
    harness.server.respond_with(json_response({"new": True}), httpx.Response(204))
    assert harness.call(harness.client.request("post", "/new/thing", params={"a": 1}, json={"b": 2})) == {"new": True}
    assert str(harness.server.requests[0].url) == f"{BASE_URL}/new/thing?a=1"
    assert harness.server.request_json() == {"b": 2}
    assert harness.call(harness.client.request("DELETE", "/new/thing")) is None
    with pytest.raises(ValueError, match="must begin with a slash"):
        harness.call(harness.client.request("GET", "https://evil.example/"))


def test_cookies_are_not_stored(harness: Harness) -> None:
    harness.server.respond_with(
        json_response({"username": "me"}, **{"Set-Cookie": "__cf_bm=x; Path=/"}), json_response({"username": "me"})
    )
    harness.call(harness.client.account.get())
    harness.call(harness.client.account.get())
    assert all("cookie" not in request.headers for request in harness.server.requests)


def test_retried_upload_sends_the_file_from_its_start(harness: Harness, tmp_path) -> None:
    path = tmp_path / "cat.txt"
    path.write_bytes(b"content")
    harness.server.respond_with(json_response({}, 429), json_response({"id": "f"}, 201))
    with path.open("rb") as file:
        file.read(4)  # the whole file is sent, whatever the current position
        harness.call(harness.client.files.create(content=file))
    bodies = [request.content for request in harness.server.requests]
    assert all(b"\r\n\r\ncontent\r\n" in body and b'filename="cat.txt"' in body for body in bodies)
    assert all(b"Content-Type: text/plain" in body for body in bodies)
    boundaries = {request.headers["Content-Type"].partition("boundary=")[2] for request in harness.server.requests}
    assert len(boundaries) == 2


def test_upload_of_an_unseekable_file_is_not_retried(harness: Harness) -> None:
    class Pipe:
        def __init__(self) -> None:
            self.chunks = [b"data", b""]

        def seekable(self) -> bool:
            return False

        def read(self, size: int = -1) -> bytes:
            return self.chunks.pop(0)

    harness.server.respond_with(json_response({}, 429))
    with pytest.raises(RateLimitError):
        harness.call(harness.client.files.create(content=Upload(Pipe(), "x.bin")))
    assert len(harness.server.requests) == 1
