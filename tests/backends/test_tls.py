"""TLS on every backend: which CA certificates are trusted, and the certificate of an https proxy."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import socketserver
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from conftest import TOKEN
from raw_server import ThreadedServer, serve_in_thread
from replicate_ext import APIConnectionError, AsyncReplicate, Replicate
from replicate_ext.emulator import Emulator

GetAccount = Callable[..., str]


@pytest.fixture
def get_account(client_kind: str) -> GetAccount:
    """Return a function that reads the account with a new client on one of the backends."""

    def get(token: str, base_url: str, **options: Any) -> str:
        if client_kind == "sync":
            with Replicate(token, base_url=base_url, **options) as client:
                return str(client.account.get().username)

        async def main() -> str:
            async with AsyncReplicate(token, base_url=base_url, **options) as client:
                return str((await client.account.get()).username)

        return asyncio.run(main())

    return get


@pytest.fixture(scope="module")
def secure() -> Iterator[Emulator]:
    """Run an emulator with a certificate that no CA on this machine has issued."""
    with Emulator(https=True) as emulator:
        yield emulator


def test_untrusted_certificate_is_reported_at_once_with_advice(get_account: GetAccount, secure: Emulator) -> None:
    with pytest.raises(APIConnectionError, match=r"certificate is not trusted; .* SSL_CERT_FILE .* verify='ca.pem'$"):
        get_account(secure.token, secure.url)


@pytest.mark.parametrize("form", ["str", "path", "context", "False"])
def test_verify_takes_a_path_a_context_or_false(get_account: GetAccount, secure: Emulator, form: str) -> None:
    ca_file = str(secure.ca_file)
    context = ssl.create_default_context(cafile=ca_file)
    verify = {"str": ca_file, "path": Path(ca_file), "context": context, "False": False}[form]
    assert get_account(secure.token, secure.url, verify=verify)


def test_verify_takes_a_folder(get_account: GetAccount, secure: Emulator, tmp_path: Path) -> None:
    with pytest.raises(APIConnectionError, match="not trusted"):  # no certificate has the hash that OpenSSL looks for
        get_account(secure.token, secure.url, verify=tmp_path)


def test_ssl_cert_file_is_respected_whenever_it_is_set(
    get_account: GetAccount, secure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with pytest.raises(APIConnectionError, match="not trusted"):
            get_account(secure.token, secure.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(secure.ca_file))
        assert get_account(secure.token, secure.url)
        monkeypatch.delenv("SSL_CERT_FILE")


def test_plain_http_server_at_an_https_url_is_reported_at_once(get_account: GetAccount, api: Emulator) -> None:
    with pytest.raises(APIConnectionError, match="does not speak TLS"):
        get_account(api.token, api.url.replace("http:", "https:"))


class TLSProxyHandler(socketserver.BaseRequestHandler):
    """A proxy with a certificate of its own: tunnels CONNECT, and responds to other requests with an account."""

    server: ThreadedServer
    context: ssl.SSLContext

    def handle(self) -> None:
        # An OSError means that the client does not trust the certificate, or has closed the connection.
        with contextlib.suppress(OSError), self.context.wrap_socket(self.request, server_side=True) as client:
            self.serve(client)

    def serve(self, client: ssl.SSLSocket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        target = head.split()[1].decode()
        self.server.received.append(target)
        if not head.startswith(b"CONNECT"):
            client.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"username":"me"}')
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                readable = [client] if client.pending() else select.select([client, upstream], [], [])[0]
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    (upstream if source is client else client).sendall(data)


@pytest.fixture(scope="module")
def proxy_ca() -> trustme.CA:
    return trustme.CA(organization_name="proxy")


@pytest.fixture
def proxy(proxy_ca: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedServer]:
    """Run an https proxy, which the environment names for all URLs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    proxy_ca.issue_cert("127.0.0.1").configure_cert(context)
    handler = type("Handler", (TLSProxyHandler,), {"context": context})
    monkeypatch.setenv("NO_PROXY", "")
    with serve_in_thread(handler) as server:
        monkeypatch.setenv("ALL_PROXY", server.url.replace("http:", "https:"))
        yield server


@pytest.fixture
def ca_file(proxy_ca: trustme.CA, secure: Emulator, tmp_path: Path) -> Path:
    """Return a file with the CA certificates of proxy and server."""
    path = tmp_path / "ca.pem"
    path.write_bytes(proxy_ca.cert_pem.bytes() + Path(str(secure.ca_file)).read_bytes())
    return path


@pytest.mark.parametrize("trust", ["verify", "SSL_CERT_FILE", "verify=False"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_certificate_of_a_proxy_is_verified_like_that_of_the_server(
    get_account: GetAccount,
    secure: Emulator,
    proxy: ThreadedServer,
    ca_file: Path,
    scheme: str,
    trust: str,
    monkeypatch,
) -> None:
    base_url = secure.url if scheme == "https" else "http://api.example.invalid"
    options: dict[str, Any] = {"verify": {"verify=False": False, "verify": ca_file}.get(trust, True)}
    if trust == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    assert get_account(secure.token, base_url, **options)
    assert len(proxy.received) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_untrusted_certificate_of_a_proxy_is_reported_at_once(
    get_account: GetAccount, secure: Emulator, proxy: ThreadedServer, scheme: str
) -> None:
    base_url = secure.url if scheme == "https" else "http://api.example.invalid"
    with pytest.raises(APIConnectionError, match="certificate is not trusted"):
        get_account(TOKEN, base_url, verify=secure.ca_file)
    assert proxy.received == []
