"""Webhooks, with the vectors of the fact sheet: one public, the others computed with hmac."""

import base64
import json

import pytest

from conftest import Harness, prediction, replied
from replicate_ext import (
    BadWebhookSignature,
    MissingWebhookHeader,
    Prediction,
    ResponseError,
    StaleWebhook,
    Training,
    WebhookError,
    webhooks,
)

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ID = "msg_2h8fJ4eWcZ1kQm7xVn3bT9dLpRs"
V1_BODY = b'{"id":"ufawqhfynnddngldkgtslldrkq","status":"starting","output":null}'
V1_SIGNATURE = "v1,opm1UOiCoIAzHFSvG893aolhBiYh90v24di6cdrfiu4="
V2_BODY = base64.b64decode(
    "eyJpZCI6InVmYXdxaGZ5bm5kZG5nbGRrZ3RzbGxkcmtxIiwic3RhdHVzIjoic3VjY2VlZGVkIiwib3V0cHV0IjpbImNhZsOpIOKYgyIsImxpbmVcbmJy"
    "ZWFrIl0sImVycm9yIjpudWxsfQ=="
)
VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (SECRET, ID, 1700000000, V1_BODY, V1_SIGNATURE),
    (SECRET, ID, 1700000060, V2_BODY, "v1,J5USr1x/KpwJdWkyfCuy92ZeG0lOEsyDQadDrfoIot0="),
    (
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        "msg_0",
        0,
        b"{}",
        "v1,SZ2z51drdPDaEBULARoT30CbTbJQPjWVQN7gJt7nDXQ=",
    ),
]


def headers(signature: str = V1_SIGNATURE, timestamp: object = 1700000000, message_id: str = ID) -> dict[str, str]:
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def at(seconds: float):
    return lambda: seconds


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_the_vectors_pass(secret: str, message_id: str, timestamp: int, body: bytes, signature: str) -> None:
    given = headers(signature, timestamp, message_id)
    assert webhooks.verify(body, given, secret, now=at(timestamp)).to_dict() == json.loads(body)
    assert webhooks.verify(body.decode(), given, secret, now=at(timestamp)).to_dict() == json.loads(body)
    assert webhooks.sign(body, secret, message_id=message_id, timestamp=timestamp) == given


@pytest.mark.parametrize(
    "signature",
    [
        "v1,k9Ga/txq842I8m9qHzXQPZkdiUEEfmBkzOkrtNq/Zg8=",  # made with the key as text
        V1_SIGNATURE.replace("v1,", "v2,"),
        V1_SIGNATURE.replace("v1,", ""),
        "v1,",
        "v1",
        ",",
        "v1,é",
        V1_SIGNATURE[:-5],
    ],
)
def test_any_other_signature_fails(signature: str) -> None:
    with pytest.raises(BadWebhookSignature):
        webhooks.verify(V1_BODY, headers(signature), SECRET, now=at(1700000000))


@pytest.mark.parametrize(
    ("body", "given", "secret"),
    [
        (V1_BODY + b" ", headers(), SECRET),
        (json.dumps(json.loads(V1_BODY)), headers(), SECRET),
        (V1_BODY, headers(message_id="msg_other"), SECRET),
        (V1_BODY, headers(timestamp=1700000001), SECRET),
        (V1_BODY, headers(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_whatever_was_not_signed_fails(body, given: dict, secret: str) -> None:
    with pytest.raises(BadWebhookSignature):
        webhooks.verify(body, given, secret, now=at(1700000000))


def test_one_of_several_signatures_and_secrets_is_enough() -> None:
    given = headers(f"v1,AAAA {V1_SIGNATURE} v2,zzzz")
    rotating = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SECRET]
    assert webhooks.verify(V1_BODY, given, rotating, now=at(1700000000)).status == "starting"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    given = headers()
    del given[name]
    with pytest.raises(MissingWebhookHeader, match=name):
        webhooks.verify(V1_BODY, given, SECRET, now=at(1700000000))


@pytest.mark.parametrize("shape", [str.title, str.upper, lambda name: f"HTTP_{name.upper().replace('-', '_')}"])
def test_header_names_come_in_any_shape(shape) -> None:
    given = {shape(name): value for name, value in headers().items()}
    assert webhooks.verify(V1_BODY, given, SECRET, now=at(1700000000)).id == "ufawqhfynnddngldkgtslldrkq"


@pytest.mark.parametrize(("late", "stale"), [(300, False), (-300, False), (301, True), (-301, True), (1e9, True)])
def test_the_tolerance_holds_both_ways(late: float, stale: bool) -> None:
    clock = at(1700000000 + late)
    if stale:
        with pytest.raises(StaleWebhook, match="seconds"):
            webhooks.verify(V1_BODY, headers(), SECRET, now=clock)
        assert webhooks.verify(V1_BODY, headers(), SECRET, tolerance=None, now=clock)
    else:
        assert webhooks.verify(V1_BODY, headers(), SECRET, now=clock)


@pytest.mark.parametrize("timestamp", ["soon", "1.5", "1e9", ""])
def test_a_timestamp_that_is_none_fails(timestamp: str) -> None:
    with pytest.raises(WebhookError):
        webhooks.verify(V1_BODY, headers(timestamp=timestamp), SECRET, now=at(1700000000))


@pytest.mark.parametrize("secret", ["", "C2FV", "whsec_", "whsec_%%%", "key_C2FV", []])
def test_a_secret_that_is_none_is_told(secret) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhooks.verify(V1_BODY, headers(), secret, now=at(1700000000))


def test_a_training_is_told_from_a_prediction() -> None:
    job = prediction()
    for urls, cls in [(job["urls"], Prediction), ({"get": "https://api.replicate.com/v1/trainings/x"}, Training)]:
        body = json.dumps(job | {"urls": urls})
        assert type(webhooks.verify(body, webhooks.sign(body, SECRET), SECRET)) is cls


@pytest.mark.parametrize("body", ["[]", "7", "not JSON"])
def test_a_genuine_body_that_is_no_object_is_an_error(body: str) -> None:
    with pytest.raises(WebhookError):
        webhooks.verify(body, webhooks.sign(body, SECRET), SECRET)


def test_the_client_fetches_the_secret_once(both: Harness) -> None:
    both.server.will(replied({"key": SECRET}))
    given = webhooks.sign(V1_BODY, SECRET)
    assert both.do(both.client.webhooks.verify(V1_BODY, given)).status == "starting"
    assert both.do(both.client.webhooks.verify(V1_BODY, given)).status == "starting"
    assert both.server.asked == ["GET /webhooks/default/secret"]


def test_a_renewed_secret_is_fetched_at_most_once_a_minute(both: Harness) -> None:
    both.server.will(replied({"key": SECRET}), replied({"key": "whsec_" + "A" * 32}))
    old, new = (webhooks.sign(V1_BODY, secret) for secret in (SECRET, "whsec_" + "A" * 32))

    def verify(given: dict[str, str]) -> object:
        return both.do(both.client.webhooks.verify(V1_BODY, given)).status

    assert verify(old) == "starting"
    with pytest.raises(BadWebhookSignature):
        verify(new)  # so soon it is a forgery
    both.clock.time += 61
    assert verify(new) == "starting"
    for _ in range(3):
        with pytest.raises(BadWebhookSignature):
            verify(old)
    assert both.server.asked == ["GET /webhooks/default/secret"] * 2


def test_an_account_without_a_secret_is_told_and_asked_again(both: Harness) -> None:
    both.server.will(replied({}), replied({"key": None}), replied({"key": SECRET}))
    given = webhooks.sign(V1_BODY, SECRET)
    for _ in range(2):
        with pytest.raises(ResponseError, match="no secret"):
            both.do(both.client.webhooks.verify(V1_BODY, given))
    assert both.do(both.client.webhooks.verify(V1_BODY, given)).status == "starting"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("webhook-timestamp", "9" * 400, StaleWebhook),
        ("webhook-timestamp", "-" + "9" * 400, StaleWebhook),
        ("webhook-timestamp", "9" * 5000, StaleWebhook),
        ("webhook-id", "\ud83d", BadWebhookSignature),
        ("webhook-signature", "v1,\ud83d", BadWebhookSignature),
        ("webhook-signature", "v1,ü", BadWebhookSignature),
    ],
)
def test_whatever_a_stranger_sends_is_one_of_our_errors(name: str, value: str, error: type) -> None:
    secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    headers = webhooks.sign(b"{}", secret) | {name: value}
    with pytest.raises(error):
        webhooks.verify(b"{}", headers, secret)
