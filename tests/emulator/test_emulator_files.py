"""Uploads, signed downloads, and output files."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from emulator_fixtures import module_fixtures

from replicate_ext import NotFoundError
from replicate_ext.emulator.operations.files import sign_download

api, http, client = module_fixtures()


def test_file_is_created_listed_and_deleted(api, http, client) -> None:
    file = client.files.create(content=b"+++ hello +++", filename="../../etc/passwd", metadata={"a": {"b": 1}})
    assert file.size == 13
    assert file.name == "../../etc/passwd"
    assert file.metadata["a"] == {"b": 1}
    stored = api._running_service.state.uploads[file.id].path
    assert stored.parent == Path(api._running_service.state._temporary_folder.name)
    assert file.id in [listed.id for listed in client.files.list()]
    client.files.delete(file.id)
    assert not stored.exists()
    with pytest.raises(NotFoundError):
        client.files.get(file.id)


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"content": b"x", "metadata": ("blob", b'{"a": 1}', "application/json")}},
        {"files": {"content": b"x"}, "data": {"metadata": '{"a": 1}'}},
    ],
)
def test_metadata_may_be_a_field_or_a_file(http, form) -> None:
    assert http.post("files", **form).json()["metadata"] == {"a": 1}


def test_metadata_may_be_bracketed_fields(http) -> None:
    data = {"metadata[a]": "1", "metadata[b][c]": "2"}
    assert http.post("files", files={"content": b"x"}, data=data).json()["metadata"] == {"a": "1", "b": {"c": "2"}}


def test_download_requires_a_valid_signature_that_has_not_expired(api, client) -> None:
    file = client.files.create(content=b"hello")
    secret, now = api._running_service.state.signing_secret, int(api.clock.time())

    def signed(expiry: int) -> dict[str, str]:
        return {
            "owner": "acme",
            "expiry": str(expiry),
            "signature": sign_download(secret, "acme", file.id, str(expiry)),
        }

    assert httpx.get(api.download_url(file.id)).content == b"hello"
    url = f"{api.url}/files/{file.id}/download"
    assert httpx.get(f"{url}?{urlencode(signed(now + 60))}").content == b"hello"
    for wrong in ({"owner": "other"}, {"expiry": str(now + 61)}, {"signature": ""}):
        assert httpx.get(f"{url}?{urlencode(signed(now + 60) | wrong)}").status_code == 404
    assert httpx.get(f"{url}?{urlencode(signed(now - 1))}").status_code == 404
    key = b"local-files-signing-secret"  # the test vector of docs/api-facts.md, section 10
    assert sign_download(key, "mattt", "cneqzikepnug6xezperrr4z55o", "1708515345").startswith("dKEfc95YaGeWMvuQ")


def test_output_file_requires_no_token_and_supports_ranges(client) -> None:
    [file] = client.run("acme/painter", {"prompt": "x", "width": 32, "height": 32})
    whole = httpx.get(file.url)
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["accept-ranges"] == "bytes"
    assert int(whole.headers["content-length"]) == len(whole.content)
    partial = httpx.get(file.url, headers={"Range": "bytes=10-19"})
    assert (partial.status_code, partial.content) == (206, whole.content[10:20])
    assert httpx.head(file.url).headers["content-length"] == whole.headers["content-length"]
    assert httpx.get(file.url + "x").status_code == 404
