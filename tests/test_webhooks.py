"""Webhook signatures: one public vector, the others computed with hmac."""

import base64
import json
import sys

import pytest

from conftest import Harness, json_response, prediction
from replicate_ext import (
    MissingWebhookHeaderError,
    Prediction,
    ResponseDecodeError,
    StaleWebhookError,
    Training,
    WebhookError,
    WebhookSignatureError,
    webhooks,
)
from replicate_ext._backends.sync import run_sync
from replicate_ext.emulator import Emulator

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


def make_headers(signature: str = V1_SIGNATURE, timestamp: object = 1700000000, message_id: str = ID) -> dict[str, str]:
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def clock_at(seconds: float):
    return lambda: seconds


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_verify_and_sign_known_vectors(
    secret: str, message_id: str, timestamp: int, body: bytes, signature: str
) -> None:
    headers = make_headers(signature, timestamp, message_id)
    assert webhooks.verify(body, headers, secret, now=clock_at(timestamp)).to_dict() == json.loads(body)
    assert webhooks.verify(body.decode(), headers, secret, now=clock_at(timestamp)).to_dict() == json.loads(body)
    assert webhooks.sign(body, secret, message_id=message_id, timestamp=timestamp) == headers


@pytest.mark.parametrize(
    "signature",
    [
        "v1,k9Ga/txq842I8m9qHzXQPZkdiUEEfmBkzOkrtNq/Zg8=",  # signed with the secret as text, not decoded
        V1_SIGNATURE.replace("v1,", "v2,"),
        V1_SIGNATURE.replace("v1,", ""),
        "v1,",
        "v1",
        ",",
        "v1,é",
        V1_SIGNATURE[:-5],
    ],
)
def test_wrong_signature_is_rejected(signature: str) -> None:
    with pytest.raises(WebhookSignatureError):
        webhooks.verify(V1_BODY, make_headers(signature), SECRET, now=clock_at(1700000000))


@pytest.mark.parametrize(
    ("body", "headers", "secret"),
    [
        (V1_BODY + b" ", make_headers(), SECRET),
        (json.dumps(json.loads(V1_BODY)), make_headers(), SECRET),
        (V1_BODY, make_headers(message_id="msg_other"), SECRET),
        (V1_BODY, make_headers(timestamp=1700000001), SECRET),
        (V1_BODY, make_headers(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_modified_webhook_is_rejected(body, headers: dict, secret: str) -> None:
    with pytest.raises(WebhookSignatureError):
        webhooks.verify(body, headers, secret, now=clock_at(1700000000))


def test_one_matching_signature_and_secret_is_enough() -> None:
    headers = make_headers(f"v1,AAAA {V1_SIGNATURE} v2,zzzz")
    rotating = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SECRET]
    assert webhooks.verify(V1_BODY, headers, rotating, now=clock_at(1700000000)).status == "starting"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_missing_header_is_named(name: str) -> None:
    headers = make_headers()
    del headers[name]
    with pytest.raises(MissingWebhookHeaderError, match=name):
        webhooks.verify(V1_BODY, headers, SECRET, now=clock_at(1700000000))


@pytest.mark.parametrize("transform", [str.title, str.upper, lambda name: f"HTTP_{name.upper().replace('-', '_')}"])
def test_header_names_in_any_case_or_wsgi_form(transform) -> None:
    headers = {transform(name): value for name, value in make_headers().items()}
    assert webhooks.verify(V1_BODY, headers, SECRET, now=clock_at(1700000000)).id == "ufawqhfynnddngldkgtslldrkq"


@pytest.mark.parametrize(("seconds", "is_stale"), [(300, False), (-300, False), (301, True), (-301, True), (1e9, True)])
def test_timestamp_tolerance_in_both_directions(seconds: float, is_stale: bool) -> None:
    now = clock_at(1700000000 + seconds)
    if is_stale:
        with pytest.raises(StaleWebhookError, match="seconds"):
            webhooks.verify(V1_BODY, make_headers(), SECRET, now=now)
        assert webhooks.verify(V1_BODY, make_headers(), SECRET, tolerance=None, now=now)
    else:
        assert webhooks.verify(V1_BODY, make_headers(), SECRET, now=now)


@pytest.mark.parametrize("timestamp", ["soon", "1.5", "1e9", ""])
def test_invalid_timestamp_is_rejected(timestamp: str) -> None:
    with pytest.raises(WebhookError):
        webhooks.verify(V1_BODY, make_headers(timestamp=timestamp), SECRET, now=clock_at(1700000000))


@pytest.mark.parametrize("secret", ["", "C2FV", "whsec_", "whsec_%%%", "key_C2FV", []])
def test_invalid_secret_raises_value_error(secret) -> None:
    with pytest.raises(ValueError, match="secret"):
        webhooks.verify(V1_BODY, make_headers(), secret, now=clock_at(1700000000))


def test_body_is_parsed_as_prediction_or_training() -> None:
    job = prediction()
    for urls, cls in [(job["urls"], Prediction), ({"get": "https://api.replicate.com/v1/trainings/x"}, Training)]:
        body = json.dumps(job | {"urls": urls})
        assert type(webhooks.verify(body, webhooks.sign(body, SECRET), SECRET)) is cls


@pytest.mark.parametrize("body", ["[]", "7", "not JSON"])
def test_signed_body_that_is_not_an_object_raises(body: str) -> None:
    with pytest.raises(WebhookError):
        webhooks.verify(body, webhooks.sign(body, SECRET), SECRET)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("webhook-timestamp", "9" * 400, StaleWebhookError),
        ("webhook-timestamp", "-" + "9" * 400, StaleWebhookError),
        ("webhook-timestamp", "9" * 5000, StaleWebhookError),
        ("webhook-id", "\ud83d", WebhookSignatureError),
        ("webhook-signature", "v1,\ud83d", WebhookSignatureError),
        ("webhook-signature", "v1,ü", WebhookSignatureError),
    ],
)
def test_malformed_header_raises_a_webhook_error(name: str, value: str, error: type) -> None:
    headers = webhooks.sign(b"{}", SECRET) | {name: value}
    with pytest.raises(error):
        webhooks.verify(b"{}", headers, SECRET)


@pytest.mark.parametrize(
    "transform",
    [
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: list(headers.items()),
        lambda headers: {name: [value] for name, value in headers.items()},
        lambda headers: {name.encode(): value.encode() for name, value in headers.items()},
        lambda headers: [*headers.items(), ("webhook-signature", "v1,AAAA")],
        lambda headers: {**headers, "x-other": None, "x-more": 5},
        lambda headers: iter(headers.items()),
    ],
    ids=["ASGI pairs", "pairs", "lists of values", "bytes", "repeated header", "other values", "iterator"],
)
def test_headers_in_the_forms_of_web_frameworks(transform) -> None:
    headers = transform(make_headers())
    assert webhooks.verify(V1_BODY, headers, SECRET, now=clock_at(1700000000)).id == "ufawqhfynnddngldkgtslldrkq"


@pytest.mark.parametrize("secret", [SECRET.encode(), [SECRET.encode()], (SECRET, SECRET)])
def test_secret_as_bytes(secret) -> None:
    assert webhooks.verify(V1_BODY, make_headers(), secret, now=clock_at(1700000000)).status == "starting"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"body": {"id": "x"}},
            r"^body is a dict: pass the raw bytes of the request, such as `await request.body\(\)`",
        ),
        ({"body": None}, "^body is a NoneType"),
        ({"headers": None}, "^headers must be a mapping or pairs of names and values"),
        ({"headers": "webhook-id: x"}, "^headers must be a mapping"),
        ({"headers": 5}, "^headers must be a mapping"),
        ({"secret": None}, "^secret must be a str such as 'whsec_…', not NoneType; get it with client.webhooks"),
        ({"secret": [None]}, "^secret must be a str"),
        ({"secret": 5}, "^secret must be a str"),
        ({"tolerance": "300"}, "^tolerance must be a number of seconds or None, not '300'"),
    ],
)
def test_argument_of_another_type_is_named(arguments: dict, message: str) -> None:
    given = {"body": V1_BODY, "headers": make_headers(), "secret": SECRET} | arguments
    with pytest.raises(TypeError, match=message):
        webhooks.verify(**given)


def test_sign_names_a_decoded_body() -> None:
    with pytest.raises(TypeError, match=r"^body is a dict"):
        webhooks.sign({"id": "x"}, SECRET)  # type: ignore[arg-type]


def test_module_has_the_operations_of_the_default_client(api: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "replicate_ext._default_client", raising=False)
    secret = webhooks.default.secret.get().key
    assert str(secret).startswith("whsec_")
    with pytest.raises(AttributeError, match="no 'nothing'"):
        _ = webhooks.nothing  # type: ignore[attr-defined]
    run_sync(webhooks.default._session.backend.close())


def test_client_fetches_the_webhook_secret_once(harness: Harness) -> None:
    harness.server.respond_with(json_response({"key": SECRET}))
    headers = webhooks.sign(V1_BODY, SECRET)
    assert harness.call(harness.client.webhooks.verify(V1_BODY, headers)).status == "starting"
    assert harness.call(harness.client.webhooks.verify(V1_BODY, headers)).status == "starting"
    assert harness.server.requested == ["GET /webhooks/default/secret"]


def test_rotated_webhook_secret_is_fetched_at_most_once_a_minute(harness: Harness) -> None:
    harness.server.respond_with(json_response({"key": SECRET}), json_response({"key": "whsec_" + "A" * 32}))
    old, new = (webhooks.sign(V1_BODY, secret) for secret in (SECRET, "whsec_" + "A" * 32))

    def verify(headers: dict[str, str]) -> object:
        return harness.call(harness.client.webhooks.verify(V1_BODY, headers)).status

    assert verify(old) == "starting"
    with pytest.raises(WebhookSignatureError):
        verify(new)  # less than a minute after the last fetch, it counts as forged
    harness.clock.time += 61
    assert verify(new) == "starting"
    for _ in range(3):
        with pytest.raises(WebhookSignatureError):
            verify(old)
    assert harness.server.requested == ["GET /webhooks/default/secret"] * 2


def test_missing_webhook_secret_raises_and_is_fetched_again(harness: Harness) -> None:
    harness.server.respond_with(json_response({}), json_response({"key": None}), json_response({"key": SECRET}))
    headers = webhooks.sign(V1_BODY, SECRET)
    for _ in range(2):
        with pytest.raises(ResponseDecodeError, match="no webhook secret"):
            harness.call(harness.client.webhooks.verify(V1_BODY, headers))
    assert harness.call(harness.client.webhooks.verify(V1_BODY, headers)).status == "starting"
