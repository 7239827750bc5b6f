"""The examples of all commands: each is one that the command understands, and most run on the emulator."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import CommandLine, emulator_fixture
from test_commands import find

import command_line_docs
from replicate_ext import Replicate
from replicate_ext._batch.journal import FILE_NAME
from replicate_ext._cli.commands import COMMANDS
from replicate_ext._cli.context import Command
from replicate_ext._cli.main import main
from replicate_ext.emulator import Emulator

ROOT = Path(__file__).parents[2]
EXAMPLES = {path: (find(path).epilog or "").splitlines() for path in COMMANDS}
ID = "ufawqhfynnddngldkgtslldrkq"
"""The id of a prediction in all examples."""

RUNNING = {
    "run": ["acme/hello", "acme/painter"],
    "stream": ["acme/poet"],
    "wait": [ID],
    "predictions list": [""],
    "predictions show": [""],
    "predictions watch": [""],
    "predictions cancel": [""],
    "predictions save": [""],
    "trainings list": [""],
    "files list": [""],
    "models search": [""],
    "models show": [""],
    "models schema": [""],
    "models versions": [""],
    "deployments list": [""],
    "deployments show": [""],
    "deployments create": [""],
    "deployments update": [""],
    "collections": [""],
    "hardware": [""],
    "account": [""],
    "webhooks secret": [""],
    "models add": ["models.py"],
    "models list": ["models.py"],
    "models check": ["models.py"],
    "models generate": ["models.py"],
    "whoami": [""],
    "login": ["<"],
    "logout": [""],
    "completion": [""],
}
"""The commands whose examples run here, and what an example has to contain; the tests of the others run theirs."""


def words(example: str) -> tuple[list[str], str | None]:
    """Return the arguments of an example, and the file that it reads as standard input."""
    parts = shlex.split(re.sub(r"\$\(.*?\)", ID, example), comments=True)[1:]
    arguments = [*itertools.takewhile(lambda word: word not in ("|", "<", ">"), parts)]
    return arguments, parts[parts.index("<") + 1] if "<" in parts else None


@pytest.fixture
def parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of commands that are parsed from now on, instead of being run."""
    parsed: list[str] = []
    monkeypatch.setattr(Command, "invoke", lambda self, context: parsed.append(context.command_path))
    monkeypatch.chdir(tmp_path)
    return parsed


@pytest.mark.parametrize("example", [*itertools.chain(*EXAMPLES.values())])
def test_an_example_is_understood(example: str, parsed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments, _ = words(example)
    for argument in arguments:
        create_file(argument.rpartition("@")[2])
    assert main(arguments) == 0, capsys.readouterr().err
    assert example in EXAMPLES[parsed[0].removeprefix("replicate-ext ")]


def create_file(name: str) -> None:
    """Create the file or the batch that an example reads, if the word may be its name."""
    if name.startswith("runs/"):
        Path(name).mkdir(parents=True)
        (Path(name) / FILE_NAME).touch()
    elif name.rpartition(".")[2] in ("png", "json", "jsonl", "csv", "txt") and "/" not in name:
        Path(name).write_text("{}")


api = emulator_fixture()


@pytest.mark.parametrize("path", [path for path in RUNNING if path in COMMANDS])
def test_the_examples_of_a_command_run(
    api: Emulator, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli = CommandLine(api, XDG_CONFIG_HOME=str(tmp_path))
    with Replicate(api.token, base_url=api.url) as client:
        id = client.wait(client.submit("acme/painter", {"prompt": "sea", "width": 16, "height": 16})).id
    if path.startswith("models ") and path != "models add":
        assert cli.call("models", "add", "acme/poet", "--module", "models.py").code == 0
    (tmp_path / "token.txt").write_text(api.token)
    examples = [example for example in EXAMPLES[path] if any(part in example for part in RUNNING[path])]
    assert examples
    for example in examples:
        arguments, stdin = words(example.replace(ID, id))
        result = cli.call(*arguments, stdin=Path(stdin).read_bytes() if stdin else b"")
        assert result.code == 0, result.err


def test_the_help_of_no_command_loads_the_http_stack() -> None:
    code = f"""
import sys
from replicate_ext.__main__ import main
assert not any(main([*path.split(), "--help"]) for path in {[*COMMANDS]})
print(*sys.modules)
"""
    process = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = {*process.stdout.splitlines()[-1].split()}
    assert not {"httpx", "ssl", "asyncio", "attr", "rich", "replicate_api.types"} & loaded


def test_the_page_of_the_command_line_is_up_to_date() -> None:
    assert command_line_docs.PATH.read_text(encoding="utf-8") == command_line_docs.render(), "run `make generate`"


def test_every_exit_code_is_on_the_page() -> None:
    codes = {code for code, _ in command_line_docs._exit_codes()}
    assert codes == {"0", "1", "2", "3", "4", "5", "124", "130", "141", "143"}


GO_COMMANDS = """
auth login · run · stream · train · scaffold · completion · account · account current · hardware list
model create · model list · model run · model schema · model show
prediction create · prediction list · prediction show · training create · training list · training show
deployment create · deployment list · deployment schema · deployment show · deployment update
"""
"""Of Replicate's command `replicate`: https://github.com/replicate/cli/tree/main/internal/cmd."""

PAGE = (ROOT / "docs/migrating/go-cli.md").read_text(encoding="utf-8")
OUR_COMMANDS = re.findall(r"`(replicate-ext [^`]+)`", PAGE)


def test_the_page_on_the_go_tool_has_each_of_its_commands() -> None:
    rows = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`replicate ([a-z ]+[a-z])(?=[ `])", row)}
    assert {*re.split(r" · |\n", GO_COMMANDS.strip())} == named


@pytest.mark.parametrize("command", OUR_COMMANDS)
def test_the_page_on_the_go_tool_has_commands_that_are_understood(
    command: str, parsed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(command.replace("MODEL", "acme/poet"))[0]) == 0, capsys.readouterr().err
    assert parsed
