"""The command `replicate-emulator`."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from replicate_ext import InvalidRequestError, Replicate
from replicate_ext.emulator import TOKEN, Emulator
from replicate_ext.emulator.__main__ import main

MODELS = """
import enum
from pathlib import Path
from replicate_ext import emulator

class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"

@emulator.model("me/size")
def size(files: list[Path], mood: Mood = Mood.GOOD, note: str | None = None) -> dict:
    emulator.log("measuring")
    return {"sizes": [file.stat().st_size for file in files], "mood": mood, "note": note}

@emulator.model("me/copy")
def copy(file: Path) -> Path:
    return file
"""


COMMAND = [sys.executable, "-m", "replicate_ext.emulator"]


def read_url(process: subprocess.Popen[str]) -> str:
    """Return the base URL that the command prints; if it ends instead, fail with its error output."""
    assert process.stdout is not None
    for line in process.stdout:
        name, _, url = line.strip().partition("=")
        if name == "export REPLICATE_BASE_URL":
            return url
    _, errors = process.communicate()
    raise AssertionError(f"the command ended with status {process.returncode}: {errors}")


@contextmanager
def start_command(*options: str) -> Iterator[str]:
    """Run the command, yield its base URL, and stop it."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *options], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield read_url(process)
        finally:
            process.terminate()  # else a test that fails would wait for the end of the command
        assert process.wait(timeout=10) == 0


def test_command_serves_models_from_a_file(tmp_path) -> None:
    (tmp_path / "my_models.py").write_text(MODELS)
    with start_command("--port", "0", str(tmp_path / "my_models.py")) as url, Replicate(TOKEN, base_url=url) as client:
        input = {"files": [b"abc", b"defgh"], "mood": "bad"}
        assert client.run("me/size", input) == {"sizes": [3, 5], "mood": "bad", "note": None}
        assert client.run("me/copy", {"file": b"abc"}).read() == b"abc"
        with pytest.raises(InvalidRequestError, match='one of the following: "good", "bad"'):
            client.run("me/size", {"files": [], "mood": "odd"}, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_its_url_and_stops_on_a_signal(number) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "--port", "0"], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            url = read_url(process)
            assert process.stdout is not None
            assert process.stderr is not None
            token = process.stdout.readline().strip().partition("=")[2]
            with Replicate(token, base_url=url) as client:
                assert client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
        finally:
            process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs the command in this process, and returns the one line with which it fails."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["replicate-emulator", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        output, errors = capsys.readouterr()
        assert (caught.value.code, output) == (2, "")
        [line] = errors.splitlines()
        return line.removeprefix("replicate-emulator: ")

    return run


def test_command_fails_with_one_line_for_an_invalid_option(fail) -> None:
    assert fail("--port", "70000").startswith("port must be from 0 to 65535, got 70000")
    assert fail("--port", "web").startswith("argument --port: invalid int value: 'web'")
    assert fail("--chaos", "2").startswith("chaos must be from 0 to 1, got 2.0")
    assert fail("--boot-time", "-1").startswith("boot_time must be 0 or more seconds, got -1.0")
    assert fail("--prot") == "unrecognized arguments: --prot (--help lists the options)"


def test_command_fails_with_one_line_if_it_cannot_listen(fail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert fail("--port", str(port)).startswith(f"cannot listen on 127.0.0.1, port {port}: Address already in use")
    assert fail("--host", "no such host").startswith("cannot listen on no such host, port 8787: ")


def test_command_fails_with_one_line_for_a_file_without_valid_models(fail, tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    assert fail(str(path)).startswith(f"{path}: FileNotFoundError: ")
    path.write_text("from replicate_ext import emulator\n\nemulator.model('nobody')")
    assert fail(str(path)).startswith(f"{path}, line 3: ValueError: a model's name must have the form owner/name")
    path.write_text("x = (")
    assert fail(str(path)).startswith(f"{path}: SyntaxError: '(' was never closed (models.py, line 1)")
    path.write_text("raise Exception('two\\nlines')")
    assert fail(str(path)).startswith(f"{path}, line 1: Exception: two lines")


def test_command_fails_with_one_line_for_a_broken_state_file(fail, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("not a database, and longer than the header of one, which has a hundred bytes in all: " + "x" * 99)
    assert fail("--port", "0", "--state", str(path)).startswith(f"{path} is not a state file of this emulator: ")
    assert path.read_text().startswith("not a database")
    assert fail("--port", "0", "--state", str(tmp_path)).startswith(f"{tmp_path} is not a state file")
    for statement in (
        "create table records (kind text, key text, value text)",
        "insert into records values ('job', 'x', 'no JSON')",
        "update records set value = '{\"id\": 1}'",
        "update records set value = '[]'",
        "update records set kind = 'model', value = '{}'",
    ):
        with sqlite3.connect(tmp_path / "other.db") as database:
            database.execute(statement)
        database.close()
        if statement.startswith("create"):
            continue
        assert "other.db is not a state file" in fail("--port", "0", "--state", str(tmp_path / "other.db"))
    with Emulator(state=tmp_path / "mine.db"):
        assert fail("--port", "0", "--state", str(tmp_path / "mine.db")).startswith(
            f"{tmp_path / 'mine.db'} is used by another emulator"
        )


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "PIL", "jsonschema", "jinja2"])
def test_command_names_the_extra_if_it_is_not_installed(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['replicate-emulator', *sys.argv[1:]]\n"
    program += "from replicate_ext.emulator.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "--port", "0"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "pip install 'replicate-ext[emulator]'" in line
    done = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--port PORT" in done.stdout
