"""`login`, `logout` and `whoami`: a token that is stored for all commands, so that no shell needs to export it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from .context import App, command

TOKENS_PAGE = "https://replicate.com/account/api-tokens"


def _refuse(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    if value:  # do not repeat it: it may be a token
        raise click.UsageError(
            "login takes no arguments, since other users can see them: type the token at the prompt, or pipe it",
            context,
        )


@command("login", "login < token.txt")
@click.argument("arguments", nargs=-1, metavar="", expose_value=False, callback=_refuse)
def login(app: App) -> None:
    """Check an API token, and store it.

    The token is typed at a prompt that does not show it or, if standard input is no terminal, read from there. It is
    kept in the keyring of the system, if the package keyring is installed and can use one, else in a file that only you
    can read. It is used for the same --base-url only, and if REPLICATE_API_TOKEN is not set.
    """
    from .._client import Replicate
    from .credentials import server_of, store_token

    server = server_of(app.base_url)
    token = _read_token()
    with Replicate(token, base_url=server) as client:
        account = client.account.get()
    place = store_token(server, token)
    app.output.record(_describe(account, place), "username type token_source")
    _note_variable(app)


@command("logout", "logout --json")
def logout(app: App) -> None:
    """Delete the token that `login` has stored.

    It stays valid: https://replicate.com/account/api-tokens can revoke it.
    """
    from .credentials import delete_token, server_of

    places = delete_token(server_of(app.base_url))
    app.output.lines([({"deleted_from": place}, f"deleted from {place}") for place in places])
    if not places:
        app.output.note("no token is stored")
    _note_variable(app)


@command("whoami", "whoami --json")
def whoami(app: App) -> None:
    """Print the account of the token, and where the token comes from."""
    from .credentials import require_credential

    source = require_credential(app.base_url).source
    app.output.record(_describe(app.client.account.get(), source), "username type token_source")


def _read_token() -> str:
    if not sys.stdin.isatty():
        token = sys.stdin.read().strip()
    else:
        from getpass import getpass

        try:
            token = getpass(f"API token, from {TOKENS_PAGE} (not shown): ", sys.stderr).strip()
        except EOFError:
            token = ""
    if not token:
        raise click.UsageError("there is no token: type it at the prompt, or write `replicate-ext login < FILE`")
    return token


def _describe(account: Any, source: str) -> dict[str, Any]:
    return {**account.to_dict(), "token_source": source}


def _note_variable(app: App) -> None:
    from .credentials import VARIABLE

    if os.environ.get(VARIABLE):
        app.output.note(f"{VARIABLE} is set, and is used instead of a stored token: unset it")
