"""`replicate-ext webhooks`: the signing secret, and deliveries that are verified with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .context import App, command
from .output import cell

if TYPE_CHECKING:
    from .webhook_receiver import Verify

FIELDS = ("id", "status", "model")
DETAILS = "id status model created_at completed_at error"
SECRET_VARIABLE = "REPLICATE_WEBHOOK_SECRET"
TOLERANCE = 300.0
"""Seconds by which a timestamp may differ from the clock; the default of `webhooks.verify`."""

tolerance = click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=TOLERANCE,
    show_default=True,
    metavar="SECONDS",
    help="How old a delivery may be.",
)


@command("webhooks secret", "webhooks secret --json")
def secret(app: App) -> None:
    """Print the secret that signs your webhooks.

    Keep it like a token: who has it can forge deliveries.
    """
    found = app.client.webhooks.default.secret.get()
    if app.output.is_json:
        app.output.record(found)
    else:
        app.output.line(found.key)


def _parse_header(context: click.Context, parameter: click.Parameter, lines: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [tuple(part.strip() for part in line.partition(":")[::2]) for line in lines]
    for line, pair in zip(lines, pairs, strict=True):
        if not all(pair):
            raise click.BadParameter(f"{line!r} is not a header: write 'name: value'", context)
    return pairs  # type: ignore[return-value]


@command(
    "webhooks verify body.json --header 'webhook-id: msg_1' --header 'webhook-timestamp: 1700000000' "
    "--header 'webhook-signature: v1,c2ln'",
    "webhooks verify --id msg_1 --timestamp 1700000000 --signature v1,c2ln < body.json",
)
@click.argument("file", default="-")
@click.option(
    "--header", "headers", multiple=True, callback=_parse_header, metavar="LINE", help="A header of it: 'name: value'."
)
@click.option("--id", "message_id", metavar="TEXT", help="Its header webhook-id.")
@click.option("--timestamp", metavar="SECONDS", help="Its header webhook-timestamp.")
@click.option("--signature", metavar="TEXT", help="Its header webhook-signature.")
@tolerance
def verify(app: App, file: str, headers: list[tuple[str, str]], tolerance: float, **named: str | None) -> None:
    """Verify that a delivery is from Replicate, and print it.

    FILE is the body as it arrived, byte for byte; - is standard input. The secret is that of the account, or
    $REPLICATE_WEBHOOK_SECRET. Exits with 1 if the delivery is not authentic.
    """
    names = {"message_id": "webhook-id", "timestamp": "webhook-timestamp", "signature": "webhook-signature"}
    headers += [(names[name], value) for name, value in named.items() if value is not None]
    body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    app.output.record(_verifier(app, tolerance)(body, headers), DETAILS)


@command("webhooks listen --port 9000", "webhooks listen --port 9000 --path /replicate --jsonl")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port to listen on; default: a free one."
)
@click.option("--path", default="/", show_default=True, metavar="PATH", help="Path of the URL; others are not found.")
@tolerance
def listen(app: App, port: int, path: str, tolerance: float) -> None:
    """Receive webhooks on this machine, verify and print them.

    It listens on 127.0.0.1 only. The emulator reaches it there: run a model with the URL that is printed as its
    webhook. Replicate reaches it through a tunnel, such as `cloudflared tunnel --url http://127.0.0.1:9000` or
    `ngrok http 9000`: the webhook is then the public URL of the tunnel, with --path. The secret is that of the account,
    or $REPLICATE_WEBHOOK_SECRET. --json prints a delivery a line, like --jsonl. Ctrl-C stops it, with exit code 130.
    """
    from .webhook_receiver import WebhookReceiver

    if not path.startswith("/"):
        raise click.UsageError(f"--path begins with a slash: write --path /{path}")
    verify = _verifier(app, tolerance)
    with WebhookReceiver(port, path, verify) as receiver:
        app.output.note(f"listening on {receiver.url} (Ctrl-C stops it)")
        for delivery in receiver:
            if isinstance(delivery, str):
                app.output.note(delivery)
            elif app.output.is_json:
                app.output.record(delivery)
            else:
                names = FIELDS[: 1 if app.output.quiet else None]
                app.output.line("\t".join(cell(delivery.to_dict(), name) for name in names))


def _verifier(app: App, tolerance: float) -> Verify:
    """Return a function that verifies a delivery with the secret of the environment, else with that of the account."""
    from .._webhook_signatures import sign, verify

    secret = os.environ.get(SECRET_VARIABLE)
    if not secret:
        client = app.client
        client.webhooks.default.secret.get()  # a wrong token is reported now, not at the first delivery
        return lambda body, headers: client.webhooks.verify(body, headers, tolerance=tolerance)
    try:
        sign(b"", secret)
    except ValueError as error:
        raise ValueError(f"{SECRET_VARIABLE}: {error}") from None
    return lambda body, headers: verify(body, headers, secret, tolerance)
