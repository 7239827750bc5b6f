"""The command `replicate-emulator`."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from replicate_ext import InvalidRequestError, Replicate
from replicate_ext.emulator import TOKEN

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


def test_command_serves_models_from_a_file(tmp_path) -> None:
    (tmp_path / "my_models.py").write_text(MODELS)
    command = [sys.executable, "-m", "replicate_ext.emulator", "--port", "0", str(tmp_path / "my_models.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = ""
        while not url.startswith("export REPLICATE_BASE_URL="):
            url = process.stdout.readline()
        with Replicate(TOKEN, base_url=url.strip().partition("=")[2]) as client:
            input = {"files": [b"abc", b"defgh"], "mood": "bad"}
            assert client.run("me/size", input) == {"sizes": [3, 5], "mood": "bad", "note": None}
            assert client.run("me/copy", {"file": b"abc"}).read() == b"abc"
            with pytest.raises(InvalidRequestError, match='one of the following: "good", "bad"'):
                client.run("me/size", {"files": [], "mood": "odd"})
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_its_url_and_stops_on_a_signal(number) -> None:
    command = [sys.executable, "-m", "replicate_ext.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = ""
        while not url.startswith("export REPLICATE_BASE_URL="):
            url = process.stdout.readline()
        token = process.stdout.readline().strip().partition("=")[2]
        with Replicate(token, base_url=url.strip().partition("=")[2]) as client:
            assert client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""
