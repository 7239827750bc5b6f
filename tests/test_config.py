"""Constructor arguments and environment variables: token, base URL, retries, proxies, TLS."""

import ssl
from typing import Any

import httpx
import pytest

from conftest import TOKEN, config_of
from replicate_ext import AsyncReplicate, AuthenticationError, Replicate
from replicate_ext._config import Config


@pytest.mark.parametrize("cls", [Replicate, AsyncReplicate])
@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "no API token: set the environment variable REPLICATE_API_TOKEN"),
        (f'"{TOKEN}"', "quotes around it"),
        (f"'{TOKEN}'", "quotes around it"),
        (f" {TOKEN}", "begins or ends with whitespace"),
        (f"{TOKEN}\n", "begins or ends with whitespace"),
        (f"Bearer {TOKEN}", "begins with 'Bearer'"),
        ("r8_ab cd", "contains a space"),
        ("r8_\u0430b", "contains a space or a character"),
    ],
)
def test_invalid_token_is_rejected_by_the_constructor(cls, token: str, message: str, monkeypatch) -> None:
    with pytest.raises(AuthenticationError, match=message) as caught:
        cls(token)
    assert len(token) < 5 or token.strip() not in str(caught.value)
    monkeypatch.setenv("REPLICATE_API_TOKEN", token)
    with pytest.raises(AuthenticationError, match=message):
        cls()


def test_token_defaults_to_the_environment_variable(monkeypatch) -> None:
    with pytest.raises(AuthenticationError, match="no API token"):
        Replicate()
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    assert config_of(Replicate()).token == TOKEN
    assert config_of(Replicate("r8_other")).token == "r8_other"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, "https://api.replicate.com/v1"),
        ("https://api.replicate.com", "https://api.replicate.com/v1"),
        ("https://api.replicate.com/", "https://api.replicate.com/v1"),
        ("https://api.replicate.com/v1/", "https://api.replicate.com/v1"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787/v1"),
        ("https://proxy.example/replicate", "https://proxy.example/replicate"),
        ("https://proxy.example/replicate/v1/", "https://proxy.example/replicate/v1"),
        (
            "https://gateway.ai.cloudflare.com/v1/account/gateway/replicate",
            "https://gateway.ai.cloudflare.com/v1/account/gateway/replicate",
        ),
    ],
)
def test_v1_is_added_to_a_base_url_without_a_path(base_url: str | None, expected: str, monkeypatch) -> None:
    assert config_of(Replicate(TOKEN, base_url=base_url)).base_url == expected
    if base_url:
        monkeypatch.setenv("REPLICATE_BASE_URL", base_url)
        assert config_of(Replicate(TOKEN)).base_url == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "api.replicate.com",
        "ftp://x.example",
        "https://",
        "https://x.example/?a=1",
        "http://x:port/",
        "https://me:secret@gateway.example",
        "http://a..b/",
        f"http://{'a' * 64}.example",
        "http://x.example:99999",
    ],
)
def test_invalid_base_url_is_rejected(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Replicate(TOKEN, base_url=base_url)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://api.replicate.com/v1", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://api.replicate.com/v1", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://127.0.0.1:8787/v1", None),
        ({"ALL_PROXY": "p:3128"}, "http://x.example/", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "replicate.com"}, "https://api.replicate.com/v1", None),
        (
            {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "replicate.com"},
            "https://replicate.delivery/x",
            "http://p:3128",
        ),
        ({"ALL_PROXY": "http://p:3128", "NO_PROXY": "localhost,127.0.0.1:8787"}, "http://127.0.0.1:8787/", None),
        ({"ALL_PROXY": "http://p:3128", "NO_PROXY": "*"}, "https://api.replicate.com/v1", None),
    ],
)
def test_proxy_from_the_environment_by_url(environment: dict, url: str, proxy: str | None, monkeypatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Config().proxy(httpx.URL(url)) == proxy


def test_verify_option_and_shared_default_ssl_context(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context()
    verify: list[Any] = []

    def transport(**arguments: object) -> httpx.BaseTransport:
        verify.append(arguments["verify"])
        return httpx.MockTransport(lambda request: httpx.Response(200))

    monkeypatch.setattr(httpx, "HTTPTransport", transport)
    for options in ({"verify": context}, {"verify": False}, {}, {}):
        Replicate(TOKEN, **options).request("GET", "/")
    Replicate(TOKEN, base_url="http://127.0.0.1:1").request("GET", "/")
    assert verify[:2] == [context, False]
    assert verify[2] is verify[3]
    assert verify[4] is False  # plain HTTP has no certificates
    assert verify[2].verify_mode == ssl.CERT_REQUIRED
