"""Error responses: problem documents with the texts of the API."""

from __future__ import annotations

import json

import httpx
import pytest
from emulator_fixtures import create_prediction, module_fixtures

from replicate_ext.emulator import TOKEN
from replicate_ext.emulator.problems import Problem, validate

api, http, client = module_fixtures()


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "You did not pass an authentication token"),
        ({"Authorization": "Bearer r8_wrong"}, "You did not pass a valid authentication token"),
        ({"Authorization": f"Basic {TOKEN}"}, "You did not pass a valid authentication token"),
    ],
)
def test_missing_or_wrong_token_is_unauthenticated(api, headers, detail) -> None:
    response = httpx.get(f"{api.url}/account", headers=headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.text.endswith("\n")
    assert response.json() == {"title": "Unauthenticated", "detail": detail, "status": 401}


def test_older_token_scheme_is_accepted(api) -> None:
    assert httpx.get(f"{api.url}/account", headers={"Authorization": f"Token {TOKEN}"}).json()["username"] == "acme"


@pytest.mark.parametrize(
    "path", ["nothing", "predictions/x", "models/acme/nothing", "files/x", "models/acme/poet/versions/x"]
)
def test_unknown_path_or_id_is_not_found(http, path) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert response.json()["status"] == 404


@pytest.mark.parametrize(
    ("path", "allowed"), [("account", {"GET", "HEAD"}), ("models", {"GET", "HEAD", "POST", "QUERY"})]
)
def test_method_not_allowed_lists_the_allowed_methods(http, path, allowed) -> None:
    response = http.request("PUT", path)
    assert response.status_code == 405
    assert {method.strip() for method in response.headers["allow"].split(",")} == allowed
    assert http.post("account").status_code == 405  # and it does not reach the form of the dashboard


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
def test_invalid_body_is_reported_field_by_field(http, body, invalid) -> None:
    reported = []
    for _ in range(2):  # first the violations of the request's schema, then those of the model's input schema
        response = http.post("models/acme/painter/predictions", json=body)
        if response.status_code != 422:
            break
        problem = response.json()
        assert problem["title"] == "Input validation failed"
        lines = problem["detail"].splitlines()
        for field, line in zip(problem["invalid_fields"], lines, strict=True):
            assert line == f"- {field['field']}: {field['description']}".replace("- : ", "- ")
        reported += [(field["type"], field["field"], field["description"]) for field in problem["invalid_fields"]]
        body.pop("inptu", None)
        if "input" not in body or body.get("webhook_events_filter") or "prompt" in body["input"]:
            break
    assert reported == invalid


def test_body_that_is_not_json_is_a_bad_request(http) -> None:
    assert http.post("predictions").json() == {"detail": "Failed to parse request body as JSON: EOF", "status": 400}


def test_null_for_nullable_input_is_valid_and_unknown_choice_is_not(http) -> None:
    assert create_prediction(http, "acme/painter", prompt="x", seed=None, width=16, height=16).status_code == 201
    version = http.get("models/acme/filter").json()["latest_version"]["id"]
    body = {"version": version, "input": {"image": "data:,", "effect": "explode"}}
    problem = http.post("predictions", json=body).json()
    description = 'input.effect must be one of the following: "invert", "grayscale", "blur", "mirror"'
    assert problem["invalid_fields"] == [{"type": "enum", "field": "input.effect", "description": description}]


INVALID_JSON = [
    '{"input":{"text":"\\ud83d"}}',
    '{"input":{"seconds":NaN}}',
    '{"input":{"a":Infinity}}',
    '{"input":' + "[" * 200_000,
]


@pytest.mark.parametrize("body", INVALID_JSON, ids=["surrogate", "nan", "infinity", "deep"])
def test_json_that_cannot_be_encoded_again_is_rejected(http, body) -> None:
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
def test_invalid_query_is_rejected(http, path, headers, status) -> None:
    assert http.get(path, headers=headers).status_code == status


@pytest.mark.parametrize("text", ["9999999999999", "9" * 5000, "4s", "soon", "", "1.5m"])
def test_invalid_cancel_after_is_rejected(http, text) -> None:
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
def test_invalid_form_is_rejected(http, form) -> None:
    assert http.post("files", **form).status_code in (400, 422)
    assert http.get("files").status_code == 200


def test_body_or_file_above_the_size_limit_is_rejected(http, monkeypatch) -> None:
    monkeypatch.setattr("replicate_ext.emulator.http.MAX_JSON_SIZE", 1000)
    monkeypatch.setattr("replicate_ext.emulator.operations.files.MAX_FILE_SIZE", 1000)
    response = http.post("models/acme/hello/predictions", json={"input": {"text": "x" * 1000}})
    assert (response.status_code, response.json()["detail"]) == (413, "Request Entity Too Large")
    response = http.post("files", files={"content": b"x" * 1001})
    assert (response.status_code, response.json()["detail"]) == (413, "Files must be less than 100MB in size")


def test_stream_true_is_rejected_for_a_model_without_streaming(http) -> None:
    response = http.post("models/acme/hello/predictions", json={"input": {"text": "x"}, "stream": True})
    assert response.status_code == 422


def test_form_without_content_is_rejected(http) -> None:
    response = http.post("files", data={"filename": "x"})
    assert response.status_code == 422
    assert response.json()["detail"] == "- content is required\n"


@pytest.mark.parametrize(
    ("value", "schema", "message"),
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
def test_validation_messages_are_those_of_gojsonschema(value, schema, message) -> None:
    with pytest.raises(Problem) as caught:
        validate(value, schema, "input.x")
    assert caught.value.body["invalid_fields"][0]["description"] == message
    assert json.loads(caught.value.response().body)["detail"] == f"- input.x: {message}\n"
