"""The token, custom headers and signed URLs: which hosts receive them, and where they never appear."""

import logging
import pickle

import httpx
import pytest

from conftest import BASE_URL, TOKEN, AccountServer, Harness, config_of, json_response, prediction, wrap_output
from replicate_ext import FileOutput, NotFoundError, Replicate, ReplicateError
from replicate_ext._backends.sync import run_sync


def test_token_is_sent_to_the_api(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction()))
    harness.call(harness.client.predictions.get("x"))
    assert harness.server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert harness.server.requests[0].headers["User-Agent"].startswith("replicate-ext/")


def test_custom_headers_replace_defaults_except_the_token(make_harness) -> None:
    harness = make_harness(headers={"USER-agent": "custom", "authorization": "Bearer other", "X-Team": "a"})
    harness.server.respond_with(json_response(prediction()))
    harness.call(harness.client.predictions.get("x"))
    headers = harness.server.requests[0].headers
    assert headers.get_list("user-agent") == ["custom"]
    assert headers.get_list("authorization") == [f"Bearer {TOKEN}"]
    assert headers["x-team"] == "a"


def test_redirect_to_another_host_drops_token_and_custom_headers(make_harness) -> None:
    harness = make_harness(headers={"X-Secret": "s3cret"})
    file_url = "https://replicate.delivery/out.png"
    harness.server.respond_with(
        json_response(prediction(output=file_url), 201),
        httpx.Response(302, headers={"location": "https://storage.example/out.png?sig=1"}),
        httpx.Response(302, headers={"location": f"{BASE_URL}/files/x"}),
        httpx.Response(302, headers={"location": "https://storage.example/final"}),
        httpx.Response(200, content=b"PNG"),
    )
    assert harness.call(harness.call(harness.client.run("acme/hello")).read()) == b"PNG"
    by_host = [(r.url.host, "Authorization" in r.headers, "X-Secret" in r.headers) for r in harness.server.requests]
    assert by_host == [
        ("api.replicate.com", True, True),
        ("replicate.delivery", False, False),
        ("storage.example", False, False),
        ("api.replicate.com", True, True),
        ("storage.example", False, False),
    ]


@pytest.mark.parametrize(
    "url",
    ["http://api.replicate.com/x", "https://api.replicate.com:444/x", "https://api.replicate.com.evil.example/x"],
)
def test_token_is_not_sent_to_a_similar_origin(harness: Harness, url: str) -> None:
    harness.server.respond_with(json_response(prediction(output=url), 201), httpx.Response(200, content=b""))
    harness.call(harness.call(harness.client.run("acme/hello")).read())
    assert "Authorization" not in harness.server.requests[1].headers


def test_redirect_of_an_api_call_is_not_followed(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(307, headers={"location": "https://evil.example/"}))
    with pytest.raises(Exception, match="307"):
        harness.call(harness.client.predictions.create(version="a/b", input={}))
    assert len(harness.server.requests) == 1


def test_token_is_not_in_repr_error_log_or_pickle(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    harness.server.respond_with(
        json_response({"detail": "no"}, 404), json_response(prediction(output="https://x.example/y"), 201)
    )
    with pytest.raises(NotFoundError) as caught:
        harness.call(harness.client.predictions.get("x"))
    file = harness.call(harness.client.run("acme/hello"))
    texts = [
        repr(harness.client),
        repr(config_of(harness.client)),
        repr(caught.value),
        str(vars(caught.value)),
        repr(file),
    ]
    texts += [pickle.dumps(caught.value).decode("latin-1"), pickle.dumps(file).decode("latin-1"), caplog.text]
    assert not any(TOKEN in text for text in texts)


def test_url_signature_is_not_in_error_messages(harness: Harness) -> None:
    harness.server.respond_with(json_response({"detail": "File not found"}, 404))
    with pytest.raises(NotFoundError) as caught:
        harness.call(harness.client.files.download("f", owner="me", expiry=1, signature="s1gned"))
    assert "s1gned" not in str(caught.value)
    harness.server.responses = [json_response({}, 403)]
    with pytest.raises(Exception, match="403") as caught:
        harness.call(harness.wrap("https://x.example/y?signature=s1gned").read())
    assert "s1gned" not in str(caught.value)


def test_unpickled_file_is_read_without_the_token(account_server: AccountServer) -> None:
    client = Replicate(TOKEN, base_url=account_server.url)
    file = pickle.loads(pickle.dumps(wrap_output(client, f"{account_server.url}/out")))
    assert type(file) is FileOutput
    assert file.read().startswith(b"{")
    run_sync(file._session.backend.close())
    assert account_server.received == [("/out", None)]


ECHOES = {
    "detail": httpx.Response(400, json={"detail": f"bad token {TOKEN}", "errors": [{"detail": TOKEN}], TOKEN: [TOKEN]}),
    "page": httpx.Response(403, text=f"<title>{TOKEN}</title>"),
    "header": httpx.Response(429, headers={"x-echo": f"Bearer {TOKEN}", "retry-after": "999"}, json={"detail": TOKEN}),
    "undecodable response": httpx.Response(200, json=[f"Bearer {TOKEN}"]),
    "connection error": httpx.RemoteProtocolError(f"illegal header line: {TOKEN}"),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_token_that_a_server_repeats_is_replaced(make_harness, echo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    harness = make_harness(max_retries=0)
    harness.server.respond_with(echo)
    texts = []
    for _ in range(2):  # after a 429, the second call repeats the server's explanation
        with pytest.raises(ReplicateError) as caught:
            harness.call(harness.client.predictions.get("x"))
        error = caught.value
        chain = [error, *filter(None, [error.__cause__])]
        texts += [*map(str, chain), repr(vars(error)), pickle.dumps(error).decode("latin-1")]
    assert "[token]" in texts[0]
    assert not any(TOKEN in text for text in [*texts, caplog.text])
