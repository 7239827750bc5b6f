"""The tree, and the way from an answer to an error."""

import json
import pickle

import pytest

from conftest import prediction
from replicate_ext import Prediction, errors

VALIDATION = {
    "detail": "- input: prompt is required\n",
    "status": 422,
    "title": "Input validation failed",
    "invalid_fields": [{"type": "required", "field": "input", "description": "prompt is required"}],
}
PAGE = b"<html><head><title>520: Web server is returning an unknown error</title></head><body>x</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "cls", "words"),
    [
        (400, b'{"detail":"Failed to parse request body as JSON: EOF","status":400}', errors.InvalidRequest, "EOF"),
        (401, b'{"title":"Unauthenticated","detail":"You did not pass a token"}', errors.AuthenticationError, "Unauth"),
        (402, b'{"title":"Insufficient credit","detail":"no credit","status":402}', errors.PaymentRequired, "credit"),
        (402, b'{"title":"Free time limit reached"}', errors.PaymentRequired, "Free time"),
        (403, b"", errors.PermissionDenied, "403"),
        (404, b'{"detail":"The requested resource could not be found.","status":404}', errors.NotFound, "found"),
        (404, b'{"detail":"File not found"}', errors.NotFound, "File not found"),
        (409, b"{}", errors.APIStatusError, "409"),
        (413, b'{"detail":"Files must be smaller"}', errors.APIStatusError, "smaller"),
        (413, b"<html><h1>413 Request Entity Too Large</h1></html>", errors.APIStatusError, "413 Request Entity"),
        (422, json.dumps(VALIDATION).encode(), errors.InvalidRequest, "prompt is required"),
        (422, b'{"title":"Invalid version or not permitted"}', errors.InvalidRequest, "Invalid version"),
        (429, b'{"detail":"Request was throttled.","status":429,"retry_after":7}', errors.RateLimited, "throttled"),
        (500, b'{"detail":"Search service error"}', errors.ServerError, "Search service"),
        (502, b"Bad gateway", errors.ServerError, "Bad gateway"),
        (520, PAGE, errors.ServerError, "520: Web server is returning an unknown error"),
        (302, b"", errors.APIStatusError, "302"),
        (500, b"[1, 2]", errors.ServerError, r"\[1, 2\]"),
        (500, b'{"detail": {"deep": 1}, "title": 7}', errors.ServerError, "deep"),
        (500, b"\xff\xfe", errors.ServerError, "500"),
        (422, b'{"invalid_fields": "odd"}', errors.InvalidRequest, "422"),
    ],
)
def test_every_answer_becomes_its_error(status: int, body: bytes, cls: type, words: str) -> None:
    error = errors.from_response(status, {"ratelimit-remaining": "0"}, body, "POST /predictions")
    assert type(error) is cls
    assert error.status == status
    assert error.headers == {"ratelimit-remaining": "0"}
    with pytest.raises(errors.APIStatusError, match=words):
        raise error
    assert str(error).startswith("POST /predictions: ")


def test_invalid_fields_come_along() -> None:
    error = errors.from_response(422, {}, json.dumps(VALIDATION).encode(), "POST /predictions")
    assert error.title == "Input validation failed"
    assert error.invalid_fields == VALIDATION["invalid_fields"]


def test_the_tree_is_as_drawn() -> None:
    assert issubclass(errors.TimedOut, (errors.ConnectionFailed, TimeoutError))
    assert issubclass(errors.WaitTimeout, TimeoutError)
    assert issubclass(errors.PredictionCanceled, errors.ModelError)
    drawn = errors.__doc__ or ""
    for name, cls in vars(errors).items():
        if isinstance(cls, type) and issubclass(cls, errors.ReplicateError):
            assert name in drawn, f"{name} is not in the drawing"


def every_error() -> list[errors.ReplicateError]:
    job = Prediction.from_dict(prediction("failed", error="no"))
    some = [
        errors.ReplicateError("x"),
        errors.ConnectionFailed("x"),
        errors.TimedOut("x"),
        errors.ResponseError("x"),
        errors.ModelError(job),
        errors.PredictionCanceled(job),
        errors.PredictionAborted(job),
        errors.WaitTimeout("x", job),
        errors.StreamError("x", job),
        errors.WebhookError("x"),
        errors.MissingWebhookHeader("x"),
        errors.StaleWebhook("x"),
        errors.BadWebhookSignature("x"),
    ]
    for status in (400, 401, 402, 403, 404, 409, 429, 500):
        some.append(errors.from_response(status, {"a": "b"}, json.dumps(VALIDATION).encode(), "GET /x"))
    return some


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_every_error_pickles_whole(error: errors.ReplicateError) -> None:
    error.note = "kept"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_every_class_of_the_tree_is_pickled_above() -> None:
    tree = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.ReplicateError)}
    assert {type(error) for error in every_error()} == tree


@pytest.mark.parametrize("odd", [{"urls": "x"}, {"urls": None}, {"logs": None}, {"logs": 5}, {"error": None}])
def test_a_bad_end_is_described_whatever_the_server_left_out(odd: dict) -> None:
    job = Prediction.from_dict(prediction("failed") | odd)
    assert "x0fmfzfcf5rma0cq65c825tcbm failed" in str(errors.ModelError(job))
