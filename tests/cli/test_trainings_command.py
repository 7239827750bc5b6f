"""`replicate-ext trainings`: list, show, create, watch and cancel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from api_schemas import check
from cli_process import CommandLine, command_fixture

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator, log, sleep

BASE = "acme/base"


def repeat(text: str) -> str:
    """Return the text."""
    return text


async def train(steps: int = 1, seconds: float = 0, error: str = "") -> Callable[..., Any]:
    """Return the same model, or fail."""
    for step in range(steps):
        log(f"step {step}\n")
    await sleep(seconds)
    if error:
        raise RuntimeError(error)
    return repeat


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator() as api:
        api.model(BASE, train=train)(repeat)
        api.model("acme/mine")(repeat)
        yield api


@pytest.fixture(scope="module")
def version(api: Emulator) -> str:
    with Replicate(api.token, base_url=api.url) as client:
        latest = client.models.get(BASE).latest_version
    assert latest is not None
    return f"{BASE}:{latest.id}"


cli = command_fixture()


@pytest.fixture
def start(cli: CommandLine, version: str) -> Callable[..., str]:
    """Return a function that starts a training and returns its id."""

    def start(*inputs: str) -> str:
        code, out, err = cli.call("trainings", "create", version, "--destination", "acme/mine", *inputs)
        assert (code, out.count("\n"), err) == (0, 1, "")
        return out.strip()

    return start


def trainings_created(api: Emulator) -> int:
    return len([request for request in api.requests if request.operation == "trainings.create"])


def test_create_converts_the_inputs_by_the_schema_of_the_training(
    cli: CommandLine, version: str, start: Callable[..., str]
) -> None:
    id = start("steps=3", "seconds:=0")
    assert json.loads(cli.call("trainings", "show", id, "--json").out)["input"] == {"steps": 3, "seconds": 0}
    created = cli.call(
        "trainings", "create", version, "--destination=acme/mine", "--input=-", "--json", stdin=b'{"steps": 2}'
    )
    assert json.loads(created.out)["input"] == {"steps": 2}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["{version}", "--destination", "acme/mine", "stps=3"], "no such input; did you mean 'steps'?"),
        (["{version}", "--destination", "acme/mine", "steps=three"], "input steps: must be an integer, not 'three'"),
        ([BASE, "--destination", "acme/mine"], "acme/base: write the version to train, owner/name:version"),
        (["{version}"], "missing option '--destination'"),
        (["{version}", "--destination", "{version}"], "write a model of yours, owner/name"),
    ],
)
def test_create_refuses_what_is_wrong_before_it_is_paid_for(
    cli: CommandLine, api: Emulator, version: str, arguments: list[str], text: str
) -> None:
    before = trainings_created(api)
    code, out, err = cli.call("trainings", "create", *(argument.format(version=version) for argument in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err
    assert trainings_created(api) == before


@pytest.mark.parametrize(("model", "destination"), [(f"{BASE}:{'0' * 64}", "acme/mine"), ("{version}", "acme/nothing")])
def test_create_of_what_does_not_exist_exits_with_3(
    cli: CommandLine, version: str, model: str, destination: str
) -> None:
    result = cli.call("trainings", "create", model.format(version=version), "--destination", destination)
    assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)


def test_watch_prints_the_new_version(cli: CommandLine, start: Callable[..., str]) -> None:
    id = start()
    code, out, err = cli.call("trainings", "watch", id)
    assert (code, out[:10], out.count("\n"), err) == (0, "acme/mine:", 1, "")
    training = json.loads(cli.call("trainings", "watch", id, "--json").out)
    assert (training["id"], training["output"]["version"]) == (id, out.strip())
    check(training, "training")
    assert cli.call("trainings", "watch", id, "-q").out == f"{id}\n"


def test_watch_of_a_failed_training_exits_with_1(cli: CommandLine, start: Callable[..., str]) -> None:
    id = start("error=no data")
    code, out, err = cli.call("trainings", "watch", id)
    assert (code, out, err) == (1, "", f"replicate-ext: {id} failed: no data\n")


def test_watch_after_a_timeout_prints_the_command_that_continues(cli: CommandLine, start: Callable[..., str]) -> None:
    id = start("seconds=60")
    code, out, err = cli.call("trainings", "watch", id, "--timeout=0.05")
    assert (code, out) == (124, "")
    assert err.splitlines() == [
        f"replicate-ext: training {id} did not finish before --timeout",
        f"replicate-ext trainings watch {id}",
    ]
    code, _, err = cli.call("trainings", "watch", id, "--timeout=0.05", "--cancel-on-timeout")
    assert (code, err.count("\n")) == (124, 1)
    assert err.endswith(f"training {id} was canceled\n")


def test_show_has_the_fields_and_the_end_of_the_log(cli: CommandLine, start: Callable[..., str]) -> None:
    id = start("steps=2")
    cli.call("trainings", "watch", id)
    fields, _, log = cli.call("trainings", "show", id, "--logs").out.partition("\n\n")
    shown = dict(line.split("\t") for line in fields.splitlines())
    assert (shown["id"], shown["status"], shown["model"]) == (id, "succeeded", BASE)
    assert shown["output.version"].startswith("acme/mine:")
    assert log == "step 0\nstep 1\n"
    assert cli.call("trainings", "show", id, id, "-q").lines == [id, id]
    assert [item["id"] for item in json.loads(cli.call("trainings", "show", id, id, "--json").out)] == [id, id]


def test_list_filters_what_arrives(cli: CommandLine, start: Callable[..., str]) -> None:
    done = start()
    cli.call("trainings", "watch", done)
    running = start("seconds=60")
    try:
        assert cli.call("trainings", "list", "-q", "--limit", "2").lines == [running, done]
        assert running not in cli.call("trainings", "list", "-q", "--status", "succeeded").lines
        assert cli.call("trainings", "list", "--model", "acme/mine").lines == []
        id, status, model, *_, version = cli.call("trainings", "list", "--status", "succeeded").lines[0].split("\t")
        assert (id, model, status, version.partition(":")[0]) == (done, BASE, "succeeded", "acme/mine")
        assert json.loads(cli.call("trainings", "list", "--json", "--limit=1").out)[0]["id"] == running
        assert json.loads(cli.call("trainings", "list", "--jsonl", "--limit=1").out)["id"] == running
    finally:
        cli.call("trainings", "cancel", running)


def test_cancel_prints_what_became_of_each(cli: CommandLine, start: Callable[..., str]) -> None:
    ids = [start("seconds=60"), start("seconds=60")]
    assert cli.call("trainings", "cancel", *ids) == (0, f"{ids[0]}\tcanceled\n{ids[1]}\tcanceled\n", "")
    assert json.loads(cli.call("trainings", "cancel", ids[0], "--json").out)["status"] == "canceled"
    assert cli.call("trainings", "cancel", ids[0], "-q").lines == [ids[0]]


@pytest.mark.parametrize("command", ["show", "watch", "cancel"])
def test_an_unknown_id_exits_with_3(cli: CommandLine, command: str) -> None:
    code, out, err = cli.call("trainings", command, "none")
    assert (code, out, err.count("\n")) == (3, "", 1)
