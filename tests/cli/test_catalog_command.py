"""`replicate-ext collections`, `hardware` and `account`."""

from __future__ import annotations

import json

from cli_process import CommandLine, command_fixture, emulator_fixture

api = emulator_fixture()
cli = command_fixture()


def test_collections_lists_them(cli: CommandLine) -> None:
    assert cli.call("collections").lines[0] == "words\tWords\tModels that write."
    assert cli.call("collections", "-q").lines == ["words", "pictures"]
    assert [item["slug"] for item in json.loads(cli.call("collections", "--json").out)] == ["words", "pictures"]


def test_collections_lists_the_models_of_one(cli: CommandLine) -> None:
    models = cli.call("collections", "words", "-q").lines
    assert "acme/poet" in models
    collection = json.loads(cli.call("collections", "words", "--json").out)
    assert collection["slug"] == "words"
    lines = [json.loads(line) for line in cli.call("collections", "words", "--jsonl").lines]
    assert lines == collection["models"]
    assert [f"{model['owner']}/{model['name']}" for model in lines] == models


def test_a_collection_that_does_not_exist_is_refused(cli: CommandLine) -> None:
    code, out, err = cli.call("collections", "nothing")
    assert (code, out, err.count("\n")) == (3, "", 1)


def test_hardware_lists_the_skus(cli: CommandLine) -> None:
    assert cli.call("hardware").lines[0] == "cpu\tCPU"
    assert cli.call("hardware", "--quiet").lines == ["cpu", "gpu-t4", "gpu-l40s", "gpu-h100"]
    assert cli.call("hardware", "--jsonl").lines[0] == '{"sku": "cpu", "name": "CPU"}'


def test_account_shows_whose_token_it_is(cli: CommandLine) -> None:
    assert cli.call("account", "-q").out == "acme\n"
    assert cli.call("account").lines[:2] == ["username\tacme", "type\tuser"]
    assert json.loads(cli.call("account", "--json").out)["username"] == "acme"
