"""The command line: finds the command, runs it, and reports what went wrong in one line.

A command's module is imported when the command runs: the help of a group needs only the table of the commands.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from .._version import __version__
from .commands import COMMANDS, DEFAULTS, GROUPS
from .context import CONTEXT_SETTINGS
from .termination import raise_terminated

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROG = "replicate-ext"
COMPLETE_VARIABLE = "_REPLICATE_EXT_COMPLETE"
"""Where the script of a shell says what to complete."""


class LazyGroup(click.Group):
    """The commands whose names in `COMMANDS` begin with a prefix; each is imported when it is needed.

    https://click.palletsprojects.com/en/stable/complex/#lazily-loading-subcommands
    """

    def __init__(self, prefix: str = "", **options: Any) -> None:
        super().__init__(context_settings=CONTEXT_SETTINGS, **options)
        self._prefix = prefix

    def _summaries(self) -> dict[str, str]:
        """Return the names of the commands, and what the help says of them."""
        found = {}
        for path, (_, summary) in COMMANDS.items():
            group, _, name = path.rpartition(" ")
            if group == self._prefix:
                found[name] = summary
            elif not self._prefix:
                found.setdefault(group, GROUPS[group])
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return [*self._summaries()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported from its module."""
        path = f"{self._prefix} {cmd_name}".lstrip()
        if path in GROUPS:
            return LazyGroup(path, name=cmd_name, help=GROUPS[path])
        if path not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[path][0].partition(":")
        command: click.Command = getattr(import_module(f".{module}", __package__), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names."""
        names = self._summaries()
        if args[0] not in names and not ctx.resilient_parsing:
            from difflib import get_close_matches

            close = get_close_matches(args[0], names, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"the commands are {', '.join(names)}"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command, or explain that a command is missing."""
        if self._prefix in DEFAULTS and args and args[0] not in {*self._summaries(), "-h", "--help"}:
            args = [DEFAULTS[self._prefix], *args]
        if self._prefix and not args and not ctx.resilient_parsing:
            raise click.UsageError(f"the command is missing: write one of {', '.join(self._summaries())}", ctx)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([*self._summaries().items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, without importing them, and the options; of a default command its first argument."""
        from click.shell_completion import CompletionItem

        named = [item for item in self._summaries().items() if item[0].startswith(incomplete)]
        items = [CompletionItem(name, help=summary) for name, summary in named]
        items += click.Command.shell_complete(self, ctx, incomplete)
        if default := self.get_command(ctx, DEFAULTS.get(self._prefix, "")):
            items += next(one for one in default.params if isinstance(one, click.Argument)).shell_complete(
                ctx, incomplete
            )
        return items


cli = LazyGroup(name=PROG, help="Run models on Replicate, and work with its API.", no_args_is_help=True)
cli = click.version_option(__version__, prog_name=PROG, message="%(prog)s %(version)s")(cli)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code."""
    arguments = sys.argv[1:] if argv is None else [*argv]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without UTF-8 must not lose a result
    try:
        with raise_terminated():
            code = _run(arguments)
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except (Exception, KeyboardInterrupt) as error:
        from .error_report import report  # and with it the errors of the package

        return report(error, debug="--debug" in arguments)


def _run(arguments: list[str]) -> int:
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, PROG, COMPLETE_VARIABLE, instruction)
    with cli.make_context(PROG, arguments) as context:
        return int(cli.invoke(context) or 0)
