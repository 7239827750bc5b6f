"""The log: one line per attempt, no secrets, silent by default."""

import logging
import re
import subprocess
import sys

import httpx

from conftest import TOKEN, Harness, json_response, prediction


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
    assert [re.sub(r"in \d+ ms", "in N ms", line) for line in messages] == [
        "GET /account -> 502 in N ms, attempt 1",
        "GET /account -> 200 in N ms, attempt 2",
        "POST /models/acme/hello/predictions -> 201 in N ms, attempt 1",
        "GET replicate.delivery/… -> 302 in N ms, attempt 1",
        "GET elsewhere.example/… -> 200 in N ms, attempt 1",
        "GET /files/f/download -> ReadTimeout in N ms, attempt 1",
        "GET /files/f/download -> 200 in N ms, attempt 2",
    ]
    whole_log = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (TOKEN, "s3cret", "s1gned", "diary"):
        assert secret not in whole_log
    assert all(record.levelno == logging.DEBUG for record in caplog.records if record.name == "replicate_ext")


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
