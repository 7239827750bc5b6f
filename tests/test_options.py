"""Every constructor argument: the same values are rejected, with the same advice, by every client and HTTP library."""

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import TOKEN, config_of
from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._config import load_config

CLIENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sync": (Replicate, {}),
    "async with httpx": (AsyncReplicate, {"http_backend": "httpx"}),
    "async with aiohttp": (AsyncReplicate, {"http_backend": "aiohttp"}),
}


@pytest.fixture(params=CLIENTS)
def make_client(request: pytest.FixtureRequest) -> Any:
    """Return a function that makes a client on one of the backends; the test runs on all of them."""
    cls, options = CLIENTS[request.param]
    return lambda **arguments: cls(**{"api_token": TOKEN, **options, **arguments})


REJECTED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"api_token": b"r8_x"}, TypeError, "api_token must be a str, not bytes"),
    ({"base_url": httpx.URL("https://x.example")}, TypeError, "base_url must be a str such as 'https://"),
    ({"base_url": ""}, ValueError, "base_url must be an http"),
    ({"timeout": 0}, ValueError, "timeout must be more than 0 seconds, but connect is 0"),
    ({"timeout": -1.5}, ValueError, r"connect is -1.5; httpx.Timeout\(None\) sets no limit"),
    ({"timeout": float("nan")}, ValueError, "timeout must be more than 0 seconds"),
    ({"timeout": float("inf")}, ValueError, r"httpx.Timeout\(None\) sets no limit"),
    ({"timeout": (5, 60)}, TypeError, r"not tuple; for separate limits write httpx.Timeout\(connect=10"),
    ({"timeout": "30"}, TypeError, "timeout must be a number of seconds or an httpx.Timeout, not str"),
    ({"timeout": True}, TypeError, "not bool"),
    ({"timeout": httpx.Timeout(5, read=0)}, ValueError, "read is 0"),
    ({"timeout": httpx.Timeout(5, pool="1")}, ValueError, "pool is '1'"),
    ({"max_retries": -1}, ValueError, "max_retries must be 0 or more, not -1"),
    ({"max_retries": 2.5}, TypeError, "max_retries must be an int, not 2.5; 0 disables retries"),
    ({"max_retries": None}, TypeError, "0 disables retries"),
    ({"max_retries": True}, TypeError, "max_retries must be an int, not True"),
    ({"max_rate_limit_wait": -1}, ValueError, "max_rate_limit_wait must be 0 or more, or None for no limit, not -1"),
    ({"max_rate_limit_wait": float("inf")}, ValueError, "None for no limit, not inf"),
    ({"max_rate_limit_wait": "60"}, TypeError, "max_rate_limit_wait must be a number of seconds or None, not '60'"),
    ({"headers": {"X": 5}}, TypeError, r"headers\['X'\]: name and value must be str, not int"),
    ({"headers": {b"X": "5"}}, TypeError, r"headers\[b'X'\]: name and value must be str, not bytes"),
    ({"headers": {"X": None}}, TypeError, r"headers\['X'\]: name and value must be str, not NoneType"),
    ({"headers": [("X", "5")]}, TypeError, "headers must be a dict of strings, not list"),
    ({"headers": {"X Y": "5"}}, ValueError, r"headers\['X Y'\]: this is not a valid name"),
    ({"headers": {"X": "s3cret\r\nY: 1"}}, ValueError, r"^headers\['X'\] contains a line break or a character outside"),
    ({"headers": {"X": "ü"}}, ValueError, "outside ASCII"),
    ({"headers": {"X": " 5"}}, ValueError, r"headers\['X'\] begins or ends with whitespace"),
    ({"user_agent": 5}, TypeError, "user_agent must be a str, not int"),
    ({"user_agent": "me\n"}, ValueError, "user_agent contains a line break"),
    ({"verify": "missing.pem"}, ValueError, "verify is the path 'missing.pem', which does not exist"),
    ({"verify": Path(__file__)}, ValueError, "is not a file with CA certificates in PEM format"),
    ({"verify": None}, TypeError, "verify must be True, False, the path of a file with CA certificates"),
    ({"verify": 0}, TypeError, "not int"),
    ({"http_backend": "requests"}, ValueError, "http_backend must be 'httpx', 'aiohttp' or None, not 'requests'"),
    ({"transport": httpx.Client}, TypeError, r"transport of \w+ must be an httpx.\w*BaseTransport"),
    ({"transport": "http://proxy"}, TypeError, "transport of .*, such as httpx.*HTTPTransport.*, not str"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REJECTED, ids=[row[2] for row in REJECTED])
def test_invalid_argument_is_rejected_by_the_constructor(make_client, arguments, error: type, message: str) -> None:
    if "transport" in arguments:
        arguments = {**arguments, "http_backend": None}
    with pytest.raises(error, match=message) as caught:
        make_client(**arguments)
    assert "s3cret" not in str(caught.value)


ACCEPTED: list[dict[str, Any]] = [
    {"timeout": 5},
    {"timeout": 0.5},
    {"timeout": httpx.Timeout(None)},
    {"timeout": httpx.Timeout(5, read=60)},
    {"timeout": None},
    {"max_retries": 0},
    {"max_rate_limit_wait": None},
    {"max_rate_limit_wait": 0},
    {"headers": {}},
    {"headers": httpx.Headers({"X": "1"})},
    {"headers": {"X-Empty": "", "X-Tab": "a\tb"}},
    {"user_agent": "me/1"},
    {"verify": False},
    {"verify": ssl.create_default_context()},
    {"base_url": None},
]


@pytest.mark.parametrize("arguments", ACCEPTED)
def test_valid_argument_is_accepted_by_the_constructor(make_client, arguments: dict[str, Any]) -> None:
    assert config_of(make_client(**arguments)).token == TOKEN


@pytest.mark.parametrize(
    ("cls", "transport"),
    [
        (Replicate, httpx.AsyncHTTPTransport()),
        (AsyncReplicate, httpx.HTTPTransport(verify=False)),
        (Replicate, httpx.Client(verify=False)),
        (AsyncReplicate, httpx.AsyncClient(verify=False)),
    ],
)
def test_transport_of_the_other_kind_is_rejected(cls: Any, transport: object) -> None:
    with pytest.raises(TypeError, match=f"transport of {cls.__name__} must be .* not {type(transport).__name__}"):
        cls(TOKEN, transport=transport)


@pytest.mark.parametrize("cls", [Replicate, AsyncReplicate])
@pytest.mark.parametrize("options", [{"verify": False}, {"http_backend": "httpx"}])
def test_option_that_a_transport_would_ignore_is_rejected(cls: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no effect with a transport"):
        cls(TOKEN, transport=httpx.MockTransport(lambda request: httpx.Response(200)), **options)


def test_http_backend_that_is_not_available_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="Replicate always uses httpx"):
        Replicate(TOKEN, http_backend="aiohttp")
    monkeypatch.setattr("replicate_ext._config.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'replicate-ext\[fast\]'"):
        AsyncReplicate(TOKEN, http_backend="aiohttp")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SSL_CERT_FILE": "missing.pem"}, "SSL_CERT_FILE is the path 'missing.pem', which does not exist"),
        ({"SSL_CERT_DIR": "missing"}, "SSL_CERT_DIR is the path 'missing', which does not exist"),
        ({"HTTPS_PROXY": "htp://me:s3cret@proxy:3128"}, "the proxy for https URLs in the environment is not a URL"),
        ({"HTTPS_PROXY": "http://me:s3cret@proxy:port"}, "the proxy for https URLs in the environment is not a URL"),
        ({"ALL_PROXY": "socks5://proxy:1080"}, r"SOCKS proxy, which needs `pip install 'httpx\[socks\]'`"),
    ],
)
def test_invalid_environment_is_rejected_by_the_constructor(make_client, environment, message, monkeypatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message) as caught:
        make_client()
    assert "s3cret" not in str(caught.value)


def test_default_client_validates_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    monkeypatch.setenv("SSL_CERT_FILE", "missing.pem")
    with pytest.raises(ValueError, match="SSL_CERT_FILE"):
        load_config()
