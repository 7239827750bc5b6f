"""Responses are parsed tolerantly: unexpected values, missing and unknown keys, new enum members."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from generated_models import full_body, iterate_fields, response_models, value_at
from replicate_api import types
from replicate_api.models import (
    Prediction,
    PredictionStatus,
)
from replicate_api.types import Record

UNEXPECTED = [None, "text", "", 7, -1.5, True, [], ["text", None], {}, {"key": 1}]
MISSING = object()


@pytest.mark.parametrize("name", sorted(response_models()))
def test_unexpected_values_in_any_field_do_not_break_parsing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    root, mutations = response_models()[name], 0
    good = full_body(root)
    for path, model, attribute in iterate_fields(root):
        row = model.fields[attribute]
        for unexpected in [*UNEXPECTED, MISSING]:
            body = copy.deepcopy(good)
            target = value_at(body, path)
            if unexpected is MISSING:
                del target[row.name]
            else:
                target[row.name] = copy.deepcopy(unexpected)
            parsed = root.from_dict(body)
            record = value_at(parsed, path)
            value = getattr(record, attribute)
            if unexpected is MISSING:
                assert value is None, (path, attribute)
                assert record.is_absent(attribute), (path, attribute)
            else:
                assert types.dump(value) == unexpected, (path, attribute, unexpected)
            pristine = model.from_dict(value_at(good, path))
            for other in model.fields.keys() - {attribute}:
                assert getattr(record, other) == getattr(pristine, other), (path, attribute, unexpected, other)
            assert parsed.to_dict() == body, (path, attribute, unexpected)
            mutations += 1
    for path, _, _ in iterate_fields(root):  # and an unknown key in every object
        body = copy.deepcopy(good)
        value_at(body, path)["brand_new"] = [{"x": 1}]
        parsed = root.from_dict(body)
        assert value_at(parsed, path).additional_properties == {"brand_new": [{"x": 1}]}
        assert parsed.to_dict() == body
        mutations += 1
    with capsys.disabled():
        print(f"\n{name}: parsed {mutations} mutations", end=" ")
    assert mutations


def test_the_mutations_reach_every_response_model() -> None:
    reached = {model for root in response_models().values() for _, model, _ in iterate_fields(root)}
    requests = {"DeploymentsCreateRequest", "DeploymentsUpdateRequest", "FilesCreateRequest", "ModelsCreateRequest"}
    requests |= {"ModelsUpdateRequest", "PredictionRequest", "TrainingRequest", "VersionPredictionRequest"}
    import replicate_api.models as models

    every = {getattr(models, name) for name in models.__all__}
    records = {model for model in every if issubclass(model, Record)}
    not_reached = {model.__name__ for model in records - reached}
    assert requests <= not_reached
    assert [name for name in not_reached if "Request" not in name] == []


@pytest.mark.parametrize("digits", range(10))
@pytest.mark.parametrize("offset", ["Z", "+00:00", "-07:30", "+0530", ""])
def test_times_with_any_number_of_digits_and_any_offset_are_parsed(digits: int, offset: str) -> None:
    fraction = "." + "123456789"[:digits] if digits else ""
    moment = Prediction.from_dict({"created_at": f"2026-03-16T10:11:12{fraction}{offset}"}).created_at
    ahead = {"-07:30": timedelta(hours=-7.5), "+0530": timedelta(hours=5.5)}.get(offset, timedelta())
    micros = int("123456"[: min(digits, 6)].ljust(6, "0"))
    assert moment == datetime(2026, 3, 16, 10, 11, 12, micros, UTC) - ahead


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-40T00:00:00Z", "2026-03-16T25:00:00Z", "0"])
def test_an_invalid_time_is_kept_as_text(text: str) -> None:
    assert Prediction.from_dict({"created_at": text}).created_at == text


def test_dateutil_is_the_fallback_for_times() -> None:
    moment = Prediction.from_dict({"created_at": "2026-075T10:11:12Z"}).created_at
    assert moment == datetime(2026, 3, 16, 10, 11, 12, tzinfo=UTC)
    assert Prediction.from_dict({"created_at": "2026-03-16"}).created_at == datetime(2026, 3, 16, tzinfo=UTC)


def test_an_unlisted_status_is_a_new_enum_member() -> None:
    status = Prediction.from_dict({"status": "paused"}).status
    assert isinstance(status, PredictionStatus)
    assert (status, str(status), status.is_known) == ("paused", "paused", False)
    assert PredictionStatus.SUCCEEDED.is_known
    assert status == PredictionStatus("paused")
    assert pickle.loads(pickle.dumps(status)) == status
    assert "paused" not in list(PredictionStatus)


@pytest.mark.parametrize("has_orjson", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551616",
        '{"seed": 123456789012345678901234567890, "id": "1234567890123456789012"}',
        "[-9223372036854775809]",
        "[ 1e400, NaN]",
        '"\\ud800"',
        '{"a": 0.1, "b": [true, null, 1E5], "c": "é€😀 \\u2028"}',
    ],
)
def test_json_integers_are_not_rounded_with_or_without_orjson(text: str, has_orjson: bool, monkeypatch) -> None:
    if not has_orjson:
        monkeypatch.setattr("replicate_api._runtime.responses.orjson", None)
    assert repr(types.loads(text.encode())) == repr(json.loads(text))
    with pytest.raises(ValueError, match="Expecting value"):
        types.loads(b"<html>")


def nested(depth: int) -> bytes:
    return b'{"id": "x", "output": ' + b"[" * depth + b"1" + b"]" * depth + b"}"


@pytest.mark.parametrize("has_orjson", [True, False])
@pytest.mark.parametrize("depth", [100, 900, 1020, 5000, 200_000])
def test_deep_json_is_parsed_or_a_value_error(depth: int, has_orjson: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_orjson:
        monkeypatch.setattr("replicate_api._runtime.responses.orjson", None)
    try:
        body = types.loads(nested(depth))
    except ValueError:  # the standard library gives up at about 1,000 levels, and orjson at 1,024
        assert depth > 800
        return
    parsed = Prediction.from_dict(body)
    assert parsed.id == "x"
    value = parsed.to_dict()["output"]
    for _ in range(depth):
        [value] = value
    assert value == 1


def test_unions_of_models_load_fields_of_any_type() -> None:
    codec = types.AnyOf(types.Nested("account", "Account"), types.Nested("prediction", "Prediction"))
    for status in ([], {}, None, 5, "succeeded"):
        loaded = codec.load({"id": "x", "status": status, "type": status, "username": "me", "created_at": []})
        assert loaded.to_dict()["status"] == status


ODD_TIMES = [
    "9999-12-31T24:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "2026-W01-1",
    "\ud800",
    "\0",
    "1" * 5000,
    "\uff12\uff10\uff12\uff16-01-01",
]


@pytest.mark.parametrize("text", ODD_TIMES)
def test_odd_times_are_parsed_or_kept(text: str) -> None:
    value = Prediction.from_dict({"created_at": text}).created_at
    assert value == text or isinstance(value, datetime)
