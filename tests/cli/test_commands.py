"""What all commands have in common: the table, help, examples, and what a start imports."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from cli_process import COMMAND

from replicate_ext._cli.commands import COMMANDS, DEFAULTS, GROUPS
from replicate_ext._cli.context import OPTIONS, Command
from replicate_ext._cli.main import cli


def find(path: str) -> Command:
    """Return a command by its names."""
    command: click.Command | None = cli
    for name in path.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert isinstance(command, Command)
    return command


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_is_where_the_table_says_and_has_two_examples(path: str) -> None:
    command = find(path)
    assert command.name == path.split()[-1]
    assert (command.help or "").splitlines()[0] == COMMANDS[path][1]
    examples = (command.epilog or "").splitlines()
    assert len(examples) >= 2
    short = path.removesuffix(f" {DEFAULTS.get(path.partition(' ')[0])}")
    assert all(f"{example} ".startswith(f"replicate-ext {short} ") for example in examples)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_has_the_common_options(path: str) -> None:
    assert {option.name for option in OPTIONS} <= {parameter.name for parameter in find(path).params}


def test_every_group_has_commands() -> None:
    assert {path.partition(" ")[0] for path in COMMANDS if " " in path} == GROUPS.keys()


@pytest.mark.parametrize("arguments", [["--help"], ["models", "--help"], ["run", "--help"]])
def test_help_loads_nothing_of_the_http_stack(arguments: list[str]) -> None:
    code = f"import sys; from replicate_ext.__main__ import main; main({arguments}); print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = process.stdout.splitlines()[-1].split()
    assert not {"httpx", "ssl", "asyncio", "attr", "rich", "replicate_api.types"} & {*loaded}
    if arguments != ["run", "--help"]:
        assert not {name for name in loaded if name.startswith("replicate_ext._cli.run")}


def test_a_missing_extra_is_one_line_with_the_command_that_installs_it() -> None:
    code = "import sys; sys.modules['click'] = None; from replicate_ext.__main__ import main; sys.exit(main([]))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 2
    assert process.stderr == "replicate-ext: the command line needs click: pip install 'replicate-ext[cli]'\n"


def test_python_m_replicate_ext_is_the_same_command() -> None:
    process = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True)
    assert process.stdout.startswith("replicate-ext 0.")
