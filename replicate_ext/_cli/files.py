"""`replicate-ext files`: uploads, which models take as inputs."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click

from . import details, parameters, saving, several
from .context import App, command
from .exit_codes import FAILED
from .job_lists import limit, write_first
from .saving import Destination

existing_file = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@command("files put cat.png dog.png", "files put - --name cat.png -q < cat.png")
@click.argument("paths", nargs=-1, required=True, type=existing_file, metavar="PATH...")
@click.option("--name", metavar="NAME", help="The name of the upload; its ending says what the file is.")
def put(app: App, paths: tuple[str, ...], name: str | None) -> None:
    """Upload files, and print their ids and URLs.

    PATH is a file, or - for standard input. The URL is the value for an input of a model. Uploads expire after a day.
    """
    from .._files import media_types

    if "-" in paths and name is None:
        raise click.UsageError("standard input has no name: write --name, for example --name picture.png")
    if name is not None and len(paths) > 1:
        raise click.UsageError(f"--name is for one file, not for {len(paths)}")

    def upload(path: str) -> Any:
        content = sys.stdin.buffer.read() if path == "-" else Path(path)
        type = media_types.guess(name) if name else None
        return app.client.files.create(content=content, filename=name, type=type, progress=app.output.is_live)

    several.do(app, paths, upload, "id urls.get name size expires_at")


@command("files list --limit 5", "files list --json", name="list")
@limit
def list_files(app: App, limit: int | None) -> None:
    """List uploads, newest first."""
    fields = "id name size content_type created_at expires_at"
    write_first(app, app.client.files.list(), limit, fields, "files")


@command("files get ufawqhfynnddngldkgtslldrkq", "files get ufawqhfynnddngldkgtslldrkq --json")
@several.ids
def get(app: App, ids: tuple[str, ...]) -> None:
    """Show uploads: name, size, type, checksums and URL."""
    details.show(app, ids, app.client.files.get)


@command(
    "files download 'https://api.replicate.com/v1/files/ID/download?owner=…&expiry=…&signature=…' -o cat.png",
    'files download "$SIGNED_URL" -o downloads/',
)
@click.argument("url", metavar="SIGNED_URL")
@parameters.destination
def download(app: App, url: str, destination: Destination | None) -> None:
    """Download the content of an upload, by a signed URL.

    The API has it only for such URLs, which you sign with the secret of your account:
    https://replicate.com/docs/reference/http#files.download. Without -o it goes to stdout.
    """
    id, query = _parse_signed_url(url)
    if (destination is None or destination.is_stdout) and app.output.is_terminal:
        raise click.UsageError("the content of a file is not written to a terminal: write -o FILE or -o FOLDER/")
    content = app.client.files.download(id, **query)
    if destination is None or destination.is_stdout:
        app.output.bytes([content])
        return
    name = (app.client.files.get(id).name or id) if destination.is_folder else id
    path = saving.save_content(content, name, destination)
    if app.output.is_json:
        app.output.json({"id": id, "saved": [str(path)]})
    else:
        app.output.line(path)


@command("files delete ufawqhfynnddngldkgtslldrkq", "files delete --yes $(replicate-ext files list -q)")
@several.ids
@click.option("--yes", is_flag=True, help="Do not ask; on a terminal it asks otherwise.")
def delete(app: App, ids: tuple[str, ...], yes: bool) -> int | None:
    """Delete uploads."""
    question = f"Delete {ids[0] if len(ids) == 1 else f'{len(ids)} files'}?"
    if not yes and sys.stdin.isatty() and not click.confirm(question, err=True):
        app.output.note("nothing was deleted")
        return FAILED

    def delete_one(id: str) -> dict[str, Any]:
        app.client.files.delete(id)
        return {"id": id, "deleted": True}

    several.do(app, ids, delete_one, "id")
    return None


def _parse_signed_url(url: str) -> tuple[str, dict[str, Any]]:
    """Return the id of the file, and the query: owner, expiry and signature (docs/api-facts.md, section 10.2)."""
    parts = urlsplit(url)
    path, query = re.search(r"/files/([^/]+)/download$", parts.path), parse_qs(parts.query)
    owner, expiry, signature = (query.get(name, [""])[0] for name in ("owner", "expiry", "signature"))
    if path is None or not owner or not signature or not expiry.isdecimal():
        raise click.UsageError(
            f"{url} is not a signed URL: write https://api.replicate.com/v1/files/ID/download?owner=…&expiry=…&signature=…"
        )
    return path[1], {"owner": owner, "expiry": int(expiry), "signature": signature}
