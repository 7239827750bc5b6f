"""`replicate-ext models search|show|schema|versions`: what the platform has of a model."""

from __future__ import annotations

import json
import sys

import pytest
from cli_process import CommandLine, command_fixture, emulator_fixture, plain

api = emulator_fixture()
cli = command_fixture()


def test_search_prints_the_references_first(cli: CommandLine) -> None:
    result = cli.call("models", "search", "poem", "token")
    assert result.code == 0
    assert [line.split("\t")[0] for line in result.lines] == ["acme/poet"]
    assert cli.call("models", "search", "poem", "-q").out == "acme/poet\n"


def test_search_has_a_limit(cli: CommandLine) -> None:
    found = json.loads(cli.call("models", "search", "acme", "--limit", "3", "--json").out)
    assert [model["owner"] for model in found] == ["acme"] * 3
    assert len(cli.call("models", "search", "acme", "--jsonl").lines) > 3


def test_show_prints_fields_or_the_model_as_the_api_sent_it(cli: CommandLine) -> None:
    lines = cli.call("models", "show", "acme/poet").lines
    assert lines[:2] == ["owner/name\tacme/poet", "description\tWrite a poem about a subject, token by token."]
    assert json.loads(cli.call("models", "show", "acme/poet", "--json").out)["latest_version"]["openapi_schema"]


def test_schema_lists_the_inputs_and_notes_the_output(cli: CommandLine) -> None:
    result = cli.call("models", "schema", "acme/inputs")
    rows = [line.split("\t") for line in result.lines]
    assert rows[0] == ["text", "string", "required", r"A word. From 1 to 20 characters. Matches ^\w+$."]
    assert rows[1] == ["style", "plain | bold", "plain", "How to set it."]
    types = {row[0]: row[1] for row in rows}
    assert (types["images"], types["value"]) == ("list of file", "string | number")
    assert {row[0]: row[2] for row in rows}["token"] == "…"  # the default of a secret
    assert result.err == "output: object of values: object, files: list of integer, note: string\n"


def test_schema_as_json_is_a_json_schema_of_the_inputs(cli: CommandLine) -> None:
    schema = json.loads(cli.call("models", "schema", "acme/filter", "--json").out)
    assert (schema["type"], schema["required"]) == ("object", ["image"])
    assert schema["properties"]["effect"]["enum"] == ["invert", "grayscale", "blur", "mirror"]


def test_schema_of_a_version_and_of_a_deployment(cli: CommandLine) -> None:
    first = cli.call("models", "versions", "acme/poet", "-q").lines[-1]
    assert cli.call("models", "schema", f"acme/poet:{first}", "-q").lines == ["prompt"]
    assert cli.call("models", "schema", "acme/poet", "-q").lines == ["prompt", "lines", "seconds"]
    assert cli.call("models", "schema", "deployments/acme/front-desk", "-q").lines == ["text"]


def test_versions_are_ids_with_their_times(cli: CommandLine) -> None:
    rows = [line.split("\t") for line in cli.call("models", "versions", "acme/poet").lines]
    assert [(len(id), cog) for id, _, cog in rows] == [(64, "0.16.0")] * 2
    ids = [version["id"] for version in json.loads(cli.call("models", "versions", "acme/poet", "--json").out)]
    assert ids == [id for id, _, _ in rows]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ("show acme/nothing", 3, "there is no acme/nothing that this token can use"),
        ("versions acme/nothing", 3, "there is no acme/nothing that this token can use"),
        ("schema acme/nothing", 3, "there is no model acme/nothing that this token can run"),
        ("show deployments/acme/front-desk", 2, "deployments/acme/front-desk is not the name of a model"),
        ("versions acme/poet:1", 2, "acme/poet:1 is not the name of a model: write owner/name"),
        (f"schema {'0' * 64}", 2, "is not the name of a model: write owner/name or owner/name:version"),
        ("show poet", 2, "cannot parse the model reference 'poet'"),
        ("search", 2, "missing argument 'QUERY'"),
        ("search a --limit 0", 2, "invalid value for '--limit'"),
    ],
)
def test_a_mistake_is_one_line(cli: CommandLine, arguments: str, code: int, error: str) -> None:
    result = cli.call("models", *arguments.split())
    assert (result.code, result.out) == (code, "")
    assert error in result.err
    assert result.err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_narrow_terminal_gets_a_table_that_fits(cli: CommandLine) -> None:
    shown = plain(cli.run_on_terminal("models", "schema", "acme/painter", columns=40).out).splitlines()
    assert shown[0].split()[:2] == ["input", "type"]
    assert max(map(len, shown)) <= 40
