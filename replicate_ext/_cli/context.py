"""What every command has: its options, the client, and the output."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from .._client import Replicate
    from .output import Output

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Of all commands and groups."""


class App:
    """What a command works with; the first argument of its function."""

    def __init__(self, *, base_url: str | None = None, output: Output) -> None:
        self.base_url = base_url
        self.output = output

    @cached_property
    def client(self) -> Replicate:
        """The client, with the token of the environment or of `replicate-ext login`; closed after the command."""
        from .._client import Replicate
        from .credentials import require_token

        return Replicate(require_token(self.base_url), base_url=self.base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if "client" not in vars(self):
            return
        self.client.close()
        from ..errors import AuthenticationError

        if isinstance(error, AuthenticationError):
            from .credentials import TOKENS_PAGE, require_credential

            error.add_note(f"the token comes from {require_credential(self.base_url).source}; {TOKENS_PAGE}")


OPTIONS = (
    click.Option(["--json"], is_flag=True, help="Print JSON: one object or, of a list, one array."),
    click.Option(["--jsonl"], is_flag=True, help="Print JSON: one object a line, as they arrive."),
    click.Option(["-q", "--quiet"], is_flag=True, help="Print ids or paths only, one a line."),
    click.Option(["--base-url"], metavar="URL", help="Another server; default: $REPLICATE_BASE_URL, else Replicate's."),
    click.Option(["--debug"], is_flag=True, help="Show the traceback of an error."),
)
"""The options that every command has, unless it declares another one of that name."""


class Command(click.Command):
    """A command with the common options, whose function gets an `App`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        own = {parameter.name for parameter in self.params}
        self._common = [option for option in OPTIONS if option.name not in own]
        self.params += self._common

    def invoke(self, ctx: click.Context) -> Any:
        """Run the function of the command."""
        common = {option.name: ctx.params.pop(option.name) for option in self._common if option.name}
        from .output import Output  # not needed for `--help`

        output = Output(
            as_json=common.get("json", False), as_lines=common.get("jsonl", False), quiet=common.get("quiet", False)
        )
        with App(base_url=common.get("base_url"), output=output) as app:
            ctx.params["app"] = app
            return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each in a line of its own."""
        if self.epilog:
            with formatter.section("Examples"):
                formatter.write(
                    "".join(f"{' ' * formatter.current_indent}{line}\n" for line in self.epilog.splitlines())
                )


def command(*examples: str, name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Turn a function into a command; its docstring is the help, and what it returns the exit code (None is 0).

    Args:
        examples: At least two, without the name of the program, with models of the emulator.
        name: The name of the command, if it is not that of the function.
    """
    lines = "\n".join(f"replicate-ext {example}" for example in examples)
    return click.command(name, cls=Command, epilog=lines, context_settings=CONTEXT_SETTINGS)
