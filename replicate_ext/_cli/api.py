"""`replicate-ext api`: any request to the API, also for what has no command of its own."""

from __future__ import annotations

import sys
from json import dumps, loads
from pathlib import Path
from typing import Any

import click

from .._sansio.redact import hide_tokens
from ..errors import APIStatusError
from .context import App, command
from .inputs import InputArguments
from .output import Output

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY")
WITHOUT_BODY = ("GET", "HEAD")


def _check_method(context: click.Context, parameter: click.Parameter, method: str) -> str:
    if method.upper() not in METHODS:
        raise click.UsageError(f"the API has no method {method!r}: write one of {', '.join(METHODS)}", context)
    return method.upper()


def _read(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Return the text of an option that may name a file, or standard input."""
    if text is None or not (text == "-" or text.startswith("@")):
        return text
    raw = sys.stdin.buffer.read() if text in ("-", "@-") else Path(text[1:]).read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{text} is not UTF-8 text", context) from None


def _parse_json(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    source = _read(context, parameter, text)
    if source is None:
        return None
    try:
        return loads(source)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{text!r:.60} is not JSON: {error}", context) from None


@command(
    "api GET '/predictions?created_after=2025-01-01T00:00:00Z'",
    "api PATCH /deployments/acme/front-desk max_instances:=2",
    """api POST /models/acme/hello/predictions --json '{"input": {"text": "Ada"}}'""",
    "api QUERY /models --text poet",
)
@click.argument("method", callback=_check_method)
@click.argument("path")
@click.argument("fields", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--json", "json", callback=_parse_json, metavar="BODY", help="A JSON body: itself, @file, or - for standard input."
)
@click.option("--text", callback=_read, metavar="BODY", help="A body of plain text: itself, @file, or -.")
def api(app: App, method: str, path: str, fields: tuple[str, ...], json: Any, text: str | None) -> None:
    """Send any request to the API, and print the body of the response.

    PATH is what follows /v1 in the URL, with its query. NAME=VALUE is a field of a JSON body, a string, and NAME:=VALUE
    one that is JSON; with a file, NAME=@PATH, the body is multipart. The response is printed whatever -q says: JSON in
    one line (with --jsonl, an array has an item in each), text or bytes as they are. The problem document of an error
    goes to stderr.
    """
    body = _body(fields, json, text)
    if body and method in WITHOUT_BODY:
        raise click.UsageError(
            f"a {method} request has no body: write the query in the path, '{path.partition('?')[0]}?name=…'"
        )
    try:
        _print(app.output, app.client.request(method, path, **body))
    except APIStatusError as error:
        if error.problem:
            app.output.note(hide_tokens(dumps(error.problem)))
        raise


def _body(fields: tuple[str, ...], value: Any, text: str | None) -> dict[str, Any]:
    """Return the arguments of `client.request` for the body."""
    if sum([bool(fields), value is not None, text is not None]) > 1:
        raise click.UsageError("--json and --text are the whole body: write only one of them, and no fields with it")
    if text is not None:
        return {"content": text, "headers": {"Content-Type": "text/plain; charset=utf-8"}}
    if value is not None:
        return {"json": value}
    form = InputArguments.read(fields).convert(None)
    if any(isinstance(part, Path | bytes) for part in form.values()):
        return {"files": {name: _to_part(part) for name, part in form.items()}}
    return {"json": form} if form else {}


def _to_part(value: Any) -> Any:
    if not isinstance(value, Path):
        return value
    from replicate_api.types import Upload

    return Upload(value.read_bytes(), value.name)


def _print(output: Output, value: Any) -> None:
    match value:
        case None:
            return
        case bytes():
            if output.is_terminal:
                raise ValueError("the response is binary, which is not written to a terminal: redirect it to a file")
            output.bytes([value])
        case str():
            output.text(value)
            if output.is_terminal:
                output.end_line()
        case [*items] if output.is_lines:
            output.records(items, "")
        case _:
            output.json(value)
