"""`replicate-ext api`: any request, and the body of its response."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_process import CommandLine, command_fixture, emulator_fixture

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


api = emulator_fixture()
cli = command_fixture()


def test_it_prints_json_as_it_was_sent(cli: CommandLine) -> None:
    assert cli.call("api", "GET", "/account").out == '{"type": "user", "username": "acme", "name": "Acme, Inc."}\n'
    assert cli.call("api", "get", "/account", "-q").out == cli.call("api", "GET", "/account").out
    assert cli.call("api", "GET", "/hardware", "--jsonl").lines[0] == '{"sku": "cpu", "name": "CPU"}'


def test_it_prints_text_and_bytes_as_they_are(cli: CommandLine, api: Emulator) -> None:
    with Replicate(api.token, base_url=api.url) as client:
        readme = client.models.readme.get("acme/poet")
        file = client.files.create(content=PNG)
    assert cli.call("api", "GET", "/models/acme/poet/readme").out == readme
    path = api.download_url(file.id).removeprefix(api.url)
    assert cli.call_bytes("api", "GET", path) == PNG


def test_bytes_are_not_written_to_a_terminal(cli: CommandLine, api: Emulator) -> None:
    with Replicate(api.token, base_url=api.url) as client:
        path = api.download_url(client.files.create(content=PNG).id).removeprefix(api.url)
    code, out, err = cli.call("api", "GET", path, is_terminal=True)
    assert (code, out) == (2, "")
    assert "the response is binary, which is not written to a terminal: redirect it to a file" in err


def test_an_empty_body_prints_nothing(cli: CommandLine) -> None:
    result = cli.call("api", "HEAD", "/account")
    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--json", '{"input": {"text": "Ada"}}'], b""),
        (["--json", "-"], b'{"input": {"text": "Ada"}}'),
        (["--json", "@body.json"], b""),
        (['input:={"text": "Ada"}'], b""),
    ],
)
def test_a_json_body(
    cli: CommandLine, arguments: list[str], stdin: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_text('{"input": {"text": "Ada"}}')
    result = cli.call("api", "POST", "/models/acme/hello/predictions", *arguments, stdin=stdin)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["input"] == {"text": "Ada"}


def test_fields_are_strings_or_json(cli: CommandLine, api: Emulator) -> None:
    result = cli.call("api", "PATCH", "/deployments/acme/front-desk", "hardware=gpu-t4", "max_instances:=3")
    configuration = json.loads(result.out)["current_release"]["configuration"]
    assert configuration == {"hardware": "gpu-t4", "min_instances": 0, "max_instances": 3}


def test_a_file_makes_the_body_multipart(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    file = json.loads(cli.call("api", "POST", "/files", f"content=@{path}", 'metadata:={"of": 1}').out)
    assert (file["name"], file["content_type"], file["size"]) == ("cat.png", "image/png", len(PNG))
    assert file["metadata"] == {"of": 1}
    assert json.loads(cli.call("api", "POST", "/files", "content=@-", stdin=PNG).out)["size"] == len(PNG)


def test_query_sends_a_text(cli: CommandLine) -> None:
    for arguments in (["--text", "poet"], ["--text", "-"]):
        result = cli.call("api", "QUERY", "/models", *arguments, stdin=b"poet")
        assert json.loads(result.out)["results"][0]["name"] == "poet"


def test_the_query_is_that_of_the_path(cli: CommandLine) -> None:
    assert json.loads(cli.call("api", "GET", "/search?query=poet").out)["query"] == "poet"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nothing", 404, 3), ("POST", "/predictions", 422, 3), ("PUT", "/account", 405, 3)],
)
def test_an_error_status_puts_the_problem_document_on_stderr(
    cli: CommandLine, method: str, path: str, status: int, code: int
) -> None:
    result = cli.call("api", method, path, *(["--json", "{}"] if method == "POST" else []))
    assert (result.code, result.out) == (code, "")
    problem, line = result.err.splitlines()
    assert json.loads(problem)["status"] == status
    assert line.startswith(f"replicate-ext: {method} {path}: {status}: ")
    assert cli.call("api", method, path, "-q").err.count("\n") == 1


@pytest.mark.parametrize(("status", "code"), [(401, 4), (402, 4), (503, 5)])
def test_the_exit_code_is_that_of_every_command(cli: CommandLine, api: Emulator, status: int, code: int) -> None:
    api.faults.fail_next(status=status)
    result = cli.call("api", "POST", "/models/acme/hello/predictions", "--json", '{"input": {}}')
    assert (result.code, result.out) == (code, "")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["FETCH", "/account"], "no method 'FETCH': write one of GET, HEAD, POST, PUT, PATCH, DELETE, QUERY"),
        (["GET", "account"], "path must begin with a slash"),
        (["GET", "https://example.com/v1/account"], "path must begin with a slash"),
        (
            ["GET", "/predictions", "limit=1"],
            "a GET request has no body: write the query in the path, '/predictions?name=…'",
        ),
        (["POST", "/files", "--json", "{"], "'{' is not JSON: Expecting property name"),
        (["POST", "/files", "--json", "@nothing.json"], "nothing.json: No such file or directory"),
        (["POST", "/files", "content=@nothing.png"], "nothing.png: No such file or directory"),
        (["POST", "/files", "--json", "[]", "name=x"], "write only one of them, and no fields with it"),
        (["QUERY", "/models", "--text", "x", "--json", "1"], "write only one of them"),
        (["POST", "/files", "name"], "'name' is not an input: write name=text, name:=JSON or name=@file"),
    ],
)
def test_a_wrong_argument_is_one_line_and_sends_nothing(
    cli: CommandLine, api: Emulator, arguments: list[str], error: str
) -> None:
    sent = len(api.requests)
    code, out, err = cli.call("api", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert error in err
    assert len(api.requests) == sent


@pytest.mark.parametrize("path", ["//example.com/x", "/@example.com/x", "/../../x", "/\\example.com"])
def test_the_token_goes_to_no_other_host(cli: CommandLine, api: Emulator, path: str) -> None:
    assert cli.call("api", "GET", path).code == 3  # the emulator has responded
    assert api.token not in cli.call("api", "GET", path).err
