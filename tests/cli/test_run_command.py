"""`replicate-ext run`, `stream`, `submit` and `wait`: results on stdout, and in files."""

from __future__ import annotations

import io
import json
import signal
import sys
import time
from pathlib import Path

import pytest
from cli_process import MAX_SECONDS, CommandLine, Result, command_fixture, emulator_fixture
from PIL import Image

from conftest import folder_contents
from replicate_ext import Replicate
from replicate_ext.emulator import Emulator

api = emulator_fixture()
cli = command_fixture()


PAIR = ("acme/painter", "prompt=a", "num_outputs=2", "width=16", "height=16")


def creates(api: Emulator) -> int:
    """Return how many predictions were created."""
    return len([request for request in api.requests if request.method == "POST" and "predictions" in request.path])


def test_run_prints_the_output(cli: CommandLine) -> None:
    assert cli.call("run", "acme/hello", "text=Ada") == (0, "Hello, Ada!\n", "")


def test_run_joins_the_pieces_of_a_text_and_ends_its_line_once(cli: CommandLine) -> None:
    result = cli.call("run", "acme/poet", "prompt=the sea", "lines=1", "seconds=0")
    assert result.code == 0
    assert "the sea" in result.out
    assert result.out.count("\n") == 1


def test_run_prints_files_as_urls_and_other_outputs_as_json(cli: CommandLine) -> None:
    lines = cli.call("run", *PAIR).lines
    assert [line.rpartition("/")[2] for line in lines] == ["out.png", "out.png"]
    assert lines[0].startswith("http://")
    assert cli.call("run", "acme/finder", "text=abc", "word=c").out == "2\n"


@pytest.mark.parametrize("option", ["--json", "--jsonl"])
def test_json_is_the_prediction_as_the_api_sends_it(cli: CommandLine, option: str) -> None:
    result = cli.call("run", "acme/hello", "text=Ada", option)
    assert result.out.count("\n") == 1
    job = json.loads(result.out)
    assert (job["status"], job["output"], job["input"]) == ("succeeded", "Hello, Ada!", {"text": "Ada"})
    assert list(job)[:2] == ["id", "model"]
    assert json.loads(cli.call("wait", job["id"], option).out) == job


def test_submit_prints_the_id_and_wait_the_output(cli: CommandLine) -> None:
    id = cli.call("submit", "acme/hello", "text=Ada").out.strip()
    assert cli.call("wait", id) == (0, "Hello, Ada!\n", "")
    assert json.loads(cli.call("submit", "acme/hello", "text=Ada", "--json").out)["input"] == {"text": "Ada"}


def test_stream_prints_the_text_or_the_events(cli: CommandLine) -> None:
    poem = ("acme/poet", "prompt=the sea", "lines=1", "seconds=0")
    text = cli.call("stream", *poem).out
    events = [json.loads(line) for line in cli.call("stream", *poem, "--jsonl").lines]
    assert text == "".join(event["data"] for event in events if event["event"] == "output")
    assert (events[-1]["event"], events[-1].keys()) == ("done", {"event", "data", "id"})
    assert json.loads(cli.call("stream", *poem, "--json").out)["status"] == "succeeded"


@pytest.mark.parametrize("command", ["run", "stream"])
def test_json_of_a_failed_prediction_has_its_error(cli: CommandLine, command: str) -> None:
    result = cli.call(command, "acme/broken", "message=no luck", "--json")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert (json.loads(result.out)["status"], json.loads(result.out)["error"]) == ("failed", "no luck")


# Where the output goes


def test_output_is_saved_in_a_folder_and_the_paths_printed(cli: CommandLine, tmp_path: Path) -> None:
    result = cli.call("run", *PAIR, "-o", f"{tmp_path}/pictures/")
    assert (result.code, result.err) == (0, "")
    assert result.lines == [str(tmp_path / "pictures" / name) for name in ("out-0.png", "out-1.png")]
    assert folder_contents(tmp_path / "pictures")["out-0.png"].startswith(b"\x89PNG")


def test_json_names_the_saved_paths(cli: CommandLine, tmp_path: Path) -> None:
    job = json.loads(cli.call("run", "acme/painter", "prompt=a", "-o", tmp_path, "--json").out)
    assert job["saved"] == [str(tmp_path / "out.png")]
    assert job["status"] == "succeeded"


def test_output_is_saved_in_a_file(cli: CommandLine, tmp_path: Path) -> None:
    target = tmp_path / "new/picture.png"
    assert cli.call("run", "acme/painter", "prompt=a", "-o", target) == (0, f"{target}\n", "")
    assert target.read_bytes().startswith(b"\x89PNG")


def test_text_and_json_are_saved_too(cli: CommandLine, tmp_path: Path) -> None:
    assert cli.call("run", "acme/hello", "text=Ada", "-o", tmp_path).lines == [str(tmp_path / "output.txt")]
    assert cli.call("run", "acme/finder", "text=abc", "word=c", "-o", tmp_path).lines == [str(tmp_path / "output.json")]
    assert folder_contents(tmp_path) == {"output.txt": b"Hello, Ada!\n", "output.json": b"2\n"}


def test_bytes_go_from_one_command_to_the_next(cli: CommandLine) -> None:
    picture = cli.call_bytes("run", "acme/painter", "prompt=a", "-o", "-")
    inverted = cli.call_bytes("run", "acme/filter", "image=@-", "effect=invert", "-o", "-", stdin=picture)
    first, second = (Image.open(io.BytesIO(content)).convert("RGB").getpixel((0, 0)) for content in (picture, inverted))
    assert second == tuple(255 - value for value in first)
    assert cli.call_bytes("run", "acme/hello", "text=Ada", "-o", "-") == b"Hello, Ada!"


@pytest.mark.parametrize("target", ["-", "one.png"])
def test_several_files_do_not_fit_into_one_and_the_line_says_how_to_save_them(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli.call("run", *PAIR, "-o", target)
    assert (result.code, result.out) == (1, "")
    assert f"the output has 2 files, and -o {target} takes one; the prediction has succeeded" in result.err
    assert "`replicate-ext predictions save " in result.err
    assert not folder_contents(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_paid(
    cli: CommandLine, api: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    before = creates(api)
    result = cli.call("run", "acme/painter", "prompt=a", "-o", f"{tmp_path}/file/pictures/")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert f"{tmp_path}/file" in result.err
    assert creates(api) == before


# Interruptions


def status_of(api: Emulator, id: str) -> str:
    with Replicate(api.token, base_url=api.url) as client:
        return str(client.predictions.get(id).status)


def test_a_timeout_prints_the_command_that_continues(cli: CommandLine, api: Emulator) -> None:
    code, out, err = cli.call("run", "acme/sleeper", "seconds=60", "--timeout=0.05")
    id = err.split()[2]
    assert (code, out) == (124, "")
    assert err.splitlines() == [
        f"replicate-ext: prediction {id} did not finish before --timeout",
        f"replicate-ext predictions watch {id}",
    ]
    assert status_of(api, id) == "processing"
    code, out, err = cli.call("wait", id, "--timeout=0.05", "--cancel-on-timeout")
    assert (code, out) == (124, "")
    assert err == f"replicate-ext: prediction {id} did not finish before --timeout; prediction {id} was canceled\n"
    assert status_of(api, id) == "canceled"


def interrupt(
    cli: CommandLine, api: Emulator, *arguments: str, number: signal.Signals = signal.SIGINT
) -> tuple[Result, str]:
    """Send a signal once the command waits for the prediction; return its id too."""
    before = len(api.requests)
    requests = 2 if arguments[0] == "wait" else 1  # `wait` fetches it first
    with cli.start(*arguments) as process:
        while sum(r.operation == "predictions.get" or "/stream" in r.path for r in api.requests[before:]) < requests:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=MAX_SECONDS)
    result = Result(process.returncode, out.decode(), err.decode())
    return result, result.err.split()[3]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("command", [("run", "acme/sleeper", "seconds=60"), ("stream", "acme/sleeper", "seconds=60")])
def test_ctrl_c_cancels_and_says_so(cli: CommandLine, api: Emulator, command: tuple[str, ...]) -> None:
    result, id = interrupt(cli, api, *command)
    assert result == (130, "", f"replicate-ext: interrupted; prediction {id} was canceled\n")
    assert status_of(api, id) == "canceled"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that can be handled")
@pytest.mark.parametrize("command", ["run acme/sleeper seconds=60", "stream acme/sleeper seconds=60", "wait {id}"])
def test_sigterm_cancels_and_says_so(cli: CommandLine, api: Emulator, command: str) -> None:
    id = cli.call("submit", "acme/sleeper", "seconds=60").out.strip()
    result, id = interrupt(cli, api, *command.format(id=id).split(), number=signal.SIGTERM)
    assert result == (143, "", f"replicate-ext: terminated; prediction {id} was canceled\n")
    assert status_of(api, id) == "canceled"


def test_sigterm_is_as_before_after_a_command(cli: CommandLine) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert cli.call("account").code == 0
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE")
def test_a_closed_pipe_ends_quietly_and_cancels(cli: CommandLine, api: Emulator) -> None:
    with cli.start("stream", "acme/poet", "prompt=sea", "lines=1000", "seconds=0.01") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(MAX_SECONDS) == 141
        assert process.stderr.read() == b""
    with Replicate(api.token, base_url=api.url) as client:
        assert next(iter(client.predictions.list())).status == "canceled"


@pytest.mark.parametrize("command", ["run acme/sleeper seconds=60", "wait {id}", "predictions watch {id}"])
def test_the_command_that_continues_saves_where_this_one_would_have(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    id = cli.call("submit", "acme/sleeper", "seconds=60").out.strip()
    folder = f"{tmp_path / 'my pictures'}/"
    code, _, err = cli.call(*command.format(id=id).split(), "--timeout=0.05", "-o", folder)
    assert code == 124
    assert err.endswith(f" -o '{folder}'\n")
