"""The error tree, and the error class of each response."""

import json
import pickle

import pytest

from conftest import prediction
from replicate_ext import Prediction, errors
from replicate_ext._sansio.error_response import from_response

VALIDATION = {
    "detail": "- input: prompt is required\n",
    "status": 422,
    "title": "Input validation failed",
    "invalid_fields": [{"type": "required", "field": "input", "description": "prompt is required"}],
}


HTML_PAGE = b"<html><head><title>520: Web server is returning an unknown error</title></head><body>x</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "cls", "message"),
    [
        (
            400,
            b'{"detail":"Failed to parse request body as JSON: EOF","status":400}',
            errors.InvalidRequestError,
            "EOF",
        ),
        (401, b'{"title":"Unauthenticated","detail":"You did not pass a token"}', errors.AuthenticationError, "Unauth"),
        (
            402,
            b'{"title":"Insufficient credit","detail":"no credit","status":402}',
            errors.PaymentRequiredError,
            "credit",
        ),
        (402, b'{"title":"Free time limit reached"}', errors.PaymentRequiredError, "Free time"),
        (403, b"", errors.PermissionDeniedError, "403"),
        (404, b'{"detail":"The requested resource could not be found.","status":404}', errors.NotFoundError, "found"),
        (404, b'{"detail":"File not found"}', errors.NotFoundError, "File not found"),
        (409, b"{}", errors.APIStatusError, "409"),
        (413, b'{"detail":"Files must be smaller"}', errors.APIStatusError, "smaller"),
        (413, b"<html><h1>413 Request Entity Too Large</h1></html>", errors.APIStatusError, "413 Request Entity"),
        (422, json.dumps(VALIDATION).encode(), errors.InvalidRequestError, "prompt is required"),
        (422, b'{"title":"Invalid version or not permitted"}', errors.InvalidRequestError, "Invalid version"),
        (429, b'{"detail":"Request was throttled.","status":429,"retry_after":7}', errors.RateLimitError, "throttled"),
        (500, b'{"detail":"Search service error"}', errors.ServerError, "Search service"),
        (502, b"Bad gateway", errors.ServerError, "Bad gateway"),
        (520, HTML_PAGE, errors.ServerError, "520: Web server is returning an unknown error"),
        (302, b"", errors.APIStatusError, "302"),
        (500, b"[1, 2]", errors.ServerError, r"\[1, 2\]"),
        (500, b'{"detail": {"deep": 1}, "title": 7}', errors.ServerError, "deep"),
        (500, b"\xff\xfe", errors.ServerError, "500"),
        (422, b'{"invalid_fields": "text"}', errors.InvalidRequestError, "422"),
        (500, b"[" * 100_000, errors.ServerError, "500"),
    ],
)
def test_error_class_by_status_and_body(status: int, body: bytes, cls: type, message: str) -> None:
    error = from_response(status, {"ratelimit-remaining": "0"}, body, "POST /predictions")
    assert type(error) is cls
    assert error.status_code == status
    assert error.headers == {"ratelimit-remaining": "0"}
    with pytest.raises(errors.APIStatusError, match=message):
        raise error
    assert str(error).startswith("POST /predictions: ")


def test_invalid_fields_of_a_validation_error() -> None:
    error = from_response(422, {}, json.dumps(VALIDATION).encode(), "POST /predictions")
    assert error.title == "Input validation failed"
    assert error.invalid_fields == VALIDATION["invalid_fields"]


def test_error_tree_matches_its_drawing() -> None:
    assert issubclass(errors.APITimeoutError, (errors.APIConnectionError, TimeoutError))
    assert issubclass(errors.WaitTimeoutError, TimeoutError)
    assert issubclass(errors.PredictionCanceledError, errors.ModelError)
    drawing = errors.__doc__ or ""
    for name, cls in vars(errors).items():
        if isinstance(cls, type) and issubclass(cls, errors.ReplicateError):
            assert name in drawing, f"{name} is not in the drawing"


def one_of_each_error() -> list[errors.ReplicateError]:
    job = Prediction.from_dict(prediction("failed", error="no"))
    instances: list[errors.ReplicateError] = [
        errors.ReplicateError("x"),
        errors.APIConnectionError("x"),
        errors.APITimeoutError("x"),
        errors.ResponseDecodeError("x"),
        errors.ModelError(job),
        errors.PredictionCanceledError(job),
        errors.PredictionAbortedError(job),
        errors.WaitTimeoutError("x", job),
        errors.StreamError("x", job),
        errors.BatchStoppedError("x", "to continue: resume()"),
        errors.BatchLockedError("x"),
        errors.WebhookError("x"),
        errors.MissingWebhookHeaderError("x"),
        errors.StaleWebhookError("x"),
        errors.WebhookSignatureError("x"),
    ]
    for status in (400, 401, 402, 403, 404, 409, 429, 500):
        instances.append(from_response(status, {"a": "b"}, json.dumps(VALIDATION).encode(), "GET /x"))
    return instances


@pytest.mark.parametrize("error", one_of_each_error(), ids=lambda error: type(error).__name__)
def test_every_error_pickles_completely(error: errors.ReplicateError) -> None:
    error.note = "extra attribute"
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert vars(copied) == vars(error)


def test_every_error_class_is_in_the_pickle_test() -> None:
    tree = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.ReplicateError)}
    assert {type(error) for error in one_of_each_error()} == tree


@pytest.mark.parametrize("fields", [{"urls": "x"}, {"urls": None}, {"logs": None}, {"logs": 5}, {"error": None}])
def test_model_error_message_tolerates_missing_fields(fields: dict) -> None:
    job = Prediction.from_dict(prediction("failed") | fields)
    assert "x0fmfzfcf5rma0cq65c825tcbm failed" in str(errors.ModelError(job))


def test_every_member_of_a_problem_document_is_kept() -> None:
    problem = {
        "type": "https://errors.example/input",
        "title": "Invalid input",
        "status": 422,
        "instance": "/predictions/x",
        "errors": [{"pointer": "#/input/width", "detail": "must be positive"}, {"detail": "too many"}, "odd"],
        "balance": 30,
    }
    error = from_response(422, {}, json.dumps(problem).encode(), "POST /predictions")
    assert error.problem == problem
    assert pickle.loads(pickle.dumps(error)).problem == problem
    assert str(error) == "POST /predictions: 422: Invalid input: #/input/width: must be positive: too many"


@pytest.mark.parametrize("body", [b"", b"<h1>no</h1>", b"[1]", b"7"])
def test_problem_is_empty_without_a_json_object(body: bytes) -> None:
    assert from_response(500, {}, body, "GET /x").problem == {}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (502, b"<title>502 Bad Gateway</title>", "GET /x: 502 Bad Gateway"),
        (404, b'{"title": "Not Found", "detail": "Not found."}', "GET /x: 404: Not found."),
        (422, b'{"title": "Invalid", "detail": "Invalid version"}', "GET /x: 422: Invalid version"),
    ],
)
def test_message_does_not_repeat_its_parts(status: int, body: bytes, message: str) -> None:
    assert str(from_response(status, {}, body, "GET /x")) == message


def test_advice_follows_the_sentence_without_its_full_stop() -> None:
    error = from_response(404, {}, b'{"detail": "Not found."}', "GET /x")
    error.add_advice("check the id")
    assert str(error) == "GET /x: 404: Not found: check the id"


@pytest.mark.parametrize(
    ("text", "is_transient"),
    [
        ("Prediction interrupted; please retry (code: PA)", True),
        ("Director: unexpected error handling prediction (E9828)", True),
        ("Timed out starting (E6716)", True),
        ("Service is currently unavailable due to high demand. Please try again later. (E003) (AbC1)", True),
        ("Service is temporarily unavailable. Please try again later. (E004)", True),
        ("queue reached limit", True),
        ("Unknown error (E1000)", True),
        ("The input or output was flagged as sensitive. Please try again with different inputs. (E005)", False),
        ("Out of memory (E1001)", False),
        ("CUDA error 0xE003F", False),
        ("prompt is required", False),
        (None, False),
    ],
)
def test_transient_failures_by_documented_texts_and_codes(text: str | None, is_transient: bool) -> None:
    job = Prediction.from_dict(prediction("failed", error=text))
    assert errors.ModelError(job).is_transient is is_transient
