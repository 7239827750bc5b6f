"""The base URL of the API: the default, and the check of another one."""

from __future__ import annotations

DEFAULT_BASE_URL = "https://api.replicate.com/v1"


def check_base_url(url: object) -> str:
    """Return the base URL without a slash at the end, and with `/v1` if it has no path.

    Gateways serve the API at paths of their own, without `/v1`.
    """
    import httpx  # completion on the command line only needs the default

    if not isinstance(url, str):
        raise TypeError(f"base_url must be a str such as {DEFAULT_BASE_URL!r}, not {type(url).__name__}")
    try:
        parsed = httpx.URL(url.strip().rstrip("/"))
        parsed.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ValueError(f"base_url is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"base_url must be an http(s) URL such as {DEFAULT_BASE_URL}, not {url!r}")
    if parsed.userinfo:
        raise ValueError("base_url must not contain a user or password: pass what a gateway needs as headers=…")
    if parsed.query or parsed.fragment:
        raise ValueError("base_url must end with its path, without '?' or '#'")
    if not 0 < (parsed.port or 443) < 65536:
        raise ValueError(f"base_url has the port {parsed.port}; ports are between 1 and 65535")
    text = str(parsed).rstrip("/")
    return text if parsed.path.strip("/") else f"{text}/v1"
