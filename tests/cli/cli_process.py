"""Runs `replicate-ext` against an emulator: in this process, as a process on pipes, or on a pseudo-terminal."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from replicate_ext.__main__ import main
from replicate_ext.emulator import Emulator

COMMAND = [sys.executable, "-m", "replicate_ext"]
MAX_SECONDS = 20


class Result(NamedTuple):
    code: int
    out: str
    err: str = ""

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class _Stream(io.TextIOWrapper):
    """A standard stream in memory."""

    def __init__(self, content: bytes, is_terminal: bool = False) -> None:
        self._bytes, self._is_terminal = io.BytesIO(content), is_terminal
        super().__init__(self._bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def content(self) -> bytes:
        return self._bytes.getvalue()


class CommandLine:
    """The command with the token and the URL of an emulator in its environment."""

    command = COMMAND

    def __init__(self, api: Emulator, **environment: str) -> None:
        self.environment = {"REPLICATE_BASE_URL": api.url, "REPLICATE_API_TOKEN": api.token, **environment}
        self._processes: list[subprocess.Popen[bytes]] = []

    def call(self, *arguments: object, stdin: bytes = b"", is_terminal: bool = False) -> Result:
        """Run it in this process, which is fast; stdout and stderr are pipes, or say that they are a terminal."""
        streams = [_Stream(content, is_terminal) for content in (stdin, b"", b"")]
        with self._replace_streams(*streams):
            code = main([str(argument) for argument in arguments])
        return Result(code, *(stream.content.decode(errors="replace") for stream in streams[1:]))

    def call_bytes(self, *arguments: object, stdin: bytes = b"") -> bytes:
        """Run it in this process, and return the bytes of stdout."""
        streams = [_Stream(content) for content in (stdin, b"", b"")]
        with self._replace_streams(*streams):
            assert main([str(argument) for argument in arguments]) == 0
        return streams[1].content

    @contextlib.contextmanager
    def _replace_streams(self, stdin: object, out: object, err: object) -> Iterator[None]:
        streams, environment = (sys.stdin, sys.stdout, sys.stderr), dict(os.environ)
        sys.stdin, sys.stdout, sys.stderr = stdin, out, err
        os.environ.update(self.environment)
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            os.environ.clear()
            os.environ.update(environment)

    def start(self, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
        """Start it as a process on pipes."""
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        pipes: dict[str, object] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        words, environment = [*self.command, *map(str, arguments)], inherited | self.environment
        self._processes.append(process := subprocess.Popen(words, env=environment, **pipes | options))
        return process

    def close(self) -> None:
        """Kill the processes of a test that failed."""
        for process in self._processes:
            with process:
                process.kill()

    def run(self, *arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> Result:
        """Run it as a process on pipes."""
        process = self.start(*arguments, cwd=cwd)
        out, err = process.communicate(stdin, timeout=MAX_SECONDS)
        return Result(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def run_on_terminal(
        self, *arguments: object, columns: int = 80, interrupt_at: str | None = None, reply: tuple[str, str] = ("", "")
    ) -> Result:
        """Run it on a pseudo-terminal; `out` has stdout and stderr.

        Args:
            arguments: Those of the command.
            columns: The width of the terminal.
            interrupt_at: Press Ctrl-C as soon as this text appears.
            reply: What the terminal replies to a query that appears.
        """
        import fcntl
        import pty
        import struct
        import termios

        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        terminal = {"stdin": slave, "stdout": slave, "stderr": slave}
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, master)
            try:
                process = stack.enter_context(self.start(*arguments, **terminal, start_new_session=True))
            finally:
                os.close(slave)
            stack.callback(process.kill)
            seen = b""
            with contextlib.suppress(OSError):  # EIO: the process has closed the terminal
                while chunk := os.read(master, 65536):
                    seen += chunk
                    if interrupt_at and interrupt_at.encode() in seen:
                        interrupt_at = None
                        process.send_signal(signal.SIGINT)
                    if reply[0] and reply[0].encode() in chunk:
                        os.write(master, reply[1].encode())
            return Result(process.wait(MAX_SECONDS), seen.decode(errors="replace").replace("\r\n", "\n"))


def plain(text: str) -> str:
    """Return the text of a terminal without its control sequences (ECMA-48)."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)


def emulator_fixture() -> Any:
    """Return a fixture for an emulator that all tests of a module share."""

    @pytest.fixture(scope="module")
    def api() -> Iterator[Emulator]:
        with Emulator() as api:
            yield api

    return api


def command_fixture() -> Any:
    """Return a fixture for the command line of a user of the emulator `api`."""

    @pytest.fixture
    def cli(api: Emulator) -> Iterator[CommandLine]:
        with contextlib.closing(CommandLine(api)) as cli:
            yield cli

    return cli
