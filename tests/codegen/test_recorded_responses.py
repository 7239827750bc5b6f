"""Recorded responses of the API are parsed completely and without loss.

The recordings may not be committed; without them the tests are skipped.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from conftest import shared
from openapi_documents import DOCUMENT
from replicate_api import types
from replicate_api.api import OPERATIONS
from replicate_api.types import Record

ROUTES = [
    (method.upper(), re.compile("/v1" + re.sub(r"\{\w+\}", "[^/]+", path)), operation["operationId"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


class RecordedResponse(NamedTuple):
    name: str
    operation_id: str
    response: httpx.Response


def load_recordings() -> Iterator[RecordedResponse]:
    for path in sorted(shared("recordings").glob("*.yaml")):
        for number, interaction in enumerate(yaml.safe_load(path.read_text())["interactions"]):
            url = urlsplit(interaction["request"]["uri"])
            if url.hostname != "api.replicate.com":
                continue
            method = interaction["request"]["method"]
            [operation_id] = [
                id for route_method, route, id in ROUTES if route_method == method and route.fullmatch(url.path)
            ]
            yield RecordedResponse(f"{path.stem}#{number}", operation_id, load_response(interaction["response"]))


def load_response(response: dict[str, Any]) -> httpx.Response:
    """Return a recorded response, in the format of either of two versions of vcrpy."""
    body = response["content"] if "content" in response else response["body"]["string"]
    raw = body.encode() if isinstance(body, str) else body
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return httpx.Response(response.get("status_code") or response["status"]["code"], content=raw)


def read_all_fields(value: Any) -> int:
    """Read every field of a model and of its nested models; return how many there are."""
    if isinstance(value, list):
        return sum(read_all_fields(item) for item in value)
    if not isinstance(value, Record):
        return 1
    return sum(read_all_fields(getattr(value, attribute)) for attribute in value.fields)


def test_every_recorded_response_is_parsed_without_loss(capsys: pytest.CaptureFixture[str]) -> None:
    recordings, fields = list(load_recordings()), 0
    for recording in recordings:
        module = import_module(f"replicate_api.api.{OPERATIONS[recording.operation_id]}")
        response = types.to_response(recording.response, module.parse)
        if recording.response.status_code >= 400:
            assert response.problem is not None, recording.name
            assert response.problem.to_dict() == recording.response.json(), recording.name
        elif recording.response.content:
            fields += read_all_fields(response.parsed)
            assert types.dump(response.parsed) == recording.response.json(), recording.name
    with capsys.disabled():
        print(f"\nparsed {len(recordings)} recorded responses with {fields} fields", end=" ")
    assert len(recordings) > 40


def test_recorded_values_have_the_declared_types() -> None:
    """Tolerance of unexpected values must not affect expected ones."""
    from datetime import datetime

    count = 0
    for recording in load_recordings():
        if recording.operation_id in ("predictions.get", "predictions.create") and recording.response.is_success:
            module = import_module(f"replicate_api.api.{OPERATIONS[recording.operation_id]}")
            prediction = module.parse(recording.response)
            assert isinstance(prediction.created_at, datetime), recording.name
            assert prediction.status.is_known, recording.name
            assert isinstance(prediction.urls.get, str), recording.name
            count += 1
    assert count
