"""Expiry of data, on the emulator's clock."""

from __future__ import annotations

import httpx
import pytest

from replicate_ext import NotFoundError


def test_prediction_data_is_removed_one_hour_after_the_end(api, client) -> None:
    [picture] = client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
    poem = client.stream("acme/poet", {"prompt": "x", "seconds": 0})
    list(poem)
    api.clock.advance(3599)
    assert client.predictions.get(poem.prediction.id).output
    assert picture.read()
    api.clock.advance(2)
    removed = client.predictions.get(poem.prediction.id)
    assert (removed.data_removed, removed.input, removed.output, removed.logs) == (True, {}, None, "")
    with pytest.raises(NotFoundError, match="one hour"):
        picture.read()
    assert httpx.get(str(poem.prediction.urls.stream)).status_code == 404


def test_uploads_expire_after_24_hours(api, client) -> None:
    file = client.files.create(content=b"x")
    api.clock.advance(24 * 3600 - 5)
    assert client.files.get(file.id).id == file.id
    api.clock.advance(10)
    with pytest.raises(NotFoundError):
        client.files.get(file.id)
