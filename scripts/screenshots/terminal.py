"""The command `replicate-ext` on a pseudo-terminal, whose screen is a page."""

from __future__ import annotations

import fcntl
import html
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
from itertools import groupby
from pathlib import Path

import pyte
from PIL import Image

from replicate_ext.emulator import Emulator

from .chromium import photograph

WIDTH = 900
COLUMNS, LINES = 96, 60
PROMPT = b"\x1b[32m$\x1b[0m "
COMMANDS = (
    'run acme/painter prompt="a lighthouse" num_outputs=2 -o cards/',
    'run acme/painter prompt="a lighthouse" num_output=2',
    'stream acme/poet prompt="the sea" lines=2',
    "predictions list",
    "map acme/painter rows.csv -o postcards/ --max-creates 40 --price 0.003",
    "run acme/sleeper seconds=4",
)
ENOUGH = b" 60%\r\n"
"""Interrupt a command that has shown this, which leaves its status on the screen."""

ROWS = "prompt,width,height\n" + "".join(f"postcard {number},640,480\n" for number in range(40))
TEMPLATE = (Path(__file__).parent / "terminal.html").read_text(encoding="utf-8")
COLORS = {
    "red": "#c92a2a",
    "green": "#2b8a3e",
    "brown": "#a86b00",
    "blue": "#1971c2",
    "magenta": "#862e9c",
    "cyan": "#0b7285",
    "brightblack": "#868e96",
}
"""Of a light theme, by the names that pyte gives the ANSI colors; those of the palette of 256 are hex digits."""


def run_on_terminal(command: str, folder: Path, api: Emulator) -> bytes:
    """Run `replicate-ext` with these arguments, and return what it writes to its terminal."""
    environment = {
        "REPLICATE_BASE_URL": api.url,
        "REPLICATE_API_TOKEN": api.token,
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "LINES": str(LINES),
    }
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "replicate_ext", *shlex.split(command)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=os.environ | environment,
            start_new_session=True,
        )
    finally:
        os.close(slave)
    with process, open(master, "rb", buffering=0) as terminal:
        written = b""
        try:
            while chunk := terminal.read(65536):
                written += chunk
                if ENOUGH in written:
                    process.kill()
                    break
        except OSError:  # EIO: the process has closed the terminal
            pass
        return written


def show(*commands: str, folder: Path) -> pyte.Screen:
    """Return the screen of a terminal after these commands, which run on the emulator in `folder`."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    with Emulator() as api:
        for command in commands:
            stream.feed(PROMPT + b"\x1b[1mreplicate-ext " + command.encode() + b"\x1b[0m\r\n")
            written = run_on_terminal(command, folder, api)
            written = written.replace(str(folder).encode(), b"~")  # as if it were the home directory
            stream.feed(written.replace(b"\x1b[2m", b"\x1b[90m"))  # pyte knows no dim text
    return screen


def render(screen: pyte.Screen) -> str:
    """Return a page that shows a screen, without the empty lines at its end."""
    lines = [_render_line([screen.buffer[y][x] for x in range(screen.columns)]) for y in range(screen.lines)]
    return TEMPLATE.replace("{{ screen }}", "\n".join(lines).rstrip())


def _render_line(characters: list[pyte.screens.Char]) -> str:
    parts = []
    for (color, is_bold), run in groupby(characters, key=lambda each: (each.fg, each.bold)):
        text = html.escape("".join(each.data for each in run))
        style = "" if color == "default" else f"color: {COLORS.get(color, f'#{color}')};"
        style += "font-weight: bold" if is_bold else ""
        parts.append(f'<span style="{style}">{text}</span>' if style else text)
    return "".join(parts).rstrip()


def take(chromium: Path, folder: Path) -> tuple[Image.Image, str]:
    """Return a picture of the terminal and its HTML."""
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    page = folder / "terminal.html"
    page.write_text(render(show(*COMMANDS, folder=folder)), encoding="utf-8")
    return photograph(chromium, page.as_uri(), WIDTH)
