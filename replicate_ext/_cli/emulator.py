"""`replicate-ext emulator`: what `replicate-emulator` does, with the same options."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from .context import App, command


@command("emulator", "emulator --port 0 --chaos 0.1 --seed 1")
@click.argument("models", nargs=-1, metavar="[FILE]...")
@click.option("--port", type=int, default=8787, help="Port to listen on (default: 8787; 0 picks a free one).")
@click.option("--host", default="127.0.0.1", help="Interface to listen on (default: only this machine).")
@click.option("--enforce-rate-limits", is_flag=True, help="Reject requests beyond the rate limits.")
@click.option("--boot-time", type=float, default=0, help="Seconds for which a prediction stays starting (default: 0).")
@click.option("--chaos", type=float, default=0, help="Probability that a request fails, 0 to 1 (default: 0).")
@click.option("--https", is_flag=True, help="Serve HTTPS, with a throw-away certificate.")
@click.option("--seed", type=int, help="Seed for the random failures.")
@click.option("--state", metavar="FILE", help="SQLite file that keeps all state across restarts.")
def emulator(app: App, **options: Any) -> None:
    """Run a local server that implements Replicate's API.

    FILE is Python that defines models with @emulator.model(...). Ctrl-C stops it, with exit code 0. --json prints its
    URL and its token, -q the URL.
    """
    module = import_module("replicate_ext.emulator.__main__")
    with module.create_emulator(**options) as api:
        stop = module.stop_on_signal()
        if app.output.is_json:
            app.output.json({"base_url": api.url, "token": api.token, "ca_file": api.ca_file})
        elif app.output.quiet:
            app.output.line(api.url)
        else:
            app.output.line(module.describe(api))
        stop.wait()
