"""`completion`: the scripts with which shells complete commands, options, models and inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .context import App, command

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete


@command("completion bash", "completion fish > ~/.config/fish/completions/replicate-ext.fish")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(app: App, shell: str) -> None:
    """Print the script that completes commands in a shell.

    It completes commands, options, the models that have run or are in a lock of the current folder, and the names of
    their inputs, all without a request. The models of a server on this machine, such as the emulator, are remembered
    only by a lock.

    In ~/.bashrc write `source <(replicate-ext completion bash)`; in ~/.zshrc, after compinit, the same with zsh.
    """
    from .main import COMPLETE_VARIABLE, PROG, cli

    script = _completion_class(shell)(cli, {}, PROG, COMPLETE_VARIABLE).source()
    if app.output.is_json:
        app.output.json({"shell": shell, "script": script})
    else:
        app.output.text(script)


def _completion_class(shell: str) -> type[ShellComplete]:
    """Return click's class for a shell, with a script that adds no space after `prompt=`; that of fish adds none."""
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    class Bash(BashComplete):
        source_template = BashComplete.source_template.replace(
            "COMPREPLY+=($value)", 'COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace'
        )

    class Zsh(ZshComplete):
        source_template = ZshComplete.source_template.replace(
            "_describe -V unsorted completions_with_descriptions -U",
            "local -a suffix; [[ $key == *= ]] && suffix=(-S '')\n"
            '        _describe -V unsorted completions_with_descriptions -U "${suffix[@]}"',
        )

    return {"bash": Bash, "zsh": Zsh, "fish": FishComplete}[shell]
