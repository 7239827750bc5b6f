"""`replicate-ext deployments`: lists, shows, creates, updates and deletes them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from cli_process import CommandLine, plain

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Emulator]:
    with Emulator() as api:
        yield api


@pytest.fixture
def cli(unchanged: Emulator) -> CommandLine:
    """Return the command against an emulator whose deployments no test changes."""
    return CommandLine(unchanged)


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator() as api:
        yield api


@pytest.fixture
def own(api: Emulator) -> CommandLine:
    """Return the command against an emulator of this test's own."""
    return CommandLine(api)


@pytest.fixture(scope="module")
def hello(unchanged: Emulator) -> str:
    """Return the latest version of acme/hello."""
    with Replicate(unchanged.token, base_url=unchanged.url) as client:
        version = client.models.get("acme/hello").latest_version
        assert version is not None
        return version.id


def test_list_prints_the_release_of_each(cli: CommandLine, hello: str) -> None:
    assert cli.call("deployments", "list").lines == [f"acme/front-desk\tacme/hello\t{hello}\tcpu\t0\t1"]
    assert cli.call("deployments", "list", "-q").out == "acme/front-desk\n"
    (deployment,) = json.loads(cli.call("deployments", "list", "--json").out)
    assert deployment["current_release"]["configuration"]["hardware"] == "cpu"


@pytest.mark.parametrize(
    "ref", ["acme/front-desk", "deployments/acme/front-desk", "https://replicate.com/deployments/acme/front-desk"]
)
def test_show_takes_a_deployment_in_every_form(cli: CommandLine, ref: str) -> None:
    assert cli.call("deployments", "show", ref, "-q").out == "acme/front-desk\n"


def test_a_terminal_gets_a_table(cli: CommandLine) -> None:
    lines = plain(cli.call("deployments", "list", is_terminal=True).out).splitlines()
    assert lines[0].split()[:4] == ["owner/name", "model", "version", "hardware"]
    assert lines[1].split()[0] == "acme/front-desk"


def test_show_prints_a_line_for_each_field(cli: CommandLine, hello: str) -> None:
    lines = dict(line.split("\t") for line in cli.call("deployments", "show", "acme/front-desk").lines)
    assert lines["owner/name"] == "acme/front-desk"
    assert lines["current_release.version"] == hello
    assert lines["current_release.configuration.max_instances"] == "1"


def test_create_deploys_the_latest_version_and_sleeps_when_idle(own: CommandLine, hello: str) -> None:
    result = own.call("deployments", "create", "desk", "acme/hello", "--hardware", "gpu-t4", "--json")
    created = json.loads(result.out)
    assert (created["owner"], created["name"]) == ("acme", "desk")
    assert created["current_release"]["version"] == hello
    assert created["current_release"]["configuration"] == {
        "hardware": "gpu-t4",
        "min_instances": 0,
        "max_instances": 1,
    }
    assert own.call("run", "deployments/acme/desk", "text=Ada").out == "Hello, Ada!\n"


def test_create_deploys_the_version_that_is_named(cli: CommandLine) -> None:
    code, out, err = cli.call("deployments", "create", "desk", f"acme/hello:{'0' * 64}", "--hardware", "cpu")
    assert (code, out) == (3, "")
    assert "version" in err


def test_update_changes_only_what_is_given(own: CommandLine, hello: str) -> None:
    result = own.call("deployments", "update", "acme/front-desk", "--max-instances", "5", "--json")
    release = json.loads(result.out)["current_release"]
    assert (release["number"], release["version"]) == (2, hello)
    assert release["configuration"] == {"hardware": "cpu", "min_instances": 0, "max_instances": 5}


def test_update_to_the_latest_version(own: CommandLine, hello: str) -> None:
    result = own.call("deployments", "update", "acme/front-desk", "--version", "latest", "--json")
    assert json.loads(result.out)["current_release"]["version"] == hello


def test_delete_prints_what_is_deleted(own: CommandLine, api: Emulator) -> None:
    offline = ("--min-instances", 0, "--max-instances", 0)
    assert own.call("deployments", "update", "acme/front-desk", *offline).code == 0
    api.clock.advance(900)
    result = own.call("deployments", "delete", "acme/front-desk")
    assert (result.code, result.out, result.err) == (0, "acme/front-desk\n", "")
    assert own.call("deployments", "show", "acme/front-desk").code == 3
    assert own.call("deployments", "list", "--json").out == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("show front-desk", "'front-desk' is not a deployment: write owner/name"),
        (f"show {'0' * 64}", "is not a deployment: write owner/name"),
        ("create desk poet --hardware cpu", "cannot parse the model reference 'poet'"),
        ("create desk deployments/acme/poet --hardware cpu", "is not a model: write owner/name or owner/name:version"),
        ("create desk acme/poet", "missing option '--hardware'"),
        ("create desk acme/poet --hardware cpu --max-instances 21", "21 is not in the range 0<=x<=20"),
        ("update acme/front-desk", "nothing to change: give --version, --hardware, --min-instances or --max-instances"),
    ],
)
def test_a_wrong_argument_is_one_line(cli: CommandLine, arguments: str, error: str) -> None:
    code, out, err = cli.call("deployments", *arguments.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert error in err


def test_a_deployment_that_does_not_exist_is_one_line(cli: CommandLine) -> None:
    code, out, err = cli.call("deployments", "delete", "acme/nothing")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "404" in err
