"""Lists: how many of their items a terminal gets, and what it says if there are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from cli_process import CommandLine, Result, plain

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator

COUNT = 31


def echo(text: str) -> str:
    """Return the text."""
    return text


def train(text: str) -> Callable[..., str]:
    """Return the same model."""
    return echo


@pytest.fixture(scope="module")
def cli() -> Iterator[CommandLine]:
    """Return the command, for an account with 31 predictions, trainings and files."""
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        api.model("acme/base", train=train)(echo)
        version = client.models.get("acme/base").latest_version
        assert version is not None
        for number in range(COUNT):
            client.submit("acme/base", {"text": str(number)})
            client.trainings.create("acme", "base", version.id, destination="acme/base", input={"text": str(number)})
            client.files.create(content=b"a")
        yield CommandLine(api)


def rows(result: Result) -> int:
    """Return the number of rows of a table."""
    assert result.code == 0, result.err
    return len(plain(result.out).splitlines()) - 1


LISTS = ["predictions", "trainings", "files"]


@pytest.mark.parametrize("name", LISTS)
def test_a_table_has_30_rows_and_says_how_to_see_more(cli: CommandLine, name: str) -> None:
    result = cli.call(name, "list", is_terminal=True)
    assert rows(result) == 30
    assert result.err == f"these are the first 30 {name}: --limit N shows N, --limit 0 all\n"


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("limit", "shown"), [(0, COUNT), (COUNT, COUNT), (2, 2)])
def test_a_table_has_as_many_rows_as_are_asked_for(cli: CommandLine, name: str, limit: int, shown: int) -> None:
    result = cli.call(name, "list", "--limit", limit, is_terminal=True)
    assert (rows(result), result.err) == (shown, "")


@pytest.mark.parametrize("name", LISTS)
def test_a_program_gets_all(cli: CommandLine, name: str) -> None:
    assert len(cli.call(name, "list").lines) == COUNT
    assert len(cli.call(name, "list", "--limit", 0).lines) == COUNT
    assert len(cli.call(name, "list", "-q", is_terminal=True).lines) == COUNT
    assert len(json.loads(cli.call(name, "list", "--json", is_terminal=True).out)) == COUNT


def test_a_table_that_ends_with_the_last_one_says_nothing() -> None:
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        for _ in range(30):
            client.files.create(content=b"a")
        result = CommandLine(api).call("files", "list", is_terminal=True)
    assert (rows(result), result.err) == (30, "")


@pytest.mark.parametrize("name", ["predictions", "trainings"])
def test_the_status_is_the_second_column(cli: CommandLine, name: str) -> None:
    header = plain(cli.call(name, "list", is_terminal=True).out).splitlines()[0].split()
    assert header[:4] == ["id", "status", "model", "created"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("predictions list", "predictions"),
        ("predictions list --limit 0", "predictions"),
        ("trainings list --status failed", "trainings"),
        ("files list", "files"),
        ("models search nothinglikethis", "models"),
    ],
)
def test_a_terminal_reports_an_empty_list(command: str, name: str) -> None:
    with Emulator() as api:
        cli = CommandLine(api)
        assert cli.call(*command.split(), is_terminal=True) == (0, "", f"no {name} found\n")
        assert cli.call(*command.split(), "-q", is_terminal=True) == (0, "", "")
        assert cli.call(*command.split(), "--json", is_terminal=True) == (0, "[]\n", "")
        assert cli.call(*command.split()) == (0, "", "")
