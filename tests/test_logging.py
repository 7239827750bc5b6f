"""The log: one line per attempt, no secrets, silent by default."""

import logging
import re
import subprocess
import sys

import httpx
import pytest

from conftest import TOKEN, Harness, json_response, prediction
from replicate_ext import InvalidRequestError


def test_one_log_line_per_attempt_without_secrets(harness: Harness, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    harness.server.respond_with(
        json_response({}, 502),
        json_response({"type": "user", "username": "me"}),
        json_response(
            prediction("succeeded", output=["https://replicate.delivery/s3cret/out.png?signature=s1gned"]), 201
        ),
        httpx.Response(302, headers={"location": "https://elsewhere.example/s3cret?signature=s1gned"}),
        httpx.Response(200, content=b"PNG"),
        httpx.ReadTimeout("late"),
        httpx.Response(200, content=b"x"),
    )
    harness.call(harness.client.account.get())
    [file] = harness.call(
        harness.client.run("acme/hello", {"prompt": "my s3cret diary"}, webhook="https://x.example/s3cret")
    )
    harness.call(file.read())
    harness.call(harness.client.files.download("f", owner="me", expiry=1, signature="s1gned"))
    messages = [record.getMessage() for record in caplog.records if record.name == "replicate_ext"]
    assert [re.sub(r"in \d+ ms", "in N ms", re.sub(r"\d\.\d s", "N s", line)) for line in messages] == [
        "GET /account -> 502 in N ms, attempt 1",
        "GET /account: waiting N s, retry 1 after 502",
        "GET /account -> 200 in N ms, attempt 2",
        "POST /models/acme/hello/predictions -> 201 in N ms, attempt 1",
        "created prediction x0fmfzfcf5rma0cq65c825tcbm of acme/hello",
        "GET replicate.delivery/… -> 302 in N ms, attempt 1",
        "GET elsewhere.example/… -> 200 in N ms, attempt 1",
        "GET /files/f/download -> ReadTimeout in N ms, attempt 1",
        "GET /files/f/download: waiting N s, retry 1 after ReadTimeout",
        "GET /files/f/download -> 200 in N ms, attempt 2",
    ]
    whole_log = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (TOKEN, "s3cret", "s1gned", "diary"):
        assert secret not in whole_log
    levels = {record.levelname for record in caplog.records if record.name == "replicate_ext"}
    assert levels == {"DEBUG", "INFO"}


def records(caplog: pytest.LogCaptureFixture, level: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "replicate_ext" and record.levelname == level]


def test_created_and_canceled_predictions_are_logged_at_info(harness: Harness, caplog) -> None:
    caplog.set_level(logging.INFO)
    client, id = harness.client, "x0fmfzfcf5rma0cq65c825tcbm"
    harness.server.respond_with(json_response(prediction("starting", id=id), 201))
    harness.call(client.deployments.predictions.create("acme", "app", input={"prompt": "s3cret"}))
    harness.call(client.predictions.create(version="acme/hello", input={}))
    harness.call(client.request("POST", "/predictions", json={"version": "acme/hello", "input": {}}))
    harness.call(client.predictions.get(id))
    harness.call(client.predictions.cancel(id))
    harness.call(client.trainings.cancel(id))
    lines = records(caplog, "INFO")
    assert [line.getMessage() for line in lines] == [
        *[f"created prediction {id} of acme/hello"] * 3,
        f"canceled prediction {id} of acme/hello",
        f"canceled training {id} of acme/hello",
    ]
    assert {(vars(line)["prediction_id"], vars(line)["model"], vars(line)["method"]) for line in lines} == {
        (id, "acme/hello", "POST")
    }
    assert "s3cret" not in caplog.text


def test_failed_create_is_not_logged_as_created(make_harness, caplog) -> None:
    caplog.set_level(logging.INFO)
    harness = make_harness(max_retries=0)
    harness.server.respond_with(json_response({}, 422))
    with pytest.raises(InvalidRequestError):
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert records(caplog, "INFO") == []


def test_long_wait_for_the_rate_limit_is_logged_at_warning(harness: Harness, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    harness.server.respond_with(
        json_response({"retry_after": 7, "detail": "s3cret"}, 429),
        json_response({"retry_after": 2}, 429),
        json_response(prediction(), 201),
    )
    harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    first, second = records(caplog, "WARNING")
    assert re.fullmatch(r"POST /predictions: waiting 7\.\d s, rate limit \(429\)", first.getMessage())
    assert (vars(first)["reason"], round(vars(first)["delay"])) == ("rate limit (429)", 7)
    assert "waiting 2" in second.getMessage(), "the total counts"
    assert "s3cret" not in caplog.text


def test_short_wait_is_logged_at_debug_and_a_long_total_at_warning(harness: Harness, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    harness.server.respond_with(*[json_response({}, 502)] * 5, json_response(prediction()))
    harness.call(harness.client.predictions.get("x0fm"))
    waits = [record for record in caplog.records if "waiting" in record.getMessage()]
    assert len(waits) == 5
    assert (waits[0].levelname, waits[-1].levelname) == ("DEBUG", "WARNING")
    assert {vars(record)["prediction_id"] for record in waits} == {"x0fm"}
    assert all(0 < vars(record)["delay"] <= 8 for record in waits)


def test_nothing_is_logged_by_default() -> None:
    code = f"""
import httpx
from replicate_ext import Replicate
transport = httpx.MockTransport(lambda request: httpx.Response(200, json={{}}))
Replicate("{TOKEN}", transport=transport).account.get()
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == process.stderr == ""


def test_httpx_log_of_other_clients_is_kept(caplog) -> None:
    caplog.set_level(logging.INFO)
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))) as http:
        http.get("https://x.example/")
    assert "x.example" in caplog.text
