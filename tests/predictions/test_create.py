"""Creating a prediction: references, versions, hold, timeouts, ambiguous failures."""

import httpx
import pytest

from conftest import Harness, json_response, prediction
from replicate_ext import APIConnectionError, APIStatusError, InvalidRequestError, NotFoundError, ResponseDecodeError

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.mark.parametrize(
    ("ref", "path", "version"),
    [
        ("acme/hello", "/models/acme/hello/predictions", None),
        (f"acme/hello:{VERSION}", "/predictions", VERSION),
        (VERSION, "/predictions", VERSION),
        ("deployments/acme/app", "/deployments/acme/app/predictions", None),
        ("https://replicate.com/acme/hello", "/models/acme/hello/predictions", None),
    ],
)
def test_reference_decides_the_create_path(harness: Harness, ref: str, path: str, version: str | None) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    assert harness.call(harness.client.run(ref, {"a": 1})) == "x"
    assert harness.server.requested == [f"POST {path}"]
    assert harness.server.request_json().get("version") == version


def test_community_model_runs_its_latest_version(harness: Harness) -> None:
    missing = json_response({"detail": "The requested resource could not be found.", "status": 404}, 404)
    model = json_response({"owner": "acme", "name": "poet", "latest_version": {"id": VERSION}})
    harness.server.respond_with(missing, model, json_response(prediction(output="x"), 201))
    assert harness.call(harness.client.run("acme/poet")) == "x"
    assert harness.server.requested == [
        "POST /models/acme/poet/predictions",
        "GET /models/acme/poet",
        "POST /predictions",
    ]
    assert harness.server.request_json()["version"] == VERSION
    harness.call(harness.client.run("acme/poet"))
    assert harness.server.requested[3:] == ["POST /predictions"]


def test_model_without_versions_raises_not_found(harness: Harness) -> None:
    harness.server.respond_with(
        json_response({"status": 404}, 404), json_response({"owner": "acme", "name": "new", "latest_version": None})
    )
    with pytest.raises(NotFoundError, match="acme/new has no version"):
        harness.call(harness.client.run("acme/new"))


def test_deleted_version_is_fetched_again_once(harness: Harness) -> None:
    def model(letter: str) -> httpx.Response:
        return json_response({"owner": "acme", "name": "poet", "latest_version": {"id": letter * 64}})

    invalid_version = json_response({"title": "Invalid version or not permitted", "detail": "no", "status": 422}, 422)
    harness.server.respond_with(json_response({}, 404), model("a"), json_response(prediction(output=1), 201))
    assert harness.call(harness.client.run("acme/poet")) == 1
    harness.server.responses = [
        invalid_version,
        model("b"),
        json_response(prediction(output=2), 201),
    ]
    assert harness.call(harness.client.run("acme/poet")) == 2
    assert harness.server.request_json()["version"] == "b" * 64
    harness.server.responses = [invalid_version, model("b"), invalid_version]
    with pytest.raises(InvalidRequestError):
        harness.call(harness.client.run("acme/poet"))


@pytest.mark.parametrize(
    ("ref", "statuses", "message"),
    [
        ("acme/nothing", [404, 404], "there is no model acme/nothing .* write 'deployments/acme/nothing'"),
        ("deployments/acme/app", [404], "there is no deployment acme/app .* write 'acme/app'"),
        (f"acme/hello:{VERSION}", [422], f"there is no version {VERSION} .* write 'acme/hello' to run"),
        (VERSION, [422], f"there is no version {VERSION} that this token can use$"),
    ],
)
def test_not_found_error_suggests_another_reference(harness: Harness, ref, statuses, message) -> None:
    title = "Invalid version or not permitted" if statuses == [422] else "Not found"
    problem = {"title": title, "detail": "no"}
    harness.server.respond_with(*[json_response(problem | {"status": status}, status) for status in statuses])
    with pytest.raises(APIStatusError, match=message):
        harness.call(harness.client.run(ref, {"text": "hi"}))
    assert len(harness.server.requests) == len(statuses)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("problem", [{"detail": "webhook must be an HTTPS URL"}, {"title": "Bad request"}, {}])
def test_other_invalid_request_does_not_blame_the_version(harness: Harness, status: int, problem: dict) -> None:
    harness.server.respond_with(json_response(problem, status))
    with pytest.raises(InvalidRequestError) as caught:
        harness.call(harness.client.run(f"acme/hello:{VERSION}"))
    assert "there is no version" not in str(caught.value)


def test_other_invalid_request_does_not_drop_the_known_version(harness: Harness) -> None:
    model = json_response({"owner": "acme", "name": "poet", "latest_version": {"id": VERSION}})
    harness.server.respond_with(json_response({}, 404), model, json_response(prediction(output=1), 201))
    harness.call(harness.client.run("acme/poet"))
    harness.server.responses = [json_response({"detail": "webhook must be an HTTPS URL"}, 422)]
    with pytest.raises(InvalidRequestError):
        harness.call(harness.client.run("acme/poet"))
    assert harness.server.requested[3:] == ["POST /predictions"]


def test_input_validation_error_does_not_blame_the_version(harness: Harness) -> None:
    problem = {"detail": "- input: text is required", "invalid_fields": [{"field": "input"}], "status": 422}
    harness.server.respond_with(json_response(problem, 422))
    with pytest.raises(APIStatusError, match=r"text is required$"):
        harness.call(harness.client.run(f"acme/hello:{VERSION}"))


def test_wait_false_requests_no_hold(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction(output="x")))
    harness.call(harness.client.run("acme/hello", wait=False))
    assert "Prefer" not in harness.server.requests[0].headers


@pytest.mark.parametrize(
    ("wait", "timeout", "prefer"),
    [(True, None, "wait"), (5, None, "wait=5"), (1.2, None, "wait=2"), (60, None, "wait"), (True, 9.7, "wait=9")],
)
def test_hold_is_limited_by_the_timeout(harness: Harness, wait, timeout, prefer: str) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    harness.call(harness.client.run("acme/hello", wait=wait, timeout=timeout))
    assert harness.server.requests[0].headers["Prefer"] == prefer


def test_held_create_extends_the_read_timeout(make_harness) -> None:
    harness = make_harness(timeout=5)
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    harness.call(harness.client.run("acme/hello"))
    assert harness.server.requests[0].extensions["timeout"]["read"] >= 70
    harness.call(harness.client.run("acme/hello", wait=False))
    assert harness.server.requests[1].extensions["timeout"]["read"] == 5


def test_timeout_is_sent_as_cancel_after_header(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    harness.call(harness.client.run("acme/hello", timeout=12.5))
    assert harness.server.requests[0].headers["Cancel-After"] == "18s"
    harness.call(harness.client.run("acme/hello", timeout=0.5))
    assert harness.server.requests[1].headers["Cancel-After"] == "6s"
    harness.call(harness.client.run("acme/hello", timeout=12.5, cancel_on_exit=False))
    harness.call(harness.client.run("acme/hello"))
    assert not any("Cancel-After" in request.headers for request in harness.server.requests[2:])


@pytest.mark.parametrize(
    "failure", [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("incomplete"), json_response({}, 500)]
)
def test_ambiguous_create_is_not_retried(harness: Harness, failure) -> None:
    harness.server.respond_with(failure)
    with pytest.raises((APIConnectionError, APIStatusError)) as caught:
        harness.call(harness.client.run("acme/hello", {"text": "hi"}))
    assert len(harness.server.requests) == 1
    assert caught.value.maybe_created_after is not None
    assert caught.value.maybe_created_after.tzinfo is not None


def test_create_response_without_an_id_raises(harness: Harness) -> None:
    harness.server.respond_with(json_response({"status": "starting"}, 201))
    with pytest.raises(ResponseDecodeError, match="without an id") as caught:
        harness.call(harness.client.run("acme/hello"))
    assert caught.value.maybe_created_after is not None
