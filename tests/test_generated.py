"""The generated package: tolerant of whatever comes, strict about what goes out, complete, and light to import."""

from __future__ import annotations

import asyncio
import copy
import inspect
import io
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, cast

import httpx
import pytest

from replicate_api import Client, types
from replicate_api.api import OPERATIONS
from replicate_api.errors import UnexpectedStatus
from replicate_api.models import (
    Deployment,
    File,
    Hardware,
    ModelsCreateRequest,
    PageOfPredictions,
    Prediction,
    PredictionRequest,
    PredictionStatus,
    Problem,
    WebhookEvent,
)
from replicate_api.types import UNSET, Each, Field, Kind, Nested, OneOf, Record, Unset, Upload

MODULES = {name: import_module(f"replicate_api.api.{path}") for name, path in OPERATIONS.items()}
STAMP = "2026-03-16T10:11:12.345678Z"


# What the server may send: every response model, every field, however deep


def roots() -> dict[str, type[Record]]:
    """Return the models that answers consist of."""
    found: dict[str, type[Record]] = {"Problem": Problem}
    for module in MODULES.values():
        kind = getattr(module, "_RESULT", None)
        kind = kind.item if isinstance(kind, Each) else kind
        if isinstance(kind, Nested):
            found[kind.python.__name__] = kind.python
    return found


def sample(kind: Kind) -> Any:
    """Return JSON that a field of this kind may have."""
    match kind:
        case Nested():
            return full(kind.python)
        case Each():
            return [sample(kind.item), sample(kind.item)]
        case OneOf():
            return next(iter(kind.python)).value
        case types.AnyOf():
            return sample(kind.kinds[0])
        case types.Exactly():
            return kind.value
    plain = {
        types.TEXT: "text",
        types.BOOLEAN: True,
        types.INTEGER: 3,
        types.NUMBER: 1.5,
        types.OBJECT: {"a": [1]},
        types.NULL: None,
        types.TIME: STAMP,
        types.ANY: {"anything": ["x"]},
    }
    return plain[kind]


def full(model: type[Record]) -> dict[str, Any]:
    return {spec.name: sample(spec.kind) for spec in model.fields.values()}


def places(model: type[Record], path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], type[Record], str]]:
    """Yield each field of a model and of the models in it: the way to its object, the object's class, attribute."""
    for attribute, spec in model.fields.items():
        yield path, model, attribute
        kind, way = spec.kind, (*path, spec.name)
        if isinstance(kind, types.AnyOf):
            kind = kind.kinds[0]
        if isinstance(kind, Each):
            kind, way = kind.item, (*way, 1)
        if isinstance(kind, Nested):
            yield from places(kind.python, way)


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """Follow a way of JSON names through models and lists."""
    for step in path:
        if isinstance(value, Record):
            step = next(attribute for attribute, spec in value.fields.items() if spec.name == step)
            value = getattr(value, step)
        else:
            value = value[step]
    return value


ODD = [None, "odd", "", 7, -1.5, True, [], ["odd", None], {}, {"odd": 1}]
MISSING = object()


@pytest.mark.parametrize("name", sorted(roots()))
def test_nothing_that_a_server_may_send_breaks_parsing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    root, mutations = roots()[name], 0
    good = full(root)
    for path, model, attribute in places(root):
        spec = model.fields[attribute]
        for odd in [*ODD, MISSING]:
            body = copy.deepcopy(good)
            target = at(body, path)
            if odd is MISSING:
                del target[spec.name]
            else:
                target[spec.name] = copy.deepcopy(odd)
            parsed = root.from_dict(body)
            record = at(parsed, path)
            value = getattr(record, attribute)
            if odd is MISSING:
                assert isinstance(value, Unset), (path, attribute)
            else:
                assert types.dump(value) == odd, (path, attribute, odd)
            pristine = model.from_dict(at(good, path))
            for other in model.fields.keys() - {attribute}:
                assert getattr(record, other) == getattr(pristine, other), (path, attribute, odd, other)
            assert parsed.to_dict() == body, (path, attribute, odd)
            mutations += 1
    for path, _, _ in places(root):  # and keys that nobody knows, in every object
        body = copy.deepcopy(good)
        at(body, path)["brand_new"] = [{"x": 1}]
        parsed = root.from_dict(body)
        assert at(parsed, path).additional_properties == {"brand_new": [{"x": 1}]}
        assert parsed.to_dict() == body
        mutations += 1
    with capsys.disabled():
        print(f"\n{name}: {mutations} mutations survived", end=" ")
    assert mutations


def test_the_mutations_reach_every_model_of_an_answer() -> None:
    reached = {model for root in roots().values() for _, model, _ in places(root)}
    requests = {"DeploymentsCreateRequest", "DeploymentsUpdateRequest", "FilesCreateRequest", "ModelsCreateRequest"}
    requests |= {"ModelsUpdateRequest", "PredictionRequest", "TrainingRequest", "VersionPredictionRequest"}
    import replicate_api.models as models

    every = {getattr(models, name) for name in models.__all__}
    records = {model for model in every if issubclass(model, Record)}
    assert {model.__name__ for model in records - reached} == requests


@pytest.mark.parametrize("digits", range(10))
@pytest.mark.parametrize("offset", ["Z", "+00:00", "-07:30", "+0530", ""])
def test_times_parse_with_any_number_of_digits_and_any_offset(digits: int, offset: str) -> None:
    fraction = "." + "123456789"[:digits] if digits else ""
    moment = Prediction.from_dict({"created_at": f"2026-03-16T10:11:12{fraction}{offset}"}).created_at
    ahead = {"-07:30": timedelta(hours=-7.5), "+0530": timedelta(hours=5.5)}.get(offset, timedelta())
    micros = int("123456"[: min(digits, 6)].ljust(6, "0"))
    assert moment == datetime(2026, 3, 16, 10, 11, 12, micros, UTC) - ahead


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-40T00:00:00Z", "2026-03-16T25:00:00Z", "0"])
def test_a_time_that_is_none_stays_text(text: str) -> None:
    assert Prediction.from_dict({"created_at": text}).created_at == text


def test_dateutil_is_the_second_try() -> None:
    moment = Prediction.from_dict({"created_at": "2026-075T10:11:12Z"}).created_at
    assert moment == datetime(2026, 3, 16, 10, 11, 12, tzinfo=UTC)
    assert Prediction.from_dict({"created_at": "2026-03-16"}).created_at == datetime(2026, 3, 16, tzinfo=UTC)


def test_a_status_of_tomorrow_is_a_member_of_its_own() -> None:
    status = Prediction.from_dict({"status": "paused"}).status
    assert isinstance(status, PredictionStatus)
    assert (status, str(status), status.is_known) == ("paused", "paused", False)
    assert PredictionStatus.SUCCEEDED.is_known
    assert status == PredictionStatus("paused")
    assert pickle.loads(pickle.dumps(status)) == status
    assert "paused" not in list(PredictionStatus)


# A model as plain data


def test_a_model_can_be_changed_and_says_so() -> None:
    body = {"id": "x", "status": "starting", "created_at": STAMP, "urls": {"get": "g"}, "new": 1}
    prediction = Prediction.from_dict(body)
    assert "status" not in vars(prediction)  # nothing is converted before somebody asks
    prediction.status = PredictionStatus.SUCCEEDED
    prediction.urls.get = "h"
    prediction.output = ["y"]
    prediction.additional_properties["more"] = 2
    changed = body | {"status": "succeeded", "urls": {"get": "h"}, "output": ["y"], "more": 2}
    assert prediction.to_dict() == changed
    prediction.output = UNSET
    assert "output" not in prediction.to_dict()
    assert json.loads(json.dumps(prediction.to_dict())) == prediction.to_dict()


def test_what_to_dict_gives_is_not_shared_with_the_model() -> None:
    page = PageOfPredictions.from_dict({"results": [{"id": "x", "output": ["a"]}]})
    page.to_dict()["results"][0]["output"].append("b")
    assert page.to_dict() == {"results": [{"id": "x", "output": ["a"]}]}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("asked", [True, False])
def test_models_compare_copy_and_pickle(duplicate: Any, asked: bool) -> None:
    prediction = Prediction.from_dict(full(Prediction))
    if asked:
        repr(prediction)
    other = duplicate(prediction)
    assert other == prediction
    assert other is not prediction
    assert other.to_dict() == prediction.to_dict()
    assert prediction != Prediction.from_dict({})
    assert "text" in repr(prediction)


def test_a_field_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Prediction' object has no attribute 'outptu'"):
        _ = Prediction.from_dict({}).outptu  # type: ignore[attr-defined]


def test_a_model_can_be_made_by_hand() -> None:
    request = PredictionRequest(input={"a": 1}, webhook_events_filter=[WebhookEvent.COMPLETED])
    assert request.to_dict() == {"input": {"a": 1}, "webhook_events_filter": ["completed"]}
    assert isinstance(request.webhook, Unset)


# What the caller sends


def predict(**fields: Any) -> types.Request:
    return cast("types.Request", MODULES["predictions.create"].build(**fields))


@pytest.mark.parametrize(
    ("fields", "words"),
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
def test_what_the_contract_does_not_allow_is_told_before_it_is_sent(fields: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        predict(**fields)


def test_a_body_object_is_checked_too() -> None:
    body = ModelsCreateRequest.from_dict({"owner": "a", "name": "b", "hardware": "cpu"})
    with pytest.raises(ValueError, match="visibility is required"):
        MODULES["models.create"].request(body=body)
    body = ModelsCreateRequest.from_dict({"owner": "a", "name": "b", "hardware": "cpu", "visibility": "secret"})
    with pytest.raises(ValueError, match="visibility must be one of 'public', 'private'"):
        MODULES["models.create"].request(body=body)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("models.list", {"sort_by": "name"}, "sort_by must be one of"),
        ("models.list", {"sort_direction": "down"}, "sort_direction must be one of 'asc', 'desc'"),
        ("predictions.list", {"created_after": "2026-01-01"}, "created_after must be a datetime"),
        ("predictions.list", {"created_after": datetime(2026, 1, 1)}, "created_after needs a time zone"),
        ("predictions.list", {"source": "api"}, "source must be"),
        ("search", {"query": "x", "limit": True}, "limit must be an integer"),
    ],
)
def test_parameters_are_checked(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        MODULES[name].build(**arguments)


@pytest.mark.parametrize("value", ["", ".", "..", None, 5])
def test_a_path_cannot_be_led_astray(value: Any) -> None:
    with pytest.raises(ValueError, match="prediction_id must be a non-empty string"):
        MODULES["predictions.get"].build(value)
    assert MODULES["predictions.get"].build("../x?y#z").path == "/predictions/..%2Fx%3Fy%23z"


# The functions of each operation


def replying(response: httpx.Response, seen: list[httpx.Request] | None = None) -> Client:
    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        (seen if seen is not None else []).append(request)
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)

    return Client("https://api.example/v1/", "r8_x", transport=httpx.MockTransport(handle))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_operation_has_its_four_functions_and_says_its_piece_once(name: str) -> None:
    module = MODULES[name]
    for function in ("sync", "sync_detailed", "asyncio", "asyncio_detailed", "request", "build", "parse"):
        assert callable(getattr(module, function))
    assert inspect.iscoroutinefunction(module.asyncio)
    documented = module.build.__doc__
    assert len(documented.splitlines()) >= 3
    assert inspect.getsource(module).count(documented.splitlines()[2].strip()) == 1


def test_models_search_sends_query_with_a_text_body() -> None:
    seen: list[httpx.Request] = []
    client = replying(httpx.Response(200, json={"results": [{"name": "a"}]}), seen)
    page = MODULES["models.search"].sync(client=client, body="größer")
    assert (seen[0].method, seen[0].url.path, seen[0].content.decode()) == ("QUERY", "/v1/models", "größer")
    assert seen[0].headers["content-type"] == "text/plain; charset=utf-8"
    assert seen[0].headers["authorization"] == "Bearer r8_x"
    assert page.results[0].name == "a"


def test_a_readme_is_text_and_a_download_bytes() -> None:
    text = httpx.Response(200, text="# Hällo", headers={"content-type": "text/plain; charset=utf-8"})
    assert MODULES["models.readme.get"].sync("a", "b", client=replying(text)) == "# Hällo"
    raw = httpx.Response(200, content=bytes(range(256)))
    arguments: dict[str, Any] = {"owner": "me", "expiry": 5, "signature": "a+b/c="}
    seen: list[httpx.Request] = []
    assert MODULES["files.download"].sync("f", client=replying(raw, seen), **arguments) == bytes(range(256))
    assert dict(seen[0].url.params) == {"owner": "me", "expiry": "5", "signature": "a+b/c="}


def test_an_upload_has_a_boundary_of_its_own_each_time() -> None:
    seen: list[httpx.Request] = []
    client = replying(httpx.Response(201, json={"id": "f"}), seen)
    content = b"+++\r\n--+++--\r\nstill the file"
    for _ in range(2):
        request = MODULES["files.create"].build(content=content, filename="x.bin", metadata={"a": 1})
        assert isinstance(MODULES["files.create"].parse(client.send(request)), File)
    boundaries = [request.headers["content-type"].partition("boundary=")[2] for request in seen]
    assert boundaries[0] != boundaries[1]
    for boundary, request in zip(boundaries, seen, strict=True):
        assert boundary.encode() not in content
        parts = request.content.split(f"--{boundary}".encode())
        assert len(parts) == 5
        assert content in parts[1]
        assert b'filename="upload"' in parts[1]
        assert parts[3].endswith(b'{"a": 1}\r\n')


def test_sync_raises_where_sync_detailed_tells() -> None:
    problem = {"detail": "The requested resource could not be found.", "status": 404}
    client = replying(httpx.Response(404, json=problem))
    get = MODULES["predictions.get"]
    answer = get.sync_detailed("x", client=client)
    assert (answer.status_code, answer.parsed, answer.problem.to_dict()) == (404, None, problem)
    with pytest.raises(UnexpectedStatus, match="404"):
        get.sync("x", client=client)
    odd = replying(httpx.Response(520, html="<h1>Web server is returning an unknown error</h1>"))
    answer = get.sync_detailed("x", client=odd)
    assert (answer.status_code, answer.parsed, answer.problem) == (520, None, None)
    assert b"unknown error" in answer.content
    with pytest.raises(UnexpectedStatus, match="520"):
        asyncio.run(get.asyncio("x", client=odd))


def test_the_asynchronous_functions_do_the_same() -> None:
    client = replying(httpx.Response(200, json={"id": "x"}))
    assert asyncio.run(MODULES["predictions.get"].asyncio("x", client=client)).id == "x"
    detailed = asyncio.run(MODULES["predictions.get"].asyncio_detailed("x", client=client))
    assert (detailed.status_code, detailed.parsed.id) == (200, "x")
    asyncio.run(client.aclose())


@pytest.mark.parametrize("body", [b"", b"<html>", b'"text"', b"[]", b"null"])
def test_a_success_that_is_no_such_object_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        MODULES["predictions.get"].sync("x", client=replying(httpx.Response(200, content=body)))


def test_a_bare_array_is_a_list_of_models() -> None:
    hardware = MODULES["hardware.list"].sync(client=replying(httpx.Response(200, json=[{"sku": "cpu", "name": "CPU"}])))
    assert hardware == [Hardware.from_dict({"sku": "cpu", "name": "CPU"})]


def test_an_upload_knows_whether_it_can_be_sent_again() -> None:
    class Pipe(io.RawIOBase):
        def seekable(self) -> bool:
            return False

    assert Upload(b"x").is_repeatable()
    assert Upload(io.BytesIO(b"x")).is_repeatable()
    pipe = MODULES["files.create"].build(content=Pipe())
    assert not pipe.is_repeatable()
    assert MODULES["files.create"].build(content=b"x").is_repeatable()


def test_an_upload_takes_name_and_type_from_its_file(tmp_path: Any) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        upload = Upload(file)
        assert (upload.file_name, upload.mime_type) == ("cat.png", "image/png")
    assert Upload(b"x").file_name == "upload"
    assert Upload(b"x", "a.txt").mime_type == "text/plain"


# Imports


def imported(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_one_operation_does_not_load_all_models() -> None:
    loaded = imported("import replicate_api.api.predictions.predictions_get")
    assert not {name for name in loaded if name.startswith("replicate_api.models.")}
    assert {name for name in loaded if name.startswith("replicate_api.api.")} == {
        "replicate_api.api.predictions",
        "replicate_api.api.predictions.predictions_get",
    }
    assert "httpx" not in loaded


def test_one_model_does_not_load_the_others() -> None:
    loaded = imported("from replicate_api.models import Deployment; Deployment.from_dict({'name': 'x'}).name")
    assert {name for name in loaded if name.startswith("replicate_api.models.")} == {"replicate_api.models.deployment"}
    assert Deployment.from_dict({"name": "x"}).name == "x"
    assert isinstance(Deployment.fields["name"], Field)


@pytest.mark.parametrize("is_fast", [True, False])
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
def test_json_is_read_to_the_last_digit_with_or_without_orjson(text: str, is_fast: bool, monkeypatch) -> None:
    if not is_fast:
        monkeypatch.setattr("replicate_api.types.orjson", None)
    assert repr(types.loads(text.encode())) == repr(json.loads(text))
    with pytest.raises(ValueError, match="Expecting value"):
        types.loads(b"<html>")
