"""`collections`, `hardware` and `account`: what the platform offers, and to whom."""

from __future__ import annotations

import click

from .context import App, command


@command("collections", "collections pictures --quiet")
@click.argument("slug", required=False)
def collections(app: App, slug: str | None) -> None:
    """List the collections of models, or the models of one.

    --json prints the collection SLUG itself, --jsonl its models.
    """
    if slug is None:
        app.output.records(app.client.collections.list(), "slug name description", "collections")
        return
    collection = app.client.collections.get(slug)
    if app.output.is_json and not app.output.is_lines:
        app.output.record(collection)
    else:
        app.output.records(collection.models, "owner/name run_count description", "models")


@command("hardware", "hardware --json")
def hardware(app: App) -> None:
    """List the hardware that models run on."""
    app.output.records(app.client.hardware.list(), "sku name", "hardware")


@command("account", "account --json")
def account(app: App) -> None:
    """Show the account that the token belongs to."""
    app.output.record(app.client.account.get(), "username type name github_url")
