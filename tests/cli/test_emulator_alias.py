"""`replicate-ext emulator` is `replicate-emulator`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli_process import COMMAND, CommandLine

from replicate_ext import Replicate
from replicate_ext._cli.context import OPTIONS
from replicate_ext._cli.emulator import emulator
from replicate_ext.emulator import Emulator
from replicate_ext.emulator.__main__ import create_parser

MODEL = """
from replicate_ext import emulator

@emulator.model("me/echo")
def echo(text: str) -> str:
    return text
"""


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine(Emulator())  # not running: the command needs no API


def test_it_has_the_options_of_replicate_emulator() -> None:
    theirs = {
        (*action.option_strings, action.dest): (action.default, f"{action.help}.".lower())
        for action in create_parser()._actions
        if action.option_strings and action.dest != "help"
    }
    ours = {
        (*option.opts, option.name): (False if option.is_flag else option.default, str(option.help).lower())
        for option in emulator.params
        if isinstance(option, click.Option) and option not in OPTIONS
    }
    assert ours.keys() == theirs.keys()
    for names, (default, help) in ours.items():
        assert (default if isinstance(default, str | int | float) else None, help) == theirs[names]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_api_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "my_models.py"
    path.write_text(MODEL)
    form = "--json" if number == signal.SIGINT else "--quiet"
    arguments = [*COMMAND, "emulator", "--port", "0", str(path), form]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = json.loads(line)["base_url"] if form == "--json" else line.strip()
            with Replicate(Emulator().token, base_url=url) as client:
                assert client.run("me/echo", {"text": "Ada"}) == "Ada"
        finally:
            process.send_signal(number)
        assert process.stderr is not None
        assert (process.wait(10), process.stderr.read()) == (0, "")


def test_a_port_in_use_is_one_line(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, out, err = cli.call("emulator", "--port", port)
    assert (code, out) == (2, "")
    assert (
        err
        == f"replicate-ext: cannot listen on 127.0.0.1, port {port}: Address already in use; port 0 picks a free one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--port", "70000"], "port must be from 0 to 65535, got 70000"),
        (["--port", "web"], "'web' is not a valid integer"),
        (["--chaos", "2"], "chaos must be from 0 to 1, got 2.0"),
        (["nothing.py"], "nothing.py: FileNotFoundError"),
        (["--port", "0", "--state", "nowhere/state.db"], "nowhere/state.db is not a state file of this emulator"),
    ],
)
def test_a_wrong_argument_is_one_line(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = cli.call("emulator", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert error in err


def test_a_missing_extra_is_one_line() -> None:
    program = "import sys; sys.modules['uvicorn'] = None; from replicate_ext.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program, "emulator"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'replicate-ext[emulator]'" in done.stderr
