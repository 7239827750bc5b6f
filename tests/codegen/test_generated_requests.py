"""Requests are checked strictly, before they are sent."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, cast

import pytest

from generated_models import MODULES
from replicate_api import types
from replicate_api.models import (
    ModelsCreateRequest,
)
from replicate_api.types import Upload


def build_prediction(**fields: Any) -> types.Request:
    return cast("types.Request", MODULES["predictions.create"].build(**fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 5, "input": {}}, "version must be a string, not int"),
        ({"version": "v", "input": []}, "input must be a dict, not list"),
        ({"version": "v", "input": {}, "webhook_events_filter": ["complete"]}, "did you mean 'completed'"),
        ({"version": "v", "input": {}, "webhook_events_filter": "completed"}, "webhook_events_filter must be a list"),
        ({"version": "v", "input": {}, "stream": 1}, "stream must be True or False"),
        ({"input": {}}, "version"),
        ({"version": "v"}, "input"),
    ],
)
def test_invalid_body_fields_are_errors_before_the_request_is_sent(fields: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        build_prediction(**fields)


def test_invalid_body_objects_are_errors() -> None:
    body = ModelsCreateRequest.from_dict({"owner": "a", "name": "b", "hardware": "cpu"})
    with pytest.raises(ValueError, match="visibility is required"):
        MODULES["models.create"].request(body=body)
    body = ModelsCreateRequest.from_dict({"owner": "a", "name": "b", "hardware": "cpu", "visibility": "secret"})
    with pytest.raises(ValueError, match="visibility must be one of 'public', 'private'"):
        MODULES["models.create"].request(body=body)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("models.list", {"sort_by": "name"}, "sort_by must be one of"),
        ("models.list", {"sort_direction": "down"}, "sort_direction must be one of 'asc', 'desc'"),
        ("predictions.list", {"created_after": "2026-01-01"}, "created_after must be a datetime"),
        ("predictions.list", {"created_after": datetime(2026, 1, 1)}, "created_after needs a time zone"),
        ("predictions.list", {"source": "api"}, "source must be"),
        ("search", {"query": "x", "limit": True}, "limit must be an integer"),
    ],
)
def test_invalid_parameters_are_errors(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        MODULES[name].build(**arguments)


@pytest.mark.parametrize("value", ["", ".", "..", None, 5])
def test_path_parameters_cannot_change_the_path(value: Any) -> None:
    with pytest.raises(ValueError, match="prediction_id must be a non-empty string"):
        MODULES["predictions.get"].build(value)
    assert MODULES["predictions.get"].build("../x?y#z").path == "/predictions/..%2Fx%3Fy%23z"


def test_an_upload_is_replayable_if_its_payload_is_seekable() -> None:
    class Pipe(io.RawIOBase):
        def seekable(self) -> bool:
            return False

    assert Upload(b"x").is_replayable()
    assert Upload(io.BytesIO(b"x")).is_replayable()
    pipe = MODULES["files.create"].build(content=Pipe())
    assert not pipe.is_replayable()
    assert MODULES["files.create"].build(content=b"x").is_replayable()


def test_the_name_and_type_of_an_upload_default_to_those_of_its_file(tmp_path: Any) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        upload = Upload(file)
        assert (upload.file_name, upload.mime_type) == ("cat.png", "image/png")
    assert Upload(b"x").file_name == "upload"
    assert Upload(b"x", "a.txt").mime_type == "text/plain"
