"""The context manager: journal, both clients, shutdown, HTTPS, fixtures for pytest."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from emulator_fixtures import module_fixtures, wait_until

from replicate_ext import APIConnectionError, AsyncReplicate, AuthenticationError, Replicate
from replicate_ext.emulator import TOKEN, Emulator

api, http, client = module_fixtures()


def test_requests_are_recorded_without_the_token(api, client) -> None:
    client.run("acme/hello", {"text": "Ada"})
    request = api.requests[-1]
    assert (request.method, request.path, request.status) == ("POST", "/v1/models/acme/hello/predictions", 201)
    assert request.operation == "models.predictions.create"
    assert request.body == {"input": {"text": "Ada"}}
    assert TOKEN not in repr(api.requests)


def test_sync_and_async_client_run_on_it(api) -> None:
    async def main() -> list[str]:
        async with AsyncReplicate(api.token, base_url=api.url) as client:
            return await asyncio.gather(*(client.run("acme/hello", {"text": str(n)}) for n in range(20)))

    assert asyncio.run(main()) == [f"Hello, {n}!" for n in range(20)]
    with Replicate("r8_wrong", base_url=api.url) as unauthenticated, pytest.raises(AuthenticationError):
        unauthenticated.account.get()


def test_emulators_share_no_state(api, client) -> None:
    client.run("acme/hello", {"text": "x"})
    with Emulator() as other, Replicate(other.token, base_url=other.url) as other_client:
        assert other_client.models.get("acme", "hello").run_count == 0
        assert client.models.get("acme", "hello").run_count > 0


def test_exit_does_not_wait_for_jobs_or_requests() -> None:
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        client.models.predictions.create("acme", "sleeper", input={"seconds": 86400})
        folder = Path(api._running_service.state._temporary_folder.name)
        assert folder.exists()
    assert not folder.exists()
    with Emulator() as api, socket.create_connection(api._address) as connection:
        head = f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n"
        connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\nabc".encode())
        assert httpx.get(api.url).status_code == 404  # by now the incomplete request has arrived
    with pytest.raises(RuntimeError, match="with"):
        _ = Emulator().requests


def test_a_client_that_vanishes_within_a_request_is_no_error(api, caplog: pytest.LogCaptureFixture) -> None:
    head = f"POST /v1/predictions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n"
    before = len(api.requests)
    with socket.create_connection(api._address) as connection:
        connection.sendall(f"{head}{{".encode())
        wait_until(lambda: len(api.requests) > before)
    wait_until(lambda: not api._server.server_state.tasks)
    assert caplog.records == []


def test_https_uses_a_throw_away_certificate() -> None:
    with Emulator(https=True) as api:
        assert api.url.startswith("https://")
        context = ssl.create_default_context(cafile=api.ca_file)
        with Replicate(api.token, base_url=api.url, verify=context) as client:
            [file] = client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
            assert file.url.startswith("https://")
            assert file.read().startswith(b"\x89PNG")
        with Replicate(api.token, base_url=api.url, max_retries=0) as untrusting, pytest.raises(APIConnectionError):
            untrusting.account.get()


def test_pytest_loads_the_fixtures(replicate_emulator, replicate_client) -> None:
    assert replicate_client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
    with Replicate() as configured:  # configured by the environment
        assert configured.account.get().username == "acme"
    operations = [request.operation for request in replicate_emulator.requests]
    assert operations == ["models.get", "models.predictions.create", "account.get"]
