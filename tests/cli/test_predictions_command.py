"""`replicate-ext predictions`: list, show, watch, cancel and save."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from api_schemas import check
from cli_process import CommandLine, command_fixture, emulator_fixture, plain

from conftest import folder_contents
from replicate_api.models import PredictionStatus, TrainingStatus
from replicate_ext._cli.details import LOG_LINES
from replicate_ext._cli.job_lists import STATUSES
from replicate_ext.emulator import Emulator


class Ids(NamedTuple):
    hello: str
    broken: str
    painter: str
    deployed: str


api = emulator_fixture()
cli = command_fixture()


@pytest.fixture(scope="module")
def ids(api: Emulator) -> Ids:
    """Return the predictions of this module that have ended, oldest first."""
    runs = [
        ("acme/hello", "text=Ada"),
        ("acme/broken", "message=no memory"),
        ("acme/painter", "prompt=a", "num_outputs=2", "width=16", "height=16"),
        ("deployments/acme/front-desk", "text=Bob"),
    ]
    cli = CommandLine(api)
    submitted = Ids(*(cli.call("submit", *arguments).out.strip() for arguments in runs))
    for id in submitted:
        cli.call("wait", id)
    return submitted


@pytest.fixture
def sleeper(cli: CommandLine) -> Iterator[str]:
    id = cli.call("submit", "acme/sleeper", "seconds=60").out.strip()
    yield id
    cli.call("predictions", "cancel", id)


# list


def test_list_has_a_row_for_each_prediction_newest_first(cli: CommandLine, ids: Ids) -> None:
    rows = [line.split("\t") for line in cli.call("predictions", "list").lines]
    found = [row[:3] for row in rows if row[0] in ids]
    assert found == [
        [ids.deployed, "succeeded", "acme/hello"],
        [ids.painter, "succeeded", "acme/painter"],
        [ids.broken, "failed", "acme/broken"],
        [ids.hello, "succeeded", "acme/hello"],
    ]
    assert all(row[3].startswith("20") for row in rows)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--status", "failed"], ["broken"]),
        (["--status", "failed", "--status", "succeeded", "--limit", "3"], ["deployed", "painter", "broken"]),
        (["--model", "acme/hello"], ["deployed", "hello"]),
        (["--model", "acme/hello", "--limit", "1"], ["deployed"]),
        (["--model", "deployments/acme/front-desk"], ["deployed"]),
        (["--model", f"acme/hello:{'0' * 64}"], []),
        (["--model", "0" * 64], []),
        (["--created-after", "2099-01-31"], []),
        (["--created-after", "{painter}"], ["deployed", "painter"]),
        (["--created-after", "2020-01-31T12:00:00+01:00", "--model", "acme/painter"], ["painter"]),
    ],
)
def test_list_filters_what_arrives(cli: CommandLine, ids: Ids, arguments: list[str], expected: list[str]) -> None:
    created_at = json.loads(cli.call("predictions", "show", ids.painter, "--json").out)["created_at"].rstrip("Z")
    result = cli.call("predictions", "list", "-q", *(argument.format(painter=created_at) for argument in arguments))
    assert (result.code, result.lines) == (0, [getattr(ids, name) for name in expected])


def test_list_as_json_has_the_predictions_as_the_api_sends_them(cli: CommandLine, ids: Ids) -> None:
    [job] = json.loads(cli.call("predictions", "list", "--status", "failed", "--json").out)
    assert (job["id"], job["error"]) == (ids.broken, "no memory")
    assert [json.loads(line) for line in cli.call("predictions", "list", "--status", "failed", "--jsonl").lines] == [
        job
    ]
    assert json.loads(cli.call("predictions", "list", "--model", "acme/nothing", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--created-after", "yesterday"], "'yesterday' is not a date or time: write 2026-01-31 or "),
        (["--status", "running"], "'running' is not one of 'starting', 'processing', "),
        (["--model", "hello"], "cannot parse the model reference 'hello': write 'owner/name'"),
        (["--limit", "-1"], "-1 is not in the range x>=0"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(
    cli: CommandLine, api: Emulator, arguments: list[str], text: str
) -> None:
    before = len(api.requests)
    result = cli.call("predictions", "list", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert text in result.err
    assert len(api.requests) == before


def test_the_statuses_are_those_of_the_openapi_document() -> None:
    assert set(STATUSES) == {status.value for status in PredictionStatus} == {status.value for status in TrainingStatus}


# show


def test_show_has_every_field_that_has_a_value(cli: CommandLine, ids: Ids) -> None:
    shown = dict(line.split("\t") for line in cli.call("predictions", "show", ids.broken).lines)
    assert [*shown][:3] == ["id", "status", "error"]
    assert (shown["id"], shown["status"], shown["error"]) == (ids.broken, "failed", "no memory")
    assert shown["input"] == '{"message": "no memory"}'
    assert float(shown["metrics.predict_time"]) >= 0
    assert shown["urls.web"].endswith(f"/p/{ids.broken}")
    assert not {"output", "logs"} & shown.keys()


def test_show_prints_the_end_of_the_log(cli: CommandLine, ids: Ids) -> None:
    fields, _, log = cli.call("predictions", "show", ids.broken, "--logs").out.partition("\n\n")
    assert fields == cli.call("predictions", "show", ids.broken).out.rstrip("\n")
    assert log == "loading weights\nTraceback (most recent call last):\nRuntimeError: no memory\n"


def test_show_says_how_to_get_a_long_log_and_that_there_is_none(cli: CommandLine, sleeper: str) -> None:
    long = cli.call("run", "acme/sleeper", "seconds=0.01", f"steps={LOG_LINES + 3}", "--json").out
    result = cli.call("predictions", "show", json.loads(long)["id"], "--logs")
    assert len(result.out.partition("\n\n")[2].splitlines()) == LOG_LINES
    assert result.err == "3 earlier lines are left out: --json prints the whole log\n"
    assert cli.call("predictions", "show", sleeper, "--logs").err == f"{sleeper} has no log\n"


def test_show_takes_several_ids(cli: CommandLine, ids: Ids) -> None:
    blocks = cli.call("predictions", "show", ids.hello, ids.broken).out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [f"id\t{ids.hello}", f"id\t{ids.broken}"]
    assert cli.call("predictions", "show", ids.hello, ids.broken, "-q").lines == [ids.hello, ids.broken]


def test_show_as_json_is_an_object_or_for_several_ids_an_array(cli: CommandLine, ids: Ids) -> None:
    one = json.loads(cli.call("predictions", "show", ids.hello, "--json").out)
    assert (one["id"], one["output"]) == (ids.hello, "Hello, Ada!")
    several = json.loads(cli.call("predictions", "show", ids.hello, ids.broken, "--json").out)
    assert [job["id"] for job in several] == [ids.hello, ids.broken]
    assert several[0] == one
    for job in several:
        check(job, "prediction")


def test_an_unknown_id_does_not_hide_the_others(cli: CommandLine, ids: Ids) -> None:
    result = cli.call("predictions", "show", "none", ids.hello, "other", "--json")
    assert (result.code, result.err.count("\n")) == (3, 1)
    assert [job["id"] for job in json.loads(result.out)] == [ids.hello]
    assert "/predictions/none: 404" in result.err
    assert "/predictions/other: 404" in result.err


def test_any_other_error_ends_the_command_after_what_came_before_it(cli: CommandLine, api: Emulator, ids: Ids) -> None:
    api.faults.fail_next(402, path=ids.broken)
    result = cli.call("predictions", "show", "none", ids.hello, ids.broken, ids.painter, "--json")
    assert (result.code, [job["id"] for job in json.loads(result.out)]) == (4, [ids.hello])


def test_show_on_a_terminal_shortens_data_uris(cli: CommandLine) -> None:
    uri = f"data:text/plain;base64,{'QUFB' * 50}"
    id = json.loads(cli.call("run", "acme/hello", f"text={uri}", "--json").out)["id"]
    shown = plain(cli.call("predictions", "show", id, is_terminal=True).out)
    assert shown.split()[:2] == ["id", id]
    assert "(223 characters)" in " ".join(shown.split())
    assert f"{uri}!" in "".join(shown.split())  # the output, which is a text
    assert f'{{"text":"{uri}"}}' not in "".join(shown.split())
    assert f'{{"text": "{uri}"}}' in cli.call("predictions", "show", id).out


def test_show_on_a_terminal_has_urls_in_full(api: Emulator, ids: Ids) -> None:
    narrow = CommandLine(api, COLUMNS="60")
    shown = plain(narrow.call("predictions", "show", ids.hello, is_terminal=True).out)
    assert f"{api.url}/predictions/{ids.hello}/cancel" in "".join(shown.split())


def test_show_keeps_fields_whose_names_are_no_words(cli: CommandLine, api: Emulator) -> None:
    @api.model("acme/odd", official=True)
    def odd() -> dict[str, int]:
        return {"a b.c": 1}

    id = json.loads(cli.call("run", "acme/odd", "--json").out)["id"]
    assert 'output\t{"a b.c": 1}' in cli.call("predictions", "show", id).lines


# watch


def test_watch_prints_the_output(cli: CommandLine, ids: Ids, tmp_path: Path) -> None:
    assert cli.call("predictions", "watch", ids.hello) == (0, "Hello, Ada!\n", "")
    assert json.loads(cli.call("predictions", "watch", ids.hello, "--json").out)["output"] == "Hello, Ada!"
    saved = cli.call("predictions", "watch", ids.painter, "-o", tmp_path, "-q").lines
    assert saved == [str(tmp_path / "out-0.png"), str(tmp_path / "out-1.png")]


def test_watch_of_a_failed_prediction_exits_with_1(cli: CommandLine, ids: Ids) -> None:
    code, out, err = cli.call("predictions", "watch", ids.broken)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"replicate-ext: {ids.broken} failed: no memory; see ")


def test_watch_after_a_timeout_prints_the_command_that_continues(cli: CommandLine, sleeper: str) -> None:
    code, out, err = cli.call("predictions", "watch", sleeper, "--timeout=0.05")
    assert (code, out) == (124, "")
    assert err.splitlines()[-1] == f"replicate-ext predictions watch {sleeper}"
    assert cli.call("predictions", "list", "-q", "--status", "processing").lines == [sleeper]


# cancel


def test_cancel_prints_what_became_of_each(cli: CommandLine, ids: Ids, sleeper: str) -> None:
    code, out, err = cli.call("predictions", "cancel", "none", sleeper, ids.hello)
    assert (code, out) == (3, f"{sleeper}\tcanceled\n{ids.hello}\tsucceeded\n")
    assert "/predictions/none/cancel: 404" in err
    assert json.loads(cli.call("predictions", "cancel", sleeper, "--json").out)["status"] == "canceled"
    assert cli.call("predictions", "cancel", sleeper, ids.hello, "-q").lines == [sleeper, ids.hello]


# save


def test_save_writes_the_files_into_a_folder_and_prints_the_paths(cli: CommandLine, ids: Ids, tmp_path: Path) -> None:
    result = cli.call("predictions", "save", ids.painter, ids.hello, ids.deployed, "-o", tmp_path)
    names = ["out-0.png", "out-1.png", "output.txt", "output-2.txt"]
    assert result == (0, "".join(f"{tmp_path / name}\n" for name in names), "")
    contents = folder_contents(tmp_path)
    assert contents["out-1.png"].startswith(b"\x89PNG")
    assert (contents["output.txt"], contents["output-2.txt"]) == (b"Hello, Ada!\n", b"Hello, Bob!\n")


def test_save_into_one_file_or_to_stdout(cli: CommandLine, ids: Ids, tmp_path: Path) -> None:
    target = tmp_path / "greeting.txt"
    assert cli.call("predictions", "save", ids.hello, "-o", target) == (0, f"{target}\n", "")
    assert target.read_text() == "Hello, Ada!\n"
    assert cli.call_bytes("predictions", "save", ids.hello, "-o", "-") == b"Hello, Ada!"


def test_save_as_json_names_the_paths(cli: CommandLine, ids: Ids, tmp_path: Path) -> None:
    job = json.loads(cli.call("predictions", "save", ids.painter, "-o", tmp_path, "--json").out)
    assert (job["id"], job["saved"]) == (ids.painter, [str(tmp_path / "out-0.png"), str(tmp_path / "out-1.png")])
    several = cli.call("predictions", "save", ids.hello, ids.deployed, "-o", tmp_path, "--json").out
    assert [job["id"] for job in json.loads(several)] == [ids.hello, ids.deployed]


def test_save_keeps_what_still_exists(cli: CommandLine, api: Emulator, ids: Ids, tmp_path: Path) -> None:
    output = json.loads(cli.call("predictions", "show", ids.painter, "--json").out)["output"]
    path = output[0].partition("/outputs/")[2]
    api.faults.fail_next(404, path=path)
    code, out, err = cli.call("predictions", "save", ids.painter, "-o", tmp_path)
    assert (code, out) == (1, f"{tmp_path / 'out.png'}\n")
    assert f"1 of 2 files of prediction {ids.painter} have expired: Replicate deletes the files" in err
    assert folder_contents(tmp_path).keys() == {"out.png"}


def test_save_says_that_the_files_have_expired(cli: CommandLine, api: Emulator, ids: Ids, tmp_path: Path) -> None:
    api.faults.fail_next(404, path="/outputs/", times=3)
    code, out, err = cli.call("predictions", "save", ids.painter, ids.hello, ids.painter, "-o", tmp_path)
    assert (code, out, err.count("\n")) == (1, f"{tmp_path / 'output.txt'}\n{tmp_path / 'out.png'}\n", 1)
    assert f"2 of 2 files of prediction {ids.painter} have expired" in err
    assert f"1 of 2 files of prediction {ids.painter} have expired" in err


def test_save_says_that_the_data_was_deleted(tmp_path: Path) -> None:
    with Emulator() as api:
        cli = CommandLine(api)
        id = json.loads(cli.call("run", "acme/hello", "text=Ada", "--json").out)["id"]
        api.clock.advance(3601)
        code, out, err = cli.call("predictions", "save", id, "-o", tmp_path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert (
        f"the output of prediction {id} was deleted: Replicate deletes the files of an API prediction one hour" in err
    )


def test_save_needs_an_output(cli: CommandLine, ids: Ids, sleeper: str, tmp_path: Path) -> None:
    code, _, err = cli.call("predictions", "save", ids.broken, sleeper, "-o", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert f"{ids.broken} failed: no memory" in err
    assert f"`replicate-ext predictions watch {sleeper} -o FOLDER/` waits for its output" in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a"], "write where to save the output: -o FOLDER/, -o FILE or -o -"),
        (["a", "b", "-o", "-"], "2 predictions need a folder: write -o FOLDER/"),
        ([], "missing argument 'ID...'"),
    ],
)
def test_save_needs_a_place(cli: CommandLine, arguments: list[str], text: str) -> None:
    code, _, err = cli.call("predictions", "save", *arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert text in err


def test_each_command_exits_with_3_for_an_unknown_id(cli: CommandLine, tmp_path: Path) -> None:
    for arguments in (["show"], ["watch"], ["cancel"], ["save", "-o", tmp_path]):
        code, out, err = cli.call("predictions", arguments[0], "none", *arguments[1:])
        assert (code, out, err.count("\n")) == (3, "", 1), arguments
