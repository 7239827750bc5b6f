"""Every recorded response of the real API parses, down to its last field, and nothing of it is lost.

The recordings are not ours to commit; the tests skip where they are absent.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from conftest import shared
from replicate_api import types
from replicate_api.api import OPERATIONS
from replicate_api.types import Record

DOCUMENT = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())
ROUTES = [
    (method.upper(), re.compile("/v1" + re.sub(r"\{\w+\}", "[^/]+", path)), operation["operationId"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


class Recorded(NamedTuple):
    where: str
    operation: str
    response: httpx.Response


def recorded() -> Iterator[Recorded]:
    for path in sorted(shared("recordings").glob("*.yaml")):
        for number, interaction in enumerate(yaml.safe_load(path.read_text())["interactions"]):
            url = urlsplit(interaction["request"]["uri"])
            if url.hostname != "api.replicate.com":
                continue
            method = interaction["request"]["method"]
            [operation] = [id for verb, route, id in ROUTES if verb == method and route.fullmatch(url.path)]
            yield Recorded(f"{path.stem}#{number}", operation, answered(interaction["response"]))


def answered(response: dict[str, Any]) -> httpx.Response:
    """Return a recorded response; two generations of vcrpy wrote them differently."""
    body = response["content"] if "content" in response else response["body"]["string"]
    raw = body.encode() if isinstance(body, str) else body
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return httpx.Response(response.get("status_code") or response["status"]["code"], content=raw)


def explore(value: Any) -> int:
    """Ask for every attribute of a model, however deep, and return how many there are."""
    if isinstance(value, list):
        return sum(explore(item) for item in value)
    if not isinstance(value, Record):
        return 1
    return sum(explore(getattr(value, attribute)) for attribute in value.fields)


def test_every_recorded_response_parses_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    responses, fields = list(recorded()), 0
    for one in responses:
        module = import_module(f"replicate_api.api.{OPERATIONS[one.operation]}")
        answer = types.answer(one.response, module.parse)
        if one.response.status_code >= 400:
            assert answer.problem is not None, one.where
            assert answer.problem.to_dict() == one.response.json(), one.where
        elif one.response.content:
            fields += explore(answer.parsed)
            assert types.dump(answer.parsed) == one.response.json(), one.where
    with capsys.disabled():
        print(f"\n{len(responses)} of {len(responses)} recorded responses parse, with {fields} fields", end=" ")
    assert len(responses) > 40


def test_what_recordings_say_has_the_declared_types() -> None:
    """Nobody gains from tolerance that turns good values into odd ones."""
    from datetime import datetime

    seen = 0
    for one in recorded():
        if one.operation in ("predictions.get", "predictions.create") and one.response.is_success:
            module = import_module(f"replicate_api.api.{OPERATIONS[one.operation]}")
            prediction = module.parse(one.response)
            assert isinstance(prediction.created_at, datetime), one.where
            assert prediction.status.is_known, one.where
            assert isinstance(prediction.urls.get, str), one.where
            seen += 1
    assert seen
