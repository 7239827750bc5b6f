"""Outputs that are data URIs: decoded locally, without a request."""

import pytest

from conftest import Harness
from replicate_ext import ResponseDecodeError


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("data:text/plain;base64,aGVsbG8=", b"hello"),
        ("data:text/plain,hello%20you", b"hello you"),
        ("data:text/plain;charset=utf-8;base64,aGVsbG8=", b"hello"),
        ("DATA:text/plain;BASE64,aGVsbG8%3D", b"hello"),
    ],
)
def test_data_uri_is_decoded_without_a_request(harness: Harness, uri: str, content: bytes) -> None:
    assert harness.call(harness.wrap(uri).read()) == content
    assert harness.server.requests == []


def test_invalid_data_uri_raises_a_decode_error(harness: Harness) -> None:
    with pytest.raises(ResponseDecodeError, match="malformed data URI"):
        harness.call(harness.wrap("data:image/png;base64,a").read())
