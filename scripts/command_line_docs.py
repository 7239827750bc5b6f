"""Write docs/reference/command-line.md: its introduction from this file, everything else from the commands.

python scripts/command_line_docs.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import click

from replicate_ext._cli import exit_codes
from replicate_ext._cli.commands import COMMANDS, GROUPS
from replicate_ext._cli.context import OPTIONS, Command
from replicate_ext._cli.main import PROG, cli

PATH = Path(__file__).parents[1] / "docs/reference/command-line.md"

INTRODUCTION = """\
---
description: Every command of replicate-ext with its options, what it prints as JSON, and the exit codes.
---

# Command line

All commands of `replicate-ext`, from the extra `cli`; `python -m replicate_ext` is the same. The
[guide](../guides/command-line.md) shows how they work together. The examples name models of the
[emulator](../guides/emulator.md), where they run for free.

```sh
replicate-ext run acme/hello text=Ada
```

```text
Hello, Ada!
```

## Inputs

| written | sent |
|---|---|
| `prompt=text` | the text, in the type of the model's schema: a number, a boolean or, for lists and objects, JSON |
| `seed:=42` | JSON |
| `image=@cat.png` | the content of a file |
| `image=@-` | standard input |
| `handle=@@ada` | the text `@ada` |
| `tag=a tag=b` | a list, if the model takes one |
| `--input input.json` | a JSON object with inputs; `-` is standard input, and `name=value` wins |

A name that the model does not have is refused, with the one that was probably meant.

## Output

The result is on stdout, and everything else on stderr. On a terminal, lists are tables, and the status, the last line
of the log and the progress are shown while a prediction runs. On a pipe, lists have one line for each object and tabs
between the fields; there are no colors and no bars. `NO_COLOR` turns colors off on a terminal too.
"""

JSON = """\
## JSON

Objects of the API are printed with `--json` as the API sends them (fields:
[Replicate's reference](https://replicate.com/docs/reference/http)), in one line. A list is one array with `--json`,
and one object a line with `--jsonl`, each as soon as it has arrived. Of several ids the result is a list, of one id an
object. A failed prediction is printed too, before the command exits with 1. `-q` prints the first field alone: ids,
names or paths. The section of each command says what its JSON is.
"""

JOB = "the prediction"
REPORT = "the report of the [batch](../guides/batches.md)"
CHANGES = "an array of `{model, change, breaks}`"
JSON_RESULTS = {
    "run": f"{JOB}; with `-o` and its paths as `saved`",
    "stream": f"{JOB} after the last event; with `--jsonl` the events `{{event, data, id}}`",
    "submit": JOB,
    "wait": f"{JOB}; with `-o` and its paths as `saved`",
    "map run": f"{REPORT}; with `--jsonl` the rows: `{{index, key, status, prediction_id, output, error, paths}}`",
    "map resume": f"{REPORT}; with `--jsonl` the rows, like `map`",
    "map retry": f"{REPORT}; with `--jsonl` the rows, like `map`",
    "map status": "`{rows, done, failed, uncertain, finished, in_flight, saving, creates, cost, rate, eta, failures, "
    "note}`",
    "map report": REPORT,
    "map export": "an array with `{path}`",
    "map cancel": REPORT,
    "predictions list": "an array of predictions",
    "predictions show": JOB,
    "predictions watch": f"{JOB}; with `-o` and its paths as `saved`",
    "predictions cancel": JOB,
    "predictions save": f"{JOB}, and its paths as `saved`",
    "models search": "an array of models",
    "models show": "the model",
    "models schema": "a JSON Schema of the inputs",
    "models versions": "an array of versions",
    "models add": "an array of `{function, model, version, replaced}`",
    "models update": CHANGES,
    "models check": CHANGES,
    "models list": "an array of `{function, ref, kind, version, date, description}`",
    "models generate": "nothing",
    "trainings list": "an array of trainings",
    "trainings show": "the training",
    "trainings create": "the training",
    "trainings watch": "the training",
    "trainings cancel": "the training",
    "deployments list": "an array of deployments",
    "deployments show": "the deployment",
    "deployments create": "the deployment",
    "deployments update": "the deployment",
    "deployments delete": "an array with `{deployment, deleted}`",
    "files put": "the file",
    "files list": "an array of files",
    "files get": "the file",
    "files download": "with `-o`: `{id, saved}`",
    "files delete": "`{id, deleted}`",
    "collections": "an array of collections; with SLUG the collection",
    "hardware": "an array of `{sku, name}`",
    "account": "the account",
    "webhooks secret": "`{key}`",
    "webhooks verify": "the prediction or training that was delivered",
    "webhooks listen": "the predictions and trainings that are delivered, one a line",
    "api": "the body of the response; `--json` has another meaning here",
    "login": "the account, and `token_source`: `keyring`, or the path of the file",
    "logout": "an array of `{deleted_from}`",
    "whoami": "the account, and `token_source`: `REPLICATE_API_TOKEN`, `keyring`, or the path of the file",
    "emulator": "`{base_url, token, ca_file}`",
    "completion": "`{shell, script}`",
}
"""What each command prints with `--json`."""

ENVIRONMENT = """\
## Environment variables and files

The token is in `REPLICATE_API_TOKEN`, or stored by `replicate-ext login`. [Settings](settings.md#environment-variables)
has all variables, and the files that are written.
"""


def render() -> str:
    """Return the text of the page."""
    sections = [
        INTRODUCTION,
        JSON,
        f"## Exit codes\n\n{_table(['code', 'meaning'], _exit_codes())}",
        ENVIRONMENT,
        f"## Options of every command\n\n{_table(['option', 'meaning'], map(_option, OPTIONS))}",
        "## Commands\n",
        *_commands(),
    ]
    return "\n".join(sections)


def _exit_codes() -> Iterator[tuple[str, str]]:
    """Yield the constants of `exit_codes`, and their docstrings."""
    statements = ast.parse(inspect.getsource(exit_codes)).body
    for statement, docstring in pairwise(statements):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            text = docstring.value.value if isinstance(docstring, ast.Expr) else "Success."  # type: ignore[attr-defined]
            yield str(statement.value.value), " ".join(text.split())


def _commands() -> Iterator[str]:
    context = click.Context(cli, info_name=PROG)
    group = ""
    for path in COMMANDS:
        name, _, rest = path.partition(" ")
        if rest and name != group:
            yield f"### {name}\n\n{GROUPS[name]}\n"
        group = name if rest else ""
        yield _command(path, context)


def _command(path: str, context: click.Context) -> str:
    command: click.Command = cli
    for name in path.split():
        assert isinstance(command, click.Group)
        command = command.get_command(context, name) or command
        context = click.Context(command, parent=context, info_name=name)
    assert isinstance(command, Command)
    options = [option for option in command.params if isinstance(option, click.Option) and option not in OPTIONS]
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context))).rstrip()
    parts = [
        f"{'####' if ' ' in path else '###'} {path}",
        inspect.cleandoc(command.help or ""),
        f"```text\n{usage}\n```",
        *([_table(["option", "meaning"], map(_option, options)).rstrip()] if options else []),
        f"`--json` prints: {JSON_RESULTS[path]}.",
        f"```shell\n{command.epilog}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _option(option: click.Option) -> tuple[str, str]:
    record = option.get_help_record(click.Context(cli))
    assert record is not None
    return f"`{record[0].replace('|', ' / ')}`", record[1]  # in code, Python-Markdown shows the backslash of `\|`


def _table(titles: list[str], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [[text.replace("|", "\\|") for text in row] for row in rows]
    head = f"| {' | '.join(titles)} |\n" + "|---" * len(titles) + "|\n"
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Write the page, or with --check return 1 if it would change."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page would change")
    if not parser.parse_args().check:
        PATH.write_text(render(), encoding="utf-8")
        return 0
    if PATH.read_text(encoding="utf-8") == render():
        return 0
    print("docs/reference/command-line.md is not up to date, run `make generate`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
