"""Pictures in terminals that can show them: by the protocols of kitty and iTerm2, and as sixels."""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

    from .context import App

Protocol = Literal["kitty", "iterm2", "sixel"]

MAX_SIZE = (640, 480)
"""Pixels of a preview."""

MAX_SIXEL_SIZE, SIXEL_COLORS = (320, 240), 64
"""Of a preview in sixels, which is many times larger than a PNG."""

CHUNK_SIZE = 4096
"""Characters of an escape sequence of kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol/#remote-client"""

REPLY_TIMEOUT = 0.3
"""Seconds for a terminal to report what it is."""


def show(app: App, files: Iterable[Any]) -> None:
    """Show those files of an output that are pictures on the terminal."""
    protocol = find_protocol(os.environ) or ("sixel" if _has_sixels() else None)
    if protocol is None:
        app.output.note("this terminal shows no pictures, as far as it says (kitty, iTerm2 and sixel)")
        return
    from PIL import Image

    for file in files:
        content = io.BytesIO(file.read())
        try:
            picture = Image.open(content)
            picture.thumbnail(MAX_SIXEL_SIZE if protocol == "sixel" else MAX_SIZE)
        except (OSError, Image.DecompressionBombError):  # a sound or a video, or a broken picture
            continue
        app.output.bytes([encode(picture, protocol).encode(), b"\n"])


def find_protocol(environment: Mapping[str, str]) -> Protocol | None:
    """Return the protocol that the terminal says it has, unless tmux or screen is in between."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if term.startswith(("screen", "tmux")):
        return None
    if term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty" or "KITTY_WINDOW_ID" in environment:
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return None


def _has_sixels() -> bool:
    """Whether the terminal reports sixels among its attributes.

    https://vt100.net/docs/vt510-rm/DA1.html
    """
    try:
        import select
        import termios
        import tty
    except ImportError:  # Windows
        return False
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):  # stdin is no terminal
        return False
    reply = b""
    try:
        tty.setcbreak(descriptor)
        os.write(sys.stdout.fileno(), b"\x1b[c")
        while not reply.endswith(b"c") and select.select([descriptor], [], [], REPLY_TIMEOUT)[0]:
            reply += os.read(descriptor, 100)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    attributes = re.search(rb"\x1b\[\?([\d;]+)c", reply)
    return attributes is not None and b"4" in attributes[1].split(b";")


def encode(picture: Image, protocol: Protocol) -> str:
    """Return the escape sequences that show a picture."""
    if protocol == "sixel":
        return "".join(_encode_sixels(picture.convert("RGB").quantize(SIXEL_COLORS)))
    buffer = io.BytesIO()
    picture.convert("RGBA").save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    if protocol == "iterm2":  # https://iterm2.com/documentation-images.html
        return f"\x1b]1337;File=inline=1;size={len(buffer.getvalue())}:{text}\a"
    chunks = [text[start : start + CHUNK_SIZE] for start in range(0, len(text), CHUNK_SIZE)]
    control = "a=T,f=100,q=2,"  # transmit and display, a PNG, without a reply
    return "".join(
        f"\x1b_G{'' if index else control}m={int(index < len(chunks) - 1)};{chunk}\x1b\\"
        for index, chunk in enumerate(chunks)
    )


def _encode_sixels(picture: Image) -> Iterator[str]:
    """Yield a picture with a palette as sixels.

    https://vt100.net/docs/vt3xx-gp/chapter14.html
    """
    (width, height), pixels, palette = picture.size, picture.tobytes(), picture.getpalette() or []
    yield f'\x1bPq"1;1;{width};{height}'
    for color in sorted(set(pixels)):
        red, green, blue = (100 * value // 255 for value in palette[3 * color : 3 * color + 3])
        yield f"#{color};2;{red};{green};{blue}"
    for top in range(0, height, 6):
        rows = [pixels[start : start + width] for start in range(top * width, min(top + 6, height) * width, width)]
        for color in set(b"".join(rows)):
            columns = zip(*rows, strict=True)
            codes = (63 + sum((pixel == color) << bit for bit, pixel in enumerate(column)) for column in columns)
            yield f"#{color}" + "".join(f"!{len([*run])}{chr(code)}" for code, run in groupby(codes)) + "$"
        yield "-"
    yield "\x1b\\"
