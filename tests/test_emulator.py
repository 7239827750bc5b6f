"""The emulator, over real connections: what it answers, and that its models compute."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import httpx
import pytest
from PIL import Image

from replicate_api.api import OPERATIONS
from replicate_ext import (
    APIStatusError,
    AsyncReplicate,
    AuthenticationError,
    ConnectionFailed,
    InvalidRequest,
    ModelError,
    NotFound,
    PredictionCanceled,
    RateLimited,
    Replicate,
    webhooks,
)
from replicate_ext.emulator import TOKEN, Catalog, Emulator, Field, schema
from replicate_ext.emulator.operations.files import signature
from replicate_ext.emulator.problems import Problem, check
from replicate_ext.emulator.state import job_id, stamp


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator() as api:
        yield api


@pytest.fixture(scope="module")
def http(api: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"}) as http:
        yield http


@pytest.fixture(scope="module")
def client(api: Emulator) -> Iterator[Replicate]:
    with Replicate(api.token, base_url=api.url) as client:
        yield client


def create(http: httpx.Client, model: str, prefer: str | None = "wait", **input: Any) -> httpx.Response:
    headers = {"Prefer": prefer} if prefer else {}
    return http.post(f"models/{model}/predictions", json={"input": input}, headers=headers)


def until(condition: Callable[[], object]) -> None:
    """Ask again and again; each time is a request, so that the server gets on meanwhile."""
    for _ in range(1000):
        if condition():
            return
    raise AssertionError("it did not come to that")


# Who may, and where


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "You did not pass an authentication token"),
        ({"Authorization": "Bearer r8_wrong"}, "You did not pass a valid authentication token"),
        ({"Authorization": f"Basic {TOKEN}"}, "You did not pass a valid authentication token"),
    ],
)
def test_without_the_token_nothing_is_told(api, header, words) -> None:
    response = httpx.get(f"{api.url}/account", headers=header)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.text.endswith("\n")
    assert response.json() == {"title": "Unauthenticated", "detail": words, "status": 401}


def test_the_older_kind_of_authorization_is_taken_too(api) -> None:
    assert httpx.get(f"{api.url}/account", headers={"Authorization": f"Token {TOKEN}"}).json()["username"] == "acme"


@pytest.mark.parametrize(
    "path", ["nothing", "predictions/x", "models/acme/nothing", "files/x", "models/acme/poet/versions/x"]
)
def test_what_is_not_there_is_not_found(http, path) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert response.json()["status"] == 404


@pytest.mark.parametrize(
    ("path", "allowed"), [("account", {"GET", "HEAD"}), ("models", {"GET", "HEAD", "POST", "QUERY"})]
)
def test_another_method_is_refused_with_those_that_there_are(http, path, allowed) -> None:
    response = http.request("PUT", path)
    assert response.status_code == 405
    assert {method.strip() for method in response.headers["allow"].split(",")} == allowed
    assert http.post("account").status_code == 405  # and not a form of the page for people


def test_replies_tell_the_rate_limit(http) -> None:
    first, second = (http.get("account") for _ in range(2))
    assert int(first.headers["ratelimit-remaining"]) >= int(second.headers["ratelimit-remaining"])
    assert int(second.headers["ratelimit-reset"]) >= 1
    assert "ratelimit-remaining" not in http.get("files").headers


def test_rate_limits_are_enforced_where_asked_for() -> None:
    with Emulator(limited=True) as api, Replicate(api.token, base_url=api.url, max_retries=0) as client:
        bucket = api._running.creates
        bucket._left, bucket.rate = 1.5, 0.1
        client.run("acme/hello", {"text": "Ada"})
        with pytest.raises(RateLimited) as caught:
            client.run("acme/hello", {"text": "Ada"})
        assert caught.value.retry_after == pytest.approx(5, abs=1)
        assert caught.value.headers["retry-after"] == str(int(caught.value.retry_after))


# Creating


def test_a_prediction_begins_as_starting_and_is_over_soon(http, client) -> None:
    created = create(http, "acme/hello", None, text="Ada")
    assert created.status_code == 201
    body = created.json()
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{26}", body["id"])
    assert (body["status"], body["version"], body["output"], body["logs"]) == ("starting", "hidden", None, "")
    assert not body.keys() & {"started_at", "completed_at", "metrics", "deadline", "deployment"}
    finished = client.wait(body["id"])
    assert finished.output == "Hello, Ada!"
    assert finished.logs == "greeting Ada\n"
    assert finished.metrics.total_time >= finished.metrics.predict_time >= 0


def test_a_held_create_answers_with_all_outputs_before_the_books_are_closed(http) -> None:
    response = create(http, "acme/hello", "wait=10", text="Ada")
    assert response.status_code == 201
    assert response.headers["preference-applied"] == "wait=10"
    body = response.json()
    assert (body["status"], body["output"], body["logs"]) == ("processing", "Hello, Ada!", "")
    assert not body.keys() & {"started_at", "completed_at", "metrics"}
    assert http.get(f"predictions/{body['id']}").json()["status"] == "succeeded"


def test_a_hold_that_runs_out_answers_with_what_there_was(api, http) -> None:
    pushed = threading.Timer(0.04, api.clock.advance, [7])
    pushed.start()
    response = create(http, "acme/sleeper", "wait=6", seconds=600)
    assert response.status_code == 202
    assert response.json()["status"] == "starting"
    http.post(f"predictions/{response.json()['id']}/cancel")


def test_a_version_is_named_in_three_ways(http, client) -> None:
    [newest, oldest] = http.get("models/acme/poet/versions").json()["results"]
    assert newest["id"] != oldest["id"]
    for version in (oldest["id"], f"acme/poet:{oldest['id']}"):
        response = http.post(
            "predictions", json={"version": version, "input": {"prompt": "tea"}}, headers={"Prefer": "wait"}
        )
        assert response.json()["version"] == oldest["id"]
        assert "".join(response.json()["output"]) == "Roses are red, tea is too."
    assert client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
    response = http.post("predictions", json={"version": "acme/hello", "input": {"text": "Ada"}})
    assert response.json()["model"] == "acme/hello"


@pytest.mark.parametrize("version", ["acme/poet", "acme/poet:latest", "0" * 64, "acme/hello:" + "0" * 64])
def test_other_versions_are_refused_in_the_words_of_the_api(http, version) -> None:
    response = http.post("predictions", json={"version": version, "input": {"prompt": "tea"}})
    assert response.status_code == 422
    assert response.json()["title"] == "Invalid version or not permitted"


def test_a_community_model_has_no_predictions_of_its_own(http, client) -> None:
    assert create(http, "acme/poet", prompt="tea").json() == {
        "detail": "The requested resource could not be found.",
        "status": 404,
    }
    assert "".join(client.run("acme/poet", {"prompt": "tea"})).startswith(("Above", "Beneath", "Beyond", "Within"))


def test_a_deployment_runs_its_model(http, client) -> None:
    assert client.run("deployments/acme/front-desk", {"text": "Ada"}) == "Hello, Ada!"
    assert next(client.predictions.list()).deployment == "acme/front-desk"


@pytest.mark.parametrize(
    ("body", "invalid"),
    [
        ({}, [("required", "", "input is required")]),
        (
            {"input": {}, "inptu": {}},
            [
                ("additional_property_not_allowed", "", "Additional property inptu is not allowed"),
                ("required", "input", "prompt is required"),
            ],
        ),
        (
            {"input": {"prompt": 5}},
            [("invalid_type", "input.prompt", "Invalid type. Expected: string, given: integer")],
        ),
        (
            {"input": {"prompt": "x", "width": 5, "height": 9999}},
            [
                ("number_gte", "input.width", "Must be greater than or equal to 16"),
                ("number_lte", "input.height", "Must be less than or equal to 2048"),
            ],
        ),
        (
            {"input": {"prompt": "x"}, "webhook_events_filter": ["never"]},
            [
                (
                    "enum",
                    "webhook_events_filter.0",
                    'webhook_events_filter.0 must be one of the following: "start", "output", "logs", "completed"',
                )
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_body_is_told_field_by_field(http, body, invalid) -> None:
    told = []
    for _ in range(2):  # the body's own faults first, then the input's
        response = http.post("models/acme/painter/predictions", json=body)
        if response.status_code != 422:
            break
        problem = response.json()
        assert problem["title"] == "Input validation failed"
        lines = problem["detail"].splitlines()
        for field, line in zip(problem["invalid_fields"], lines, strict=True):
            assert line == f"- {field['field']}: {field['description']}".replace("- : ", "- ")
        told += [(field["type"], field["field"], field["description"]) for field in problem["invalid_fields"]]
        body.pop("inptu", None)
        if "input" not in body or body.get("webhook_events_filter") or "prompt" in body["input"]:
            break
    assert told == invalid


def test_a_body_that_is_no_json_is_a_bad_request(http) -> None:
    assert http.post("predictions").json() == {"detail": "Failed to parse request body as JSON: EOF", "status": 400}


def test_choices_and_nothing(http) -> None:
    assert create(http, "acme/painter", prompt="x", seed=None, width=16, height=16).status_code == 201
    version = http.get("models/acme/filter").json()["latest_version"]["id"]
    body = {"version": version, "input": {"image": "data:,", "effect": "explode"}}
    problem = http.post("predictions", json=body).json()
    words = 'input.effect must be one of the following: "invert", "grayscale", "blur", "mirror"'
    assert problem["invalid_fields"] == [{"type": "enum", "field": "input.effect", "description": words}]


ODD_JSON = [
    '{"input":{"text":"\\ud83d"}}',
    '{"input":{"seconds":NaN}}',
    '{"input":{"a":Infinity}}',
    '{"input":' + "[" * 200_000,
]


@pytest.mark.parametrize("body", ODD_JSON, ids=["surrogate", "nan", "infinity", "deep"])
def test_json_that_could_not_be_sent_back_is_refused(http, body) -> None:
    assert http.post("models/acme/hello/predictions", content=body).status_code == 400
    assert http.get("predictions").status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("predictions?cursor=%C3%A9", {}, 404),
        ("predictions?created_after=9999-12-31T24:00:00", {}, 400),
        ("predictions?source=api", {}, 400),
        ("models?sort_by=junk", {}, 400),
        ("files/x/download?owner=a&expiry=1&signature=%C3%A9", {}, 404),
    ],
)
def test_odd_queries_are_refused(http, path, headers, status) -> None:
    assert http.get(path, headers=headers).status_code == status


@pytest.mark.parametrize("text", ["9999999999999", "9" * 5000, "4s", "soon", "", "1.5m"])
def test_odd_lifetimes_are_refused(http, text) -> None:
    response = http.post("models/acme/hello/predictions", json={"input": {"text": "x"}}, headers={"Cancel-After": text})
    assert response.status_code == 400


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"content": b"x", "metadata": ("m", b"\xff", "application/json")}},
        {"files": {"content": b"x"}, "data": {"metadata": "[" * 100_000}},
        {"files": {"content": b"x"}, "data": {"metadata": '{"a":"\\ud800"}'}},
        {"files": {"content": b"x"}, "data": {"metadata[a]": "1", "metadata[a][b]": "2"}},
        {"content": b"no form", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"no form", "headers": {"content-type": "multipart/form-data"}},
    ],
)
def test_odd_forms_are_refused(http, form) -> None:
    assert http.post("files", **form).status_code in (400, 422)
    assert http.get("files").status_code == 200


def test_what_is_too_large_is_refused(http, monkeypatch) -> None:
    monkeypatch.setattr("replicate_ext.emulator.app.LARGEST_BODY", 1000)
    monkeypatch.setattr("replicate_ext.emulator.operations.files.LARGEST", 1000)
    response = http.post("models/acme/hello/predictions", json={"input": {"text": "x" * 1000}})
    assert (response.status_code, response.json()["detail"]) == (413, "Request Entity Too Large")
    response = http.post("files", files={"content": b"x" * 1001})
    assert (response.status_code, response.json()["detail"]) == (413, "Files must be less than 100MB in size")


def test_a_model_that_cannot_stream_says_so(http) -> None:
    response = http.post("models/acme/hello/predictions", json={"input": {"text": "x"}, "stream": True})
    assert response.status_code == 422


def test_an_integer_may_come_with_a_point(client) -> None:
    [file] = client.run("acme/painter", {"prompt": "x", "width": 64.0, "height": 16})
    assert Image.open(io.BytesIO(file.read())).size == (64, 16)


def test_models_are_sorted_as_asked(client) -> None:
    names = [model.name for model in client.models.list()]
    assert [model.name for model in client.models.list(sort_direction="asc")] == names[::-1]
    assert [model.name for model in client.models.list(sort_by="model_created_at")] == names


def test_emulators_share_nothing(api, client) -> None:
    client.run("acme/hello", {"text": "x"})
    with Emulator() as other, Replicate(other.token, base_url=other.url) as stranger:
        assert stranger.models.get("acme", "hello").run_count == 0
        assert client.models.get("acme", "hello").run_count > 0


# What models do


def test_a_painter_paints_the_same_picture_of_the_same_words_and_seed(client) -> None:
    def paint(prompt: str, seed: int) -> bytes:
        [file] = client.run("acme/painter", {"prompt": prompt, "seed": seed, "width": 64, "height": 48})
        return bytes(file.read())

    picture = paint("a lighthouse", 7)
    assert Image.open(io.BytesIO(picture)).size == (64, 48)
    assert Image.open(io.BytesIO(picture)).format == "PNG"
    assert paint("a lighthouse", 7) == picture
    assert paint("a lighthouse", 8) != picture
    assert paint("a donkey", 7) != picture


def test_a_filter_reads_uploads_outputs_and_data(client, tmp_path) -> None:
    source = Image.new("RGB", (400, 300), (10, 20, 30))
    path = tmp_path / "dark.png"
    source.save(path)
    uploaded = client.files.create(content=path.read_bytes(), filename="dark.png")
    for image in (path, uploaded.urls.get):
        changed = client.run("acme/filter", {"image": image})
        assert Image.open(io.BytesIO(changed.read())).getpixel((5, 5)) == (245, 235, 225)
    again = client.run("acme/filter", {"image": changed, "effect": "invert"})
    assert Image.open(io.BytesIO(again.read())).getpixel((5, 5)) == (10, 20, 30)
    with pytest.raises(ModelError, match="there is no file at"):
        client.run("acme/filter", {"image": f"{uploaded.urls.get}x"})


def test_a_failing_model_fails_with_its_message_and_logs(client) -> None:
    with pytest.raises(ModelError, match=r"CUDA out of memory \(code: E1001\)") as caught:
        client.run("acme/broken", {"message": "CUDA out of memory (code: E1001)"})
    assert caught.value.prediction.status == "failed"
    assert "loading weights" in str(caught.value)


def test_a_sleeper_is_canceled_at_once_and_says_how_far_it_was(api, http, client) -> None:
    id = create(http, "acme/sleeper", None, seconds=600).json()["id"]
    until(lambda: http.get(f"predictions/{id}").json()["status"] == "processing")
    api.clock.advance(61)
    until(lambda: http.get(f"predictions/{id}").json()["logs"])
    canceled = http.post(f"predictions/{id}/cancel").json()
    assert (canceled["status"], canceled["output"], canceled["logs"]) == ("canceled", None, None)
    assert canceled["completed_at"] >= canceled["started_at"] >= canceled["created_at"]
    with pytest.raises(PredictionCanceled) as caught:
        client.wait(id)
    assert caught.value.prediction.logs == " 10%|#         | 1/10\n"
    assert http.post(f"predictions/{id}/cancel").json()["status"] == "canceled"


def test_cancel_after_stops_a_prediction(api, http) -> None:
    headers = {"Cancel-After": "1m30s"}
    body = {"input": {"seconds": 600}}
    created = http.post("models/acme/sleeper/predictions", json=body, headers=headers).json()
    assert created["deadline"] > created["created_at"]
    until(lambda: http.get(f"predictions/{created['id']}").json()["status"] == "processing")
    api.clock.advance(91)
    until(lambda: http.get(f"predictions/{created['id']}").json()["status"] == "canceled")


def test_a_poem_streams_and_can_be_taken_up_again(http, client) -> None:
    version = http.get("models/acme/poet").json()["latest_version"]["id"]
    input = {"prompt": "the sea", "seconds": 0}
    created = http.post("predictions", json={"version": version, "input": input}).json()
    finished = client.wait(created["id"])
    events = []
    with httpx.stream("GET", created["urls"]["stream"]) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = response.iter_lines()
        assert next(lines) == ": hi"
        for line in lines:
            events.append(line)
            if line == "data: {}":
                break
    ids = [line for line in events if line.startswith("id: ")]
    assert len(set(ids)) == len(ids) == len(finished.output) + 1
    with httpx.stream("GET", created["urls"]["stream"], headers={"Last-Event-ID": ids[-2][4:]}) as response:
        lines = response.iter_lines()
        assert [next(lines) for _ in range(5)] == [": hi", "", "event: done", ids[-1], "data: {}"]
    stream = client.stream("acme/poet", input)
    assert "".join(str(event) for event in stream) == "".join(finished.output) == stream.text
    assert stream.prediction.status == "succeeded"


def test_an_idle_stream_is_closed(api, http) -> None:
    version = http.get("models/acme/poet").json()["latest_version"]["id"]
    body = {"version": version, "input": {"prompt": "x", "seconds": 0}}
    created = http.post("predictions", json=body, headers={"Prefer": "wait"}).json()
    pushes = [threading.Timer(0.005 * number, api.clock.advance, [31]) for number in range(8)]
    with httpx.stream("GET", created["urls"]["stream"]) as response:
        for push in pushes:
            push.start()
        assert "".join(response.iter_text()).endswith("data: {}\n\n:408: 408 Request Timeout\n\n")
    for push in pushes:
        push.join()
    assert httpx.get(created["urls"]["stream"] + "x").status_code == 404


# Lists and files


def test_lists_come_in_pages_with_links_both_ways() -> None:
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        made = [
            client.models.predictions.create("acme", "hello", input={"text": str(number)}).id for number in range(205)
        ]
        http = httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"})
        with http:
            first = http.get("predictions").json()
            second = http.get(first["next"]).json()
            third = http.get(second["next"]).json()
            assert [len(page["results"]) for page in (first, second, third)] == [100, 100, 5]
            assert (first["previous"], third["next"]) == (None, None)
            assert http.get(third["previous"]).json()["results"] == second["results"]
            assert http.get(second["previous"]).json()["results"] == first["results"]
            assert http.get("predictions?cursor=!").status_code == 404
        assert [prediction.id for prediction in client.predictions.list()] == made[::-1]
        middle = client.predictions.get(made[100])
        after = list(client.predictions.list(created_after=middle.created_at))
        before = list(client.predictions.list(created_before=middle.created_at))
        assert [prediction.id for prediction in after] == made[:99:-1]
        assert [prediction.id for prediction in before] == made[99::-1]
        assert list(client.predictions.list(source="web")) == []


def test_models_are_listed_found_and_shown(client) -> None:
    models = {model.name: model for model in client.models.list()}
    assert models.keys() == {"hello", "painter", "poet", "filter", "broken", "sleeper"}
    assert models["hello"].is_official is True
    assert [model.name for model in client.models.search("poem")] == ["poet"]
    assert client.models.get("acme", "poet").latest_version.id == models["poet"].latest_version.id
    assert list(client.models.versions.list("acme", "hello")) == []
    version = client.models.versions.get("acme", "poet", version_id=models["poet"].latest_version.id)
    assert version.openapi_schema["components"]["schemas"]["Output"]["x-cog-array-display"] == "concatenate"


def test_files_are_stored_described_and_deleted(api, http, client) -> None:
    file = client.files.create(content=b"+++ hello +++", filename="../../etc/passwd", metadata={"a": {"b": 1}})
    assert file.size == 13
    assert file.additional_properties["name"] == "../../etc/passwd"
    assert file.metadata["a"] == {"b": 1}
    stored = api._running.state.uploads[file.id].path
    assert stored.parent == Path(api._running.state._folder.name)
    assert file.id in [listed.id for listed in client.files.list()]
    client.files.delete(file.id)
    assert not stored.exists()
    with pytest.raises(NotFound):
        client.files.get(file.id)


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"content": b"x", "metadata": ("blob", b'{"a": 1}', "application/json")}},
        {"files": {"content": b"x"}, "data": {"metadata": '{"a": 1}'}},
    ],
)
def test_metadata_comes_as_a_field_or_as_a_file(http, form) -> None:
    assert http.post("files", **form).json()["metadata"] == {"a": 1}


def test_metadata_comes_in_fields_of_its_own(http) -> None:
    data = {"metadata[a]": "1", "metadata[b][c]": "2"}
    assert http.post("files", files={"content": b"x"}, data=data).json()["metadata"] == {"a": "1", "b": {"c": "2"}}


def test_a_form_without_content_is_refused(http) -> None:
    response = http.post("files", data={"filename": "x"})
    assert response.status_code == 422
    assert response.json()["detail"] == "- content is required\n"


def test_a_download_needs_a_signature_that_is_still_good(api, client) -> None:
    file = client.files.create(content=b"hello")
    secret, now = api._running.state.signing_secret, int(api.clock.time())
    good = {"owner": "acme", "expiry": str(now + 60), "signature": signature(secret, "acme", file.id, str(now + 60))}
    assert httpx.get(api.download_url(file.id)).content == b"hello"
    url = f"{api.url}/files/{file.id}/download"
    assert httpx.get(f"{url}?{urlencode(good)}").content == b"hello"
    for wrong in ({"owner": "other"}, {"expiry": str(now + 61)}, {"signature": ""}):
        assert httpx.get(f"{url}?{urlencode(good | wrong)}").status_code == 404
    old = {"owner": "acme", "expiry": str(now - 1), "signature": signature(secret, "acme", file.id, str(now - 1))}
    assert httpx.get(f"{url}?{urlencode(old)}").status_code == 404
    text = b"local-files-signing-secret"  # the vector of the behaviour sheet
    assert signature(text, "mattt", "cneqzikepnug6xezperrr4z55o", "1708515345").startswith("dKEfc95YaGeWMvuQ")


def test_outputs_need_no_token_and_come_in_ranges(client) -> None:
    [file] = client.run("acme/painter", {"prompt": "x", "width": 32, "height": 32})
    whole = httpx.get(file.url)
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["accept-ranges"] == "bytes"
    assert int(whole.headers["content-length"]) == len(whole.content)
    part = httpx.get(file.url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert httpx.head(file.url).headers["content-length"] == whole.headers["content-length"]
    assert httpx.get(file.url + "x").status_code == 404


# Models, deployments, trainings


def test_all_operations_of_the_contract_are_spoken() -> None:
    from replicate_ext.emulator.operations import handlers

    assert handlers().keys() == set(OPERATIONS)


@pytest.fixture
def own(replicate_emulator: Emulator, replicate_client: Replicate) -> tuple[Emulator, Replicate]:
    """Return an emulator that this test may change, and a client of it."""
    return replicate_emulator, replicate_client


def test_a_model_of_ones_own_is_made_changed_and_deleted(own) -> None:
    _, client = own
    made = client.models.create(owner="acme", name="mine", visibility="private", hardware="cpu", description="A")
    assert (made.description, made.run_count, made.latest_version) == ("A", 0, None)
    assert "mine" not in [model.name for model in client.models.list()]
    with pytest.raises(NotFound):
        client.models.readme.get("acme", "mine")
    assert client.models.update("acme", "mine", description="B", readme="# Mine").description == "B"
    assert client.models.readme.get("acme", "mine") == "# Mine"
    for wrong in ({"owner": "other"}, {"name": "mine"}, {"name": "a b"}):
        with pytest.raises(APIStatusError):
            client.models.create(**{"owner": "acme", "name": "m", "visibility": "private", "hardware": "cpu"} | wrong)
    client.models.delete("acme", "mine")
    with pytest.raises(NotFound):
        client.models.get("acme", "mine")
    with pytest.raises(APIStatusError):
        client.models.delete("acme", "hello")
    assert list(client.models.examples.list("acme", "hello")) == []


def test_a_training_makes_a_version_of_its_destination(own) -> None:
    _, client = own
    client.models.create(owner="acme", name="sailor", visibility="private", hardware="cpu")
    version = client.models.get("acme", "poet").latest_version.id
    input = {"words": "anchor", "steps": 4}
    training = client.trainings.create("acme", "poet", version, destination="acme/sailor", input=input)
    assert training.status == "starting"
    assert "/predictions/" in training.urls.get
    finished = client.wait(client.trainings.get(training.id))
    assert finished.logs.endswith("100%|##########| 4/4\n")
    assert "/trainings/" in finished.urls.get
    ref = finished.output.version
    assert ref == f"acme/sailor:{client.models.get('acme', 'sailor').latest_version.id}"
    assert "anchor" in "".join(client.run(ref, {"prompt": "the sea", "seconds": 0}))
    assert [listed.id for listed in client.trainings.list()] == [training.id]
    assert training.id not in [listed.id for listed in client.predictions.list()]
    assert client.trainings.cancel(training.id).status == "succeeded"
    client.models.versions.delete("acme", "sailor", ref.partition(":")[2])
    client.models.delete("acme", "sailor")


def test_trainings_that_make_no_sense_are_refused(own) -> None:
    _, client = own
    poet, hello = (client.models.get("acme", name).latest_version.id for name in ("poet", "hello"))
    with pytest.raises(NotFound, match="The specified training destination does not exist"):
        client.trainings.create("acme", "poet", poet, destination="acme/nothing", input={"words": "x"})
    with pytest.raises(InvalidRequest, match="cannot be trained"):
        client.trainings.create("acme", "hello", hello, destination="acme/poet", input={})
    with pytest.raises(InvalidRequest, match="words is required"):
        client.trainings.create("acme", "poet", poet, destination="acme/poet", input={})
    with pytest.raises(NotFound):
        client.trainings.get("nothing")


def test_a_deployment_has_releases_and_an_end(own) -> None:
    api, client = own
    old, new = [version.id for version in client.models.versions.list("acme", "poet")][::-1]
    settings = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
    made = client.deployments.create(name="app", model="acme/poet", version=old, **settings)
    assert (made.owner, made.current_release.number, made.current_release.version) == ("acme", 1, old)
    assert client.run("deployments/acme/app", {"prompt": "tea"})[-1] == "."
    changed = client.deployments.update("acme", "app", version=new)
    assert (changed.current_release.number, changed.current_release.configuration.hardware) == (2, "cpu")
    slow = client.deployments.predictions.create("acme", "app", input={"prompt": "x", "seconds": 60})
    assert [deployment.name for deployment in client.deployments.list()] == ["app", "front-desk"]
    with pytest.raises(APIStatusError, match="15 minutes"):
        client.deployments.delete("acme", "app")
    client.deployments.update("acme", "app", min_instances=0, max_instances=0)
    assert client.predictions.get(slow.id).status == "canceled"
    with pytest.raises(InvalidRequest, match="no instances"):
        client.run("deployments/acme/app", {"prompt": "x"})
    api.clock.advance(16 * 60)
    client.deployments.delete("acme", "app")
    for wrong in ({"version": hex(0)}, {"hardware": "abacus"}, {"min_instances": 2}, {"max_instances": 21}):
        with pytest.raises(InvalidRequest):
            client.deployments.create(**{"name": "b", "model": "acme/poet", "version": old} | settings | wrong)
    with pytest.raises(NotFound):
        client.deployments.get("acme", "app")


def test_collections_search_hardware_and_secret(own) -> None:
    api, client = own
    assert [collection.slug for collection in client.collections.list()] == ["words", "pictures"]
    assert [model.name for model in client.collections.get("pictures").models] == ["painter", "filter"]
    found = client.search(query="poem")
    assert [result.model.name for result in found.models] == ["poet"]
    assert httpx.get(f"{api.url}/search?query=picture").json()["collections"][0]["slug"] == "pictures"
    assert httpx.get(f"{api.url}/search").json() == {"detail": 'Query parameter "query" is required'}
    assert httpx.get(f"{api.url}/search?query=x&limit=51").status_code == 400
    assert "cpu" in [hardware.sku for hardware in client.hardware.list()]
    secret = client.webhooks.default.secret.get().key
    body = json.dumps({"id": "x", "status": "succeeded"})
    assert client.webhooks.verify(body, webhooks.sign(body, secret)).id == "x"


# Models of one's own


def test_a_typed_function_is_a_model() -> None:
    models = Catalog()

    @models.model("me/repeat")
    def repeat(
        text: str, times: Annotated[int, Field("How often.", ge=1)] = 2, how: Literal["up", "down"] = "up"
    ) -> list[str]:
        """Repeat a text."""
        return [text.upper() if how == "up" else text.lower()] * times

    with Emulator(models=models) as api, Replicate(api.token, base_url=api.url) as client:
        assert client.run("me/repeat", {"text": "Ada", "how": "down"}) == ["ada", "ada"]
        model = client.models.get("me", "repeat")
        assert model.description == "Repeat a text."
        components = model.latest_version.openapi_schema["components"]["schemas"]
        assert components["Input"]["required"] == ["text"]
        assert components["Input"]["properties"]["times"] == {
            "title": "Times",
            "type": "integer",
            "description": "How often.",
            "minimum": 1,
            "default": 2,
            "x-order": 1,
        }
        assert components["how"]["enum"] == ["up", "down"]
        with pytest.raises(InvalidRequest, match="Must be greater than or equal to 1"):
            client.run("me/repeat", {"text": "Ada", "times": 0})


def test_a_model_can_be_added_to_a_running_emulator(own) -> None:
    api, client = own

    @api.model("me/count")
    def count(up_to: int) -> Iterator[str]:
        for number in range(up_to):
            yield f"{number} "

    assert [str(event) for event in client.stream("me/count", {"up_to": 3})] == ["0 ", "1 ", "2 ", ""]
    with Emulator() as other, Replicate(other.token, base_url=other.url) as stranger, pytest.raises(NotFound):
        stranger.models.get("me", "count")


MODELS = """
import enum
from pathlib import Path
from replicate_ext import emulator

class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"

@emulator.model("me/size")
def size(files: list[Path], mood: Mood = Mood.GOOD, note: str | None = None) -> dict:
    emulator.log("measuring")
    return {"sizes": [file.stat().st_size for file in files], "mood": mood, "note": note}

@emulator.model("me/copy")
def copy(file: Path) -> Path:
    return file
"""


def test_the_command_serves_models_of_ones_own(tmp_path) -> None:
    (tmp_path / "my_models.py").write_text(MODELS)
    command = [sys.executable, "-m", "replicate_ext.emulator", "--port", "0", str(tmp_path / "my_models.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = ""
        while not url.startswith("export REPLICATE_BASE_URL="):
            url = process.stdout.readline()
        with Replicate(TOKEN, base_url=url.strip().partition("=")[2]) as client:
            input = {"files": [b"abc", b"defgh"], "mood": "bad"}
            assert client.run("me/size", input) == {"sizes": [3, 5], "mood": "bad", "note": None}
            assert client.run("me/copy", {"file": b"abc"}).read() == b"abc"
            with pytest.raises(InvalidRequest, match='one of the following: "good", "bad"'):
                client.run("me/size", {"files": [], "mood": "odd"})
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_pytest_finds_the_fixtures(replicate_emulator, replicate_client) -> None:
    assert replicate_client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
    with Replicate() as mine:  # the environment leads there too
        assert mine.account.get().username == "acme"
    assert len(replicate_emulator.requests) == 2


def untyped(text) -> str:  # type: ignore[no-untyped-def]
    return str(text)


def odd(text: complex) -> str:
    return str(text)


def nothing(text: str):  # type: ignore[no-untyped-def]
    return text


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (untyped, "the parameter text has no type"),
        (odd, "the parameter text is a"),
        (nothing, "the result has no type"),
    ],
)
def test_a_function_that_makes_no_schema_says_why(function, words) -> None:
    with pytest.raises(TypeError, match=words):
        schema.openapi_schema(function)
    with pytest.raises(ValueError, match="owner/name"):
        Catalog().model("repeat")


# The rest


def test_requests_are_remembered_without_the_token(api, client) -> None:
    client.run("acme/hello", {"text": "Ada"})
    entry = api.requests[-1]
    assert (entry.method, entry.path, entry.status) == ("POST", "/v1/models/acme/hello/predictions", 201)
    assert entry.operation == "models.predictions.create"
    assert entry.body == {"input": {"text": "Ada"}}
    assert TOKEN not in repr(api.requests)


def test_both_clients_run_on_it(api) -> None:
    import asyncio

    async def main() -> list[str]:
        async with AsyncReplicate(api.token, base_url=api.url) as client:
            return await asyncio.gather(*(client.run("acme/hello", {"text": str(n)}) for n in range(20)))

    assert asyncio.run(main()) == [f"Hello, {n}!" for n in range(20)]
    with Replicate("r8_wrong", base_url=api.url) as stranger, pytest.raises(AuthenticationError):
        stranger.account.get()


def test_leaving_does_not_wait_for_anybody() -> None:
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        client.models.predictions.create("acme", "sleeper", input={"seconds": 86400})
        folder = Path(api._running.state._folder.name)
        assert folder.exists()
    assert not folder.exists()
    with Emulator() as api, socket.create_connection(api._address) as half:
        head = f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n"
        half.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\nabc".encode())
        assert httpx.get(api.url).status_code == 404  # and with that the half request has arrived
    with pytest.raises(RuntimeError, match="with"):
        _ = Emulator().requests


def test_everything_is_kept_in_a_file(tmp_path) -> None:
    path, crashed = tmp_path / "state.db", tmp_path / "crashed.db"
    with Emulator(state=path) as api, Replicate(api.token, base_url=api.url) as client:
        _, port = api._address
        [picture] = client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
        content = picture.read()
        file = client.files.create(content=b"hello", filename="a.txt")
        gone = client.files.create(content=b"gone")
        client.files.delete(gone.id)
        client.models.create(owner="acme", name="mine", visibility="private", hardware="cpu", description="Mine")
        poet = client.models.get("acme", "poet").latest_version.id
        training = client.trainings.create("acme", "poet", poet, destination="acme/mine", input={"words": "gull"})
        ref = client.wait(training).output.version
        settings = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
        client.deployments.create(name="app", model="acme/mine", version=ref.partition(":")[2], **settings)
        canceled = client.models.predictions.create("acme", "sleeper", input={"seconds": 60})
        client.predictions.cancel(canceled.id)
        slow = client.models.predictions.create("acme", "sleeper", input={"seconds": 60})
        secret = client.webhooks.default.secret.get().key
        before = {job.id: job for job in client.predictions.list()}
        shutil.copy(path, crashed)  # as if the machine had gone away now
    for kept in (path, crashed):
        with Emulator(port, state=kept) as api, Replicate(api.token, base_url=api.url) as client:
            after = {job.id: job for job in client.predictions.list()}
            assert after.keys() == before.keys()
            assert after[slow.id].status == ("canceled" if kept == path else "failed")
            assert all(after[id].output == job.output for id, job in before.items())
            assert after[canceled.id] == before[canceled.id]
            assert httpx.get(picture.url).content == content
            assert [one.id for one in client.files.list()] == [file.id]
            assert client.models.get("acme", "mine").description == "Mine"
            assert client.deployments.get("acme", "app").current_release.version == ref.partition(":")[2]
            assert client.trainings.get(training.id).output.version == ref
            assert client.webhooks.default.secret.get().key == secret
            assert "gull" in "".join(client.run(ref, {"prompt": "tea", "seconds": 0}))
            if kept == crashed:
                assert after[slow.id].error == "Prediction interrupted; please retry (code: PA)"


def test_what_was_kept_can_be_deleted_with_its_predictions(tmp_path) -> None:
    path = tmp_path / "state.db"
    with Emulator(state=path) as api, Replicate(api.token, base_url=api.url) as client:
        client.models.create(owner="acme", name="mine", visibility="private", hardware="cpu")
        poet = client.models.get("acme", "poet").latest_version.id
        training = client.trainings.create("acme", "poet", poet, destination="acme/mine", input={"words": "gull"})
        ref = client.wait(training).output.version
        client.run(ref, {"prompt": "tea", "seconds": 0})
    with Emulator(state=path) as api, Replicate(api.token, base_url=api.url) as client:
        client.models.versions.delete("acme", "mine", ref.partition(":")[2])
        assert list(client.predictions.list()) == []
        client.models.delete("acme", "mine")


def test_https_with_a_certificate_to_throw_away() -> None:
    with Emulator(https=True) as api:
        assert api.url.startswith("https://")
        context = ssl.create_default_context(cafile=api.authority)
        with Replicate(api.token, base_url=api.url, verify=context) as client:
            [file] = client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
            assert file.url.startswith("https://")
            assert file.read().startswith(b"\x89PNG")
        with Replicate(api.token, base_url=api.url, max_retries=0) as strict, pytest.raises(ConnectionFailed):
            strict.account.get()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_and_stops_when_told(number) -> None:
    command = [sys.executable, "-m", "replicate_ext.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = ""
        while not url.startswith("export REPLICATE_BASE_URL="):
            url = process.stdout.readline()
        token = process.stdout.readline().strip().partition("=")[2]
        with Replicate(token, base_url=url.strip().partition("=")[2]) as client:
            assert client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_ids_hold_their_moment_and_moments_have_no_needless_digits() -> None:
    from datetime import UTC, datetime

    moment = datetime(2025, 6, 2, 15, 53, 20, 761000, tzinfo=UTC)
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in job_id(moment):
        number = number << 5 | alphabet.index(letter)
    raw = (number >> 2).to_bytes(16, "big")
    assert int.from_bytes(raw[8:12] + raw[4:6], "big") == int(moment.timestamp() * 1000)
    assert raw[6] >> 4 == 7
    assert stamp(moment) == "2025-06-02T15:53:20.761Z"
    assert stamp(moment.replace(microsecond=0)) == "2025-06-02T15:53:20Z"


@pytest.mark.parametrize(
    ("value", "rule", "words"),
    [
        ("abc", {"maxLength": 2}, "String length must be less than or equal to 2"),
        ("", {"minLength": 1}, "String length must be greater than or equal to 1"),
        ("x", {"pattern": "^y"}, "Does not match pattern '^y'"),
        ([1], {"minItems": 2}, "Array must have at least 2 items"),
        (5, {"multipleOf": 2}, "Must be a multiple of 2"),
        (None, {"type": ["string", "integer"]}, "Invalid type. Expected: string,integer, given: null"),
        (1.5, {"anyOf": [{"type": "string"}]}, "Must validate at least one schema (anyOf)"),
    ],
)
def test_rules_are_told_in_the_words_of_gojsonschema(value, rule, words) -> None:
    with pytest.raises(Problem) as caught:
        check(value, rule, "input.x")
    assert caught.value.body["invalid_fields"][0]["description"] == words
    assert json.loads(caught.value.response().body)["detail"] == f"- input.x: {words}\n"
