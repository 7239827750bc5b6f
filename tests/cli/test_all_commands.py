"""Every command on a pseudo-terminal and on a pipe: its exit code, no traceback, and no control sequences on the pipe.

One process runs all command lines of a kind, one after another against one emulator.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import CommandLine, Result, plain

from replicate_ext import Replicate
from replicate_ext._cli.commands import COMMANDS
from replicate_ext.emulator import Emulator
from replicate_ext.webhooks import sign

TESTS = Path(__file__).parent
ENDLESS = {
    "emulator": "test_emulator_alias.py::test_it_serves_the_api_until_a_signal",
    "webhooks listen": "test_webhooks_command.py::test_listen_prints_the_deliveries_of_the_emulator_until_ctrl_c",
}
"""The commands that end only by a signal, and the tests that run them."""

CODES = {"deployments delete": 3}
"""The exit codes that are not 0: the API deletes only what has been offline for 15 minutes."""

DRIVER = r"""
import json, sys
from replicate_ext._cli.main import main
for number, words in enumerate(json.load(open(sys.argv[1]))):
    print(f"=== {number}", flush=True)
    code = main(words)
    sys.stderr.flush()
    print(f"\n=== {number} exits {code}", flush=True)
"""


class Driver(CommandLine):
    """Runs the command lines of a file in one process."""

    command = [sys.executable, "-c", DRIVER]


def echo(text: str) -> str:
    """Return the text."""
    return text


def train(text: str) -> Callable[..., str]:
    """Return the same model."""
    return echo


def command_lines(api: Emulator, folder: Path) -> dict[str, str]:
    """Return a command line for each command, by its path; what they name is created here."""
    with Replicate(api.token, base_url=api.url) as client:
        done = client.wait(client.submit("acme/painter", {"prompt": "sea", "width": 16, "height": 16})).id
        running = client.submit("acme/sleeper", {"seconds": 600}).id
        file, spare = (client.files.create(content=content) for content in (b"kept", b"spare"))
        secret = client.webhooks.default.secret.get().key
        version = client.models.get("acme/base").latest_version
        assert version is not None
        trainings = [
            client.trainings.create("acme", "base", version.id, destination="acme/mine", input={"text": "a"}).id
            for _ in range(2)
        ]
    body = folder / "body.json"
    body.write_bytes(b'{"id": "p1", "status": "succeeded", "model": "acme/hello", "urls": {}}')
    (folder / "rows.jsonl").write_text('{"text": "Ada"}\n{"text": "Eve"}\n')
    headers = " ".join(f"--header '{name}: {value}'" for name, value in sign(body.read_bytes(), secret).items())
    return {
        "run": "acme/hello text=Ada",
        "stream": "acme/poet prompt=sea",
        "submit": "acme/hello text=Ada",
        "wait": f"{done} -o pictures/",
        "map run": "acme/hello rows.jsonl -o batch",
        "map resume": "batch",
        "map retry": "batch",
        "map status": "batch",
        "map report": "batch",
        "map export": "batch rows.csv",
        "map cancel": "batch",
        "predictions list": "--limit 5",
        "predictions show": done,
        "predictions watch": done,
        "predictions cancel": running,
        "predictions save": f"{done} -o saved/",
        "models search": "poem",
        "models show": "acme/poet",
        "models schema": "acme/painter",
        "models versions": "acme/poet",
        "models add": "acme/poet --module models.py",
        "models update": "--all --module models.py",
        "models check": "--module models.py",
        "models list": "--module models.py",
        "models generate": "--module models.py",
        "trainings list": "",
        "trainings show": trainings[0],
        "trainings create": f"acme/base:{version.id} --destination acme/mine text=a",
        "trainings watch": trainings[0],
        "trainings cancel": trainings[1],
        "deployments list": "",
        "deployments show": "acme/front-desk",
        "deployments create": "mine acme/poet --hardware cpu",
        "deployments update": "acme/front-desk --max-instances 5",
        "deployments delete": "acme/front-desk",
        "files put": "rows.jsonl",
        "files list": "",
        "files get": file.id,
        "files download": f"'{api.download_url(file.id)}' -o content.bin",
        "files delete": f"{spare.id} --yes",
        "collections": "",
        "hardware": "",
        "account": "",
        "webhooks secret": "",
        "webhooks verify": f"body.json {headers}",
        "api": "GET /account",
        "login": "",
        "logout": "",
        "whoami": "",
        "completion": "bash",
    }


def run_all(lines: dict[str, str], api: Emulator, folder: Path, *, on_terminal: bool) -> tuple[Result, dict[str, int]]:
    """Run all command lines in one process; return its result, and the exit code of each command."""
    file = folder / "lines.json"
    file.write_text(json.dumps([[*path.split(), *shlex.split(rest)] for path, rest in lines.items()]))
    driver = Driver(api, XDG_CONFIG_HOME=str(folder / "config"), XDG_CACHE_HOME=str(folder / "cache"), TERM="xterm")
    if on_terminal:
        result = driver.run_on_terminal(file, reply=("(not shown): ", f"{api.token}\n"))
    else:
        result = driver.run(file, stdin=api.token.encode())
    codes = re.findall(r"^=== (\d+) exits (\d+)$", plain(result.out), re.MULTILINE)
    return result, {[*lines][int(number)]: int(code) for number, code in codes}


@pytest.mark.parametrize(
    "on_terminal",
    [
        pytest.param(True, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")),
        False,
    ],
    ids=["terminal", "pipe"],
)
def test_every_command_ends_as_it_should(on_terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Emulator() as api:
        api.model("acme/base", train=train)(echo)
        api.model("acme/mine")(echo)
        lines = command_lines(api, tmp_path)
        assert [path for path in COMMANDS if path not in ENDLESS] == [*lines]
        result, codes = run_all(lines, api, tmp_path, on_terminal=on_terminal)
    assert codes == {path: CODES.get(path, 0) for path in lines}, result
    assert result.code == 0
    assert "Traceback" not in result.out + result.err
    if on_terminal:
        assert "\x1b[" in result.out  # it is seen as a terminal
    else:
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", result.out.replace("\r\n", "\n") + result.err)


@pytest.mark.parametrize("test", ENDLESS.values())
def test_a_command_without_an_end_has_a_test_of_its_own(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")
