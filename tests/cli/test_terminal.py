"""On a terminal: live status, tables, streamed text, pictures. Elsewhere nothing of it."""

from __future__ import annotations

import base64
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_process import CommandLine, plain
from PIL import Image, ImageChops

from replicate_api.models import Prediction
from replicate_ext._cli.live import LOG_LINES, Status
from replicate_ext._cli.pictures import encode, find_protocol
from replicate_ext.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
PICTURE = ("run", "acme/painter", "prompt=a", "width=32", "height=32", "--show")


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator() as api:

        @api.model("test/escape")
        def escape() -> str:
            return "a\x1b[2Jb"

        yield api


@pytest.fixture
def cli(api: Emulator) -> CommandLine:
    return CommandLine(api, TERM="xterm-256color")


def render(status: Status, width: int = 60) -> str:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width)
    console.print(status.render())
    return console.file.getvalue()


def test_the_status_has_a_bar_and_the_end_of_the_log() -> None:
    moments = iter([0.0, 3.0, 4.0, 5.0])
    status = Status(lambda: next(moments))
    assert render(status) == "3 s\n"
    logs = "\n".join(f"line {number}" for number in range(20))
    bar = " 50%|#####     | 5/10 [00:02<00:03, 2it/s]"
    job = {"id": "a", "model": "acme/x", "status": "processing", "urls": {}, "logs": f"{logs}\n{bar}\nbad\x1b[2J"}
    status.update(Prediction.from_dict(job))
    lines = render(status).splitlines()
    assert lines[0].startswith("acme/x processing 4 s ━")
    assert lines[0].endswith("50%, 3 s left")
    assert lines[-3:] == ["line 19", bar, "bad\N{REPLACEMENT CHARACTER}[2J"]
    assert len(lines) == 1 + LOG_LINES
    assert all(len(line) <= 40 for line in render(status, 40).splitlines())


def test_a_terminal_shows_the_status_and_then_the_result_alone(cli: CommandLine) -> None:
    result = cli.run_on_terminal("run", "acme/sleeper", "seconds=0.3", "steps=3")
    assert result.code == 0
    assert "acme/sleeper processing" in result.out
    assert "3/3" in result.out
    after = result.out.rpartition("\x1b[2K")[2]  # the status is erased
    assert after == "Slept for 0.3 seconds.\n"


def test_quiet_and_a_pipe_show_no_status(cli: CommandLine) -> None:
    assert cli.call("run", "acme/hello", "text=a", "-q", is_terminal=True) == (0, "Hello, a!\n", "")
    result = cli.call(*PICTURE)
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out


def test_ctrl_c_erases_the_status_and_says_that_the_prediction_was_canceled(cli: CommandLine) -> None:
    result = cli.run_on_terminal("run", "acme/sleeper", "seconds=60", interrupt_at="processing")
    assert result.code == 130
    assert re.search(r"\x1b\[2Kreplicate-ext: interrupted; prediction \w+ was canceled\n$", result.out)


def test_text_is_streamed_and_cannot_control_the_terminal(cli: CommandLine) -> None:
    result = cli.call("run", "acme/poet", "prompt=the sea", "lines=1", "seconds=0", is_terminal=True)
    assert result.code == 0
    assert "acme/poet starting" in result.err
    assert result.err.endswith("\x1b[2K")  # until the text begins
    assert re.fullmatch(r"[\w ,.]*the sea[\w ,.]*\n", result.out)
    escaped = cli.call("run", "test/escape", "-q", is_terminal=True).out
    assert escaped == "a\N{REPLACEMENT CHARACTER}[2Jb\n"


@pytest.mark.parametrize("columns", [200, 40])
def test_a_list_is_a_table_that_fits(cli: CommandLine, tmp_path: Path, columns: int) -> None:
    module = ("--module", tmp_path / "models.py")
    assert cli.call("models", "add", "acme/poet", "acme/hello", *module).code == 0
    lines = plain(cli.run_on_terminal("models", "list", *module, columns=columns).out).splitlines()
    assert lines[0].split()[:3] == ["function", "ref", "kind"]
    assert len(lines) == 3
    assert all(len(line) <= columns for line in lines)
    assert lines[2].startswith("poet()")


def test_no_color_is_respected(api: Emulator, tmp_path: Path) -> None:
    module = ("--module", tmp_path / "models.py")
    cli = CommandLine(api, TERM="xterm-256color", NO_COLOR="1")
    assert cli.call("models", "add", "acme/hello", *module).code == 0
    assert not re.search(r"\x1b\[[\d;]*3\dm", cli.call("models", "list", *module, is_terminal=True).out)


def test_bytes_are_not_written_to_a_terminal(cli: CommandLine) -> None:
    result = cli.call("run", "acme/painter", "prompt=a", "-o", "-", "-q", is_terminal=True)
    assert (result.code, result.out) == (1, "")
    assert "the output is image/png, which is not written to a terminal; the prediction has succeeded" in result.err


# Pictures


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-256color"}, None),
    ],
)
def test_a_terminal_says_which_protocol_it_has(environment: dict[str, str], protocol: str | None) -> None:
    assert find_protocol(environment) == protocol


def make_picture() -> Image.Image:
    picture = Image.new("RGB", (20, 15), "red")
    picture.paste("blue", (5, 5, 15, 10))
    return picture


def test_kitty_gets_a_png_in_chunks() -> None:
    text = encode(Image.effect_noise((100, 100), 50), "kitty")
    chunks = re.findall(r"\x1b_G(.*?)m=([01]);(.*?)\x1b\\", text)
    assert chunks[0][0] == "a=T,f=100,q=2,"
    assert [more for _, more, _ in chunks] == ["1"] * (len(chunks) - 1) + ["0"]
    assert all(len(data) <= 4096 for _, _, data in chunks)
    content = base64.b64decode("".join(data for _, _, data in chunks))
    assert Image.open(io.BytesIO(content)).size == (100, 100)


def test_iterm2_gets_a_png() -> None:
    match = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+):(.*)\a", encode(make_picture(), "iterm2"))
    assert match is not None
    content = base64.b64decode(match[2])
    assert len(content) == int(match[1])
    assert not ImageChops.difference(Image.open(io.BytesIO(content)).convert("RGB"), make_picture()).getbbox()


def decode_sixels(text: str) -> Image.Image:
    """Return the picture of a sixel sequence: https://vt100.net/docs/vt3xx-gp/chapter14.html"""
    match = re.fullmatch(r'\x1bPq"1;1;(\d+);(\d+)(.*)\x1b\\', text)
    assert match is not None
    picture = Image.new("RGB", (int(match[1]), int(match[2])))
    colors: dict[str, tuple[int, ...]] = {}
    color, x, top = (0, 0, 0), 0, 0
    for token in re.findall(r"#\d+;2;\d+;\d+;\d+|#\d+|!\d+.|\$|-", match[3]):
        if ";" in token:
            number, _, *levels = token[1:].split(";")
            colors[number] = tuple(255 * int(level) // 100 for level in levels)
        elif token[0] == "#":
            color = colors[token[1:]]
        elif token[0] == "!":
            for _ in range(int(token[1:-1])):
                for bit in range(6):
                    if (ord(token[-1]) - 63) >> bit & 1:
                        picture.putpixel((x, top + bit), color)
                x += 1
        else:
            x, top = 0, top + 6 * (token == "-")
    return picture


def test_sixels_are_the_picture() -> None:
    assert not ImageChops.difference(decode_sixels(encode(make_picture(), "sixel")), make_picture()).getbbox()


def test_show_writes_the_picture_after_the_url(api: Emulator) -> None:
    result = CommandLine(api, TERM="xterm-kitty").call(*PICTURE, "-q", is_terminal=True)
    assert result.code == 0
    assert re.fullmatch(r"http\S+\n\x1b_Ga=T,f=100.*\x1b\\\n", result.out, re.DOTALL)


def test_show_asks_the_terminal_for_sixels(cli: CommandLine) -> None:
    able = cli.run_on_terminal(*PICTURE, reply=("\x1b[c", "\x1b[?62;4;22c"))
    assert able.code == 0
    assert '\x1bPq"1;1;32;32' in able.out
    unable = cli.call(*PICTURE, is_terminal=True)
    assert unable.code == 0
    assert "this terminal shows no pictures" in unable.err
