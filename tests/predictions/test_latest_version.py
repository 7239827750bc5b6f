"""The latest version of a community model: how long it is remembered, and when it is fetched again."""

import pytest

from conftest import Harness, json_response, prediction
from replicate_ext import InvalidRequestError

NOT_OFFICIAL = json_response({}, 404)
OK = json_response(prediction(output="x"), 201)


def model(letter: str, *inputs: str, **fields: object):
    schema = {"components": {"schemas": {"Input": {"properties": {name: {} for name in inputs or ("text",)}}}}}
    version = {"id": letter * 64, "openapi_schema": schema}
    return json_response({"owner": "acme", "name": "mine", "latest_version": version, **fields})


def run(harness: Harness, **input: object) -> str:
    """Run the model, and return the first letter of the version that was created."""
    harness.call(harness.client.run("acme/mine", input))
    return str(harness.server.request_json().get("version", "official"))[0]


def test_version_is_fetched_again_after_a_minute(harness: Harness) -> None:
    harness.server.respond_with(NOT_OFFICIAL, model("a"), OK, OK, model("b"), OK)
    assert (run(harness), run(harness)) == ("a", "a")
    harness.clock.time += 61
    assert run(harness) == "b"
    assert harness.server.requested[-2:] == ["GET /models/acme/mine", "POST /predictions"]


def test_version_is_fetched_again_for_an_unknown_input(make_harness) -> None:
    harness: Harness = make_harness(checks_inputs=True)
    old, new = model("a", "text", is_official=False), model("b", "text", "style", is_official=False)
    harness.server.respond_with(old, OK, new, OK)
    assert (run(harness, text="x"), run(harness, text="x", style="y")) == ("a", "b")


def test_version_is_fetched_again_if_the_api_refuses_the_input(harness: Harness) -> None:
    refused = json_response({"detail": "no", "invalid_fields": [{"field": "input.text"}]}, 422)
    harness.server.respond_with(NOT_OFFICIAL, model("a"), OK, refused, model("b"), OK)
    assert (run(harness), run(harness)) == ("a", "b")
    harness.server.responses = [refused, model("b"), refused]
    with pytest.raises(InvalidRequestError):
        run(harness)


def test_version_is_fetched_again_after_a_training_of_the_model(harness: Harness) -> None:
    training = {**prediction(output={"version": f"acme/mine:{'b' * 64}"}), "id": "t"}
    training["urls"] = {"get": "https://api.replicate.com/v1/trainings/t", "cancel": "x"}
    harness.server.respond_with(NOT_OFFICIAL, model("a"), OK, json_response(training), model("b"), OK)
    assert run(harness) == "a"
    harness.call(harness.client.wait(harness.call(harness.client.trainings.get("t"))))
    assert run(harness) == "b"


def test_passing_404_does_not_pin_an_official_model(harness: Harness) -> None:
    harness.server.respond_with(NOT_OFFICIAL, model("a", is_official=True), OK, OK)
    assert (run(harness), run(harness)) == ("o", "o")
    assert harness.server.requested[2:] == ["POST /models/acme/mine/predictions"] * 2
