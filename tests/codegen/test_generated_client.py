"""The generated package's own clients: arguments, copies, event loops, redirects."""

from __future__ import annotations

import asyncio
import gc
import ssl
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from generated_models import MODULES
from replicate_api import AuthenticatedClient, Client
from replicate_api.errors import UnexpectedStatus
from replicate_api.types import Request

ACCOUNT = MODULES["account.get"]
URL = "https://api.example/v1/"


@pytest.fixture
def requests() -> list[httpx.Request]:
    return []


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[[Client], Any]:
    """Return a function that gets the account through a client, sync or async."""
    if request.param == "sync":
        return lambda client: ACCOUNT.sync_detailed(client=client)
    return lambda client: asyncio.run(ACCOUNT.asyncio_detailed(client=client))


def respond(requests: list[httpx.Request], *responses: httpx.Response) -> dict[str, Any]:
    """Return `httpx_args` for a server that sends the responses in order, and then accounts."""
    remaining = list(responses)

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return remaining.pop(0) if remaining else httpx.Response(200, json={"username": "me"})

    return {"transport": httpx.MockTransport(handle)}


def test_constructor_takes_the_arguments_of_openapi_python_client(requests, call) -> None:
    client = AuthenticatedClient(
        base_url=URL,
        token="r8_x",
        prefix="Token",
        auth_header_name="X-Auth",
        headers={"X-Team": "a"},
        cookies={"session": "s"},
        timeout=httpx.Timeout(7),
        verify_ssl=True,
        follow_redirects=False,
        httpx_args=respond(requests),
        raise_on_unexpected_status=True,
    )
    assert call(client).parsed.username == "me"
    assert str(requests[0].url) == "https://api.example/v1/account"
    headers = requests[0].headers
    assert (headers["x-auth"], headers["x-team"], headers["cookie"]) == ("Token r8_x", "a", "session=s")
    assert "authorization" not in headers
    assert requests[0].extensions["timeout"]["read"] == 7
    call(AuthenticatedClient(URL, "r8_y", "", httpx_args=respond(requests)))
    assert requests[1].headers["authorization"] == "r8_y"
    call(Client(URL, httpx_args=respond(requests)))
    assert "authorization" not in requests[2].headers
    assert isinstance(client, Client)


@pytest.mark.parametrize("verify", [False, True, ssl.create_default_context()])
def test_verify_ssl_is_passed_to_httpx(verify, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    create = httpx.Client.__init__

    def record(self: httpx.Client, **arguments: Any) -> None:
        seen.append(arguments["verify"])
        create(self, **arguments)

    monkeypatch.setattr(httpx.Client, "__init__", record)
    with pytest.raises(httpx.ConnectError):
        ACCOUNT.sync(client=Client("http://127.0.0.1:9", verify_ssl=verify))
    assert seen == [verify]


def test_verify_ssl_takes_the_path_of_a_ca_file(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        ACCOUNT.sync(client=Client("https://127.0.0.1:9", verify_ssl=str(tmp_path / "ca.pem")))
    with pytest.raises(httpx.ConnectError):
        ACCOUNT.sync(client=Client("https://127.0.0.1:9", verify_ssl=str(tmp_path)))


def test_repr_shows_no_secret() -> None:
    client = AuthenticatedClient(URL, "r8_secret", headers={"a": "r8_secret"}, cookies={"b": "r8_secret"})
    assert "r8_secret" not in repr(client)
    assert URL in repr(client)


@pytest.mark.parametrize("used_before", [False, True])
def test_with_headers_cookies_and_timeout_return_copies(requests, call, used_before) -> None:
    client = AuthenticatedClient(URL, "r8_x", headers={"X-Team": "a"}, httpx_args=respond(requests))
    if used_before:
        call(client)
    others = [
        client.with_headers({"x-team": "b", "X-New": "c"}),
        client.with_cookies({"session": "s"}),
        client.with_timeout(httpx.Timeout(3)),
    ]
    requests.clear()
    for each in (client, *others):
        call(each)
    assert [request.headers["x-team"] for request in requests] == ["a", "b", "a", "a"]
    assert [request.headers.get("x-new") for request in requests] == [None, "c", None, None]
    assert [request.headers.get("cookie") for request in requests] == [None, None, "session=s", None]
    assert [request.extensions["timeout"]["read"] == 3 for request in requests] == [False, False, False, True]
    assert {request.headers["authorization"] for request in requests} == {"Bearer r8_x"}


def test_default_timeout_is_longer_than_the_server_may_hold_a_create(requests, call) -> None:
    call(Client(URL, httpx_args=respond(requests)))
    timeout = requests[0].extensions["timeout"]
    assert timeout["read"] > 60
    assert timeout["connect"] == 10


@pytest.mark.parametrize("status", [302, 404, 500])
def test_raise_on_unexpected_status_raises_for_anything_but_2xx(requests, call, status) -> None:
    responses = [httpx.Response(status, json={"detail": "no"}) for _ in range(2)]
    arguments = respond(requests, *responses)
    assert call(Client(URL, httpx_args=arguments)).status_code == status
    with pytest.raises(UnexpectedStatus, match=f"status {status}"):
        call(Client(URL, httpx_args=arguments, raise_on_unexpected_status=True))


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/account",
        "http://api.example/v1/account",
        "https://api.example:8443/v1/account",
        "https://api.example.evil/",
        "//evil.example",
    ],
)
def test_redirect_to_another_origin_gets_no_token_header_or_cookie(requests, call, location) -> None:
    redirect = httpx.Response(302, headers={"location": location})
    client = AuthenticatedClient(
        URL,
        "r8_x",
        auth_header_name="X-Auth",
        headers={"X-Key": "r8_x"},
        cookies={"session": "r8_x"},
        follow_redirects=True,
        httpx_args=respond(requests, redirect),
    )
    assert call(client).parsed.username == "me"
    assert len(requests) == 2
    assert "r8_x" in repr(requests[0].headers.raw)
    assert "r8_x" not in repr(requests[1].headers.raw)


def test_redirect_on_the_same_origin_keeps_the_token(requests, call) -> None:
    redirect = httpx.Response(307, headers={"location": "/v1/other"})
    arguments = respond(requests, redirect)
    client = AuthenticatedClient("https://API.example:443/v1", "r8_x", follow_redirects=True, httpx_args=arguments)
    call(client)
    assert [request.headers["authorization"] for request in requests] == ["Bearer r8_x"] * 2
    assert [request.url.path for request in requests] == ["/v1/account", "/v1/other"]


def test_event_hooks_of_the_caller_are_kept(requests) -> None:
    hooked: list[str] = []
    hooks = {"request": [lambda request: hooked.append(request.url.path)]}
    ACCOUNT.sync(client=Client(URL, httpx_args={**respond(requests), "event_hooks": hooks}))
    assert hooked == ["/v1/account"]


def test_client_serves_several_event_loops_one_after_another(emulator) -> None:
    client = AuthenticatedClient(emulator.url, emulator.token)

    async def main() -> list[str]:
        accounts = await asyncio.gather(ACCOUNT.asyncio(client=client), ACCOUNT.asyncio(client=client))
        return [account.username for account in accounts]

    async def main_with_close() -> list[str]:
        async with client:
            return await main()

    with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # main does not close its connections
        for run in (main, main, main_with_close, main_with_close):
            assert asyncio.run(run()) == ["acme", "acme"]
        assert not client._async_clients
        gc.collect()


def test_closed_client_opens_new_connections(account_server) -> None:
    client = Client(account_server.url)
    for _ in range(2):
        with client:
            assert ACCOUNT.sync(client=client).username == "me"


def test_huge_numbers_and_deep_json_are_value_errors(requests, call) -> None:
    for body in (b'{"id": ' + b"9" * 5000 + b"}", b"[" * 200_000, b'{"a":' * 200_000, b'{"username": 1e999999999999}'):
        client = Client(URL, httpx_args=respond(requests, httpx.Response(200, content=body)))
        if body.startswith(b'{"username'):
            assert call(client).parsed.username == float("inf")
            continue
        with pytest.raises(ValueError, match=r".+"):
            call(client)
        response = call(Client(URL, httpx_args=respond(requests, httpx.Response(500, content=body))))
        assert (response.status_code, response.problem) == (500, None)


def test_request_without_a_path_below_the_base_url_goes_nowhere_else(requests) -> None:
    client = AuthenticatedClient("https://api.example", "r8_x", httpx_args=respond(requests))
    for path in ("@evil.example/", ".evil.example/", "https://evil.example/"):
        with pytest.raises(ValueError, match="path must begin with a slash"):
            client.send(Request("GET", path), lambda response: None)
    assert requests == []
