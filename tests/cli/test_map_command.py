"""`replicate-ext map`: a file of rows becomes a folder; limits, failures and Ctrl-C name the command that continues."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_process import CommandLine, emulator_fixture, plain

from replicate_ext import Replicate
from replicate_ext.emulator import Catalog, Emulator

ROWS = '{"text": "Ada"}\n{"text": "Eve"}\n{"text": "Joe"}\n'
PICTURES = "prompt,width,height\nsea,16,16\nsky,16,16\n"


class Gate:
    """A model whose first prediction ends immediately, and the others when the gate is opened."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.begun = threading.Semaphore(0)
        self.ends_early = threading.Event()

    def add_to(self, api: Emulator) -> None:
        @api.model("me/gated")
        def gated(number: int) -> str:
            if number:
                self.begun.release()
                (self.ends_early if number == 1 else self.is_open).wait(10)
            return str(number)

    def open(self) -> None:
        self.ends_early.set()
        self.is_open.set()


api = emulator_fixture()


@pytest.fixture
def cli(api: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Return the command, in a folder with two files of rows."""
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text(ROWS)
    Path("pictures.csv").write_text(PICTURES)
    return CommandLine(api)


def created(api: Emulator) -> int:
    return sum(request.method == "POST" for request in api.requests)


def test_the_report_is_all_of_stdout_and_progress_is_on_stderr(cli: CommandLine) -> None:
    result = cli.call("map", "acme/hello", "rows.jsonl", "-o", "run")
    assert result.code == 0
    assert result.lines[1:3] == ["rows          3: 3 done", "creates       3: 3 succeeded"]
    assert result.err.splitlines()[-1].startswith("3 of 3 rows (100%)")


def test_rows_are_json_lines_with_paths_that_begin_as_the_folder_was_written(cli: CommandLine) -> None:
    result = cli.call("map", "acme/painter", "pictures.csv", "-o", "runs/p", "--jsonl")
    items = sorted(map(json.loads, result.lines), key=lambda item: item["index"])
    assert [item["paths"] for item in items] == [
        ["runs/p/outputs/000/000000-0.png"],
        ["runs/p/outputs/000/000001-0.png"],
    ]
    assert all(Path(item["paths"][0]).read_bytes().startswith(b"\x89PNG") for item in items)
    assert items[0].keys() == {"index", "key", "status", "prediction_id", "output", "error", "paths"}
    assert items[0]["status"] == "succeeded"


def test_the_same_command_buys_nothing_again_and_quiet_prints_the_paths(cli: CommandLine, api: Emulator) -> None:
    first = cli.call("map", "acme/painter", "pictures.csv", "-o", "run", "-q")
    before = created(api)
    assert cli.call("map", "acme/painter", "pictures.csv", "-o", "run", "-q") == first
    assert sorted(first.lines) == ["run/outputs/000/000000-0.png", "run/outputs/000/000001-0.png"]
    assert first.err == ""
    assert created(api) == before


def test_rows_of_standard_input_have_paths_relative_to_the_working_directory(cli: CommandLine) -> None:
    [path, _] = cli.call("map", "acme/painter", "pictures.csv", "-o", "run", "-q").lines
    row = json.dumps({"image": path, "id": "a"}).encode()
    result = cli.call("map", "acme/filter", "-", "-o", "filtered", "--key", "id", "--jsonl", stdin=row + b"\n")
    [item] = map(json.loads, result.lines)
    assert (result.code, item["key"], item["paths"]) == (0, "a", ["filtered/outputs/000/000000-0.png"])


def test_a_limit_ends_with_the_command_that_continues(cli: CommandLine) -> None:
    result = cli.call("map", "acme/hello", "rows.jsonl", "-o", "my run", "--max-creates", "2", "--json")
    assert result.code == 1
    assert json.loads(result.out)["done"] == 2
    assert result.err.splitlines()[-1] == (
        "replicate-ext: --max-creates 2 is reached; to continue: `replicate-ext map resume 'my run' --max-creates N`"
    )
    assert cli.call("map", "resume", "my run", "-q").code == 1  # the limit is remembered
    result = cli.call("map", "resume", "my run", "--max-creates", "none", "--jsonl")
    assert result.code == 0
    assert [json.loads(line)["output"] for line in result.lines] == ["Hello, Joe!"]


def test_failed_rows_are_exit_code_1_and_can_be_retried(cli: CommandLine, api: Emulator) -> None:
    Path("mixed.jsonl").write_text('{"text": "Ada"}\n{"txet": "Eve"}\n')
    result = cli.call("map", "acme/hello", "mixed.jsonl", "-o", "run")
    assert result.code == 1
    assert result.err.splitlines()[-1].startswith("1 failed of 2 rows; `replicate-ext map export run rows.jsonl`")
    before = created(api)
    assert cli.call("map", "retry", "run").code == 1  # the row is invalid
    assert created(api) == before


def test_retry_buys_failed_rows_again(cli: CommandLine, api: Emulator) -> None:
    api.faults.fail_next(422, path="hello/predictions")
    arguments = ("acme/hello", "rows.jsonl", "-o", "run", "--max-failures", "none", "--concurrency", "1")
    assert cli.call("map", *arguments).code == 1
    result = cli.call("map", "retry", "run", "--jsonl")
    assert result.code == 0
    assert [json.loads(line)["status"] for line in result.lines] == ["succeeded"]


@pytest.mark.parametrize("status", [401, 402])
def test_a_refused_token_or_payment_is_exit_code_4(cli: CommandLine, api: Emulator, status: int) -> None:
    api.faults.fail_next(status, path="hello/predictions")
    result = cli.call("map", "acme/hello", "rows.jsonl", "-o", "run")
    assert result.code == 4
    assert result.err.splitlines()[-1].endswith("to continue: `replicate-ext map resume run`")
    assert cli.call("map", "resume", "run").code == 0


def test_a_failed_first_row_is_one_line(cli: CommandLine) -> None:
    result = cli.call("map", "acme/broken", "-", "-o", "run", "--json", "-q", stdin=b"{}\n{}\n")
    assert (result.code, json.loads(result.out)["failed"]) == (1, 1)
    assert result.err.startswith("replicate-ext: the first row failed: row 0: ModelError: ")
    assert result.err.endswith("; to continue: `replicate-ext map resume run`\n")
    assert result.err.count("\n") == 1
    lines = cli.call("map", "resume", "run").err.splitlines()
    assert all(line.startswith(("1 of 2", "2 of 2", "replicate-ext", "2 failed of 2")) for line in lines)


def test_shards_have_folders_of_their_own_and_one_report(cli: CommandLine) -> None:
    for k in range(2):
        assert cli.call("map", "acme/hello", "rows.jsonl", "-o", f"shard-{k}", "--shard", f"{k}/2").code == 0
    report = json.loads(cli.call("map", "report", "shard-0", "shard-1", "--json").out)
    assert (report["rows"], report["done"], len(report["folders"])) == (3, 3, 2)


def test_options_reach_the_batch(cli: CommandLine) -> None:
    options = ("--price", "0.5", "--max-cost", "9", "--dedupe", "--no-save", "--retries", "0", "--max-seconds", "9")
    row = b'{"prompt": "sea", "width": 16, "height": 16}\n'
    assert cli.call("map", "acme/painter", "-", "-o", "run", *options, stdin=row * 2).code == 0
    report = json.loads(cli.call("map", "report", "run", "--json").out)
    assert {name: report[name] for name in ("rows", "done", "creates", "cost", "files")} == {
        "rows": 2,
        "done": 2,
        "creates": 1,
        "cost": 0.5,
        "files": 0,
    }


def test_none_is_no_limit(cli: CommandLine) -> None:
    limits = [part for name in ("creates", "cost", "seconds", "failures") for part in (f"--max-{name}", "none")]
    assert cli.call("map", "acme/hello", "rows.jsonl", "-o", "run", *limits).code == 0


def test_status_report_and_export_need_no_token(cli: CommandLine, api: Emulator) -> None:
    cli.call("map", "acme/hello", "rows.jsonl", "-o", "run")
    offline = CommandLine(api, REPLICATE_API_TOKEN="", XDG_CONFIG_HOME=str(Path.cwd()))
    assert offline.call("map", "status", "run") == (0, "3 of 3 rows (100%)\n", "")
    assert json.loads(offline.call("map", "status", "run", "--json").out)["finished"] == 3
    assert offline.call("map", "report", "run", "-q").out == "run\n"
    assert offline.call("map", "export", "run", "table.csv") == (0, "table.csv\n", "")
    assert Path("table.csv").read_text().count("\n") == 4


def test_cancel_prints_the_report(cli: CommandLine) -> None:
    cli.call("map", "acme/hello", "rows.jsonl", "-o", "run", "--max-creates", "1")
    result = cli.call("map", "cancel", "run", "--json")
    assert (result.code, json.loads(result.out)["in_flight"]) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("acme/hello rows.txt -o run", "rows.txt is none of the files of rows: .jsonl, "),
        ("acme/hello none.jsonl -o run", "none.jsonl: No such file or directory"),
        ("acme/hello rows.jsonl", "missing option '-o'"),
        ("acme/hello rows.jsonl -o run --shard 4/4", "write K/N with K from 0 to N - 1, such as 0/4"),
        ("acme/hello rows.jsonl -o run --max-cost 5", "--max-cost needs --price"),
        ("acme/hello rows.jsonl -o run --max-creates 0", "invalid value for '--max-creates': 0 is not in the range"),
        ("acme/hello rows.jsonl -o run --max-creates many", "'many' is not a valid integer"),
        ("acme/hello rows.jsonl -o run --on-error skip", "'skip' is not one of 'collect', 'raise'"),
        ("acme/hello bad.jsonl -o run", "bad.jsonl, line 2 is not JSON"),
        ("acme/hello wrong.jsonl -o run", "did you mean 'text'?"),
        ("acme/hello late.jsonl -o run --on-error raise", "row 1 of the batch; nothing was created"),
        ("resume run", "run has no batch: `replicate-ext map MODEL ROWS -o run` begins one"),
        ("report run", "run has no batch: `replicate-ext map MODEL ROWS -o run` begins one"),
    ],
)
def test_what_is_invalid_is_exit_code_2_and_one_line(
    cli: CommandLine, api: Emulator, arguments: str, error: str
) -> None:
    Path("bad.jsonl").write_text('{"text": "Ada"}\n{"text"\n')
    Path("wrong.jsonl").write_text('{"txet": "Ada"}\n')
    Path("late.jsonl").write_text('{"text": "Ada"}\n{"txet": "Eve"}\n')
    before = created(api)
    result = cli.call("map", *arguments.split(), "-q")
    assert (result.code, result.out) == (2, "")
    assert error in result.err
    assert result.err.count("\n") == 1
    assert created(api) == before


def test_a_batch_of_another_process_is_left_alone(cli: CommandLine) -> None:
    from replicate_ext._batch.folder_lock import FolderLock

    cli.call("map", "acme/hello", "rows.jsonl", "-o", "run", "--max-creates", "1")
    lock = FolderLock(Path("run").absolute())
    try:
        result = cli.call("map", "resume", "run")
        assert result.code == 2
        assert "is in use" in result.err
        assert cli.call("map", "status", "run").code == 0
    finally:
        lock.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_a_bar_and_then_the_report(cli: CommandLine) -> None:
    shown = plain(cli.run_on_terminal("map", "acme/hello", "rows.jsonl", "-o", "run", columns=40).out)
    assert "━" in shown
    assert "rows          3: 3 done" in shown


# Ctrl-C


@contextmanager
def running(api: Emulator, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Gate]]:
    """Run a batch as a process until three predictions wait for the gate."""
    gate = Gate()
    gate.add_to(api)
    Path("gated.jsonl").write_text("".join(f'{{"number": {number}}}\n' for number in range(7)))
    command = ("map", "me/gated", "gated.jsonl", "-o", "run", "--concurrency", "3", "--jsonl", *options)
    with CommandLine(api).start(*command) as process:
        try:
            for _ in range(3):
                assert gate.begun.acquire(timeout=10)
            yield process, gate
        finally:
            gate.open()
            process.kill()


def interrupt(process: subprocess.Popen[bytes]) -> str:
    """Press Ctrl-C for the first time, and return the line about it."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    return next(line for line in map(bytes.decode, process.stderr) if line.startswith("Nothing more"))


def statuses(api: Emulator) -> Counter[Any]:
    with Replicate(api.token, base_url=api.url) as client:
        return Counter(job.status for job in client.predictions.list())


@pytest.fixture
def fresh() -> Iterator[Emulator]:
    with Emulator(models=Catalog()) as api:
        yield api


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_the_first_interrupt_waits_for_what_is_running(cli: CommandLine, fresh: Emulator) -> None:
    with running(fresh) as (process, gate):
        assert interrupt(process) == (
            "Nothing more is created; waiting for 3 predictions. Ctrl-C again cancels them; "
            "to continue: `replicate-ext map resume run`\n"
        )
        gate.open()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert sorted(json.loads(line)["index"] for line in out.splitlines()) == [0, 1, 2, 3]
    assert err.decode().endswith("replicate-ext: interrupted; to continue: `replicate-ext map resume run`\n")
    assert statuses(fresh) == {"succeeded": 4}
    result = CommandLine(fresh).call("map", "resume", "run", "--jsonl")
    assert sorted(json.loads(line)["index"] for line in result.lines) == [4, 5, 6]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize(
    ("options", "ends"),
    [((), {"succeeded": 1, "canceled": 3}), (("--leave-running",), {"succeeded": 1, "processing": 3})],
    ids=["cancel", "leave"],
)
def test_the_second_interrupt_ends_the_batch(
    cli: CommandLine, fresh: Emulator, options: tuple[str, ...], ends: dict[str, int]
) -> None:
    with running(fresh, *options) as (process, _):
        assert ("leaves them running" if options else "cancels them") in interrupt(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert statuses(fresh) == ends
    assert process.returncode == 130
    outcome = "3 predictions may still be running" if options else "nothing is running"
    assert err.decode().endswith(
        f"replicate-ext: interrupted; {outcome}; to continue: `replicate-ext map resume run`\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize(
    ("options", "ends"),
    [((), {"succeeded": 1, "canceled": 3}), (("--leave-running",), {"succeeded": 1, "processing": 3})],
    ids=["cancel", "leave"],
)
def test_sigterm_does_what_the_second_interrupt_does(
    cli: CommandLine, fresh: Emulator, options: tuple[str, ...], ends: dict[str, int]
) -> None:
    with running(fresh, *options) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert statuses(fresh) == ends
    assert process.returncode == 143
    outcome = "3 predictions may still be running" if options else "nothing is running"
    assert err.decode().endswith(f"replicate-ext: terminated; {outcome}; to continue: `replicate-ext map resume run`\n")
    assert b"Nothing more is created" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGPIPE")
def test_a_closed_pipe_cancels_what_is_running(cli: CommandLine, fresh: Emulator) -> None:
    with running(fresh) as (process, gate):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["index"] == 0
        process.stdout.close()
        gate.ends_early.set()
        assert process.wait(20) == 141
        assert process.stderr is not None
        assert all(b" rows (" in line for line in process.stderr)
        assert statuses(fresh)["canceled"] >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_an_interrupt_while_rows_are_read_ends_at_once(cli: CommandLine, api: Emulator) -> None:
    before = created(api)
    with cli.start("map", "acme/hello", "-", "-o", "run") as process:
        assert process.stdin is not None
        process.stdin.write(ROWS.encode())
        process.stdin.flush()
        while not Path("run/journal.db").exists():
            threading.Event().wait(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.decode().endswith("replicate-ext: interrupted\n")
    assert created(api) == before


def test_quiet_says_on_stderr_that_rows_have_failed(cli: CommandLine) -> None:
    result = cli.call("map", "acme/hello", "-", "-o", "run", "-q", stdin=b'{"text": "Ada"}\n{"txt": "Eve"}\n')
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("1 failed of 2 rows; `replicate-ext map export run rows.jsonl` has their errors")
    assert result.err.endswith("; correct invalid rows in their file, and repeat the command that began the batch\n")


def test_a_row_that_was_invalid_is_bought_once_it_is_corrected(cli: CommandLine, api: Emulator) -> None:
    Path("names.csv").write_text("text,txt\nAda,\nEve,x\n")
    assert cli.call("map", "acme/hello", "names.csv", "-o", "run").code == 1
    before = created(api)
    Path("names.csv").write_text("text,txt\nAda,\nEve,\n")
    assert cli.call("map", "acme/hello", "names.csv", "-o", "run").lines[1] == "rows          2: 2 done"
    assert created(api) == before + 1


def test_the_problems_of_a_row_are_separated(cli: CommandLine) -> None:
    err = cli.call("map", "acme/hello", "-", "-o", "run", stdin=b'{"id": "a", "txt": "b"}\n').err
    assert "its inputs are text; input.txt: " in err
