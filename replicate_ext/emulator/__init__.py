"""A local server that implements Replicate's API, with models that really compute: no token, no internet, no cost.

    with Emulator() as api:
        client = Replicate(api.token, base_url=api.url)
        client.run("acme/hello", {"text": "Ada"})

Requires the extra: `pip install 'replicate-ext[emulator]'`. On the command line: `python -m replicate_ext.emulator`.
"""

from __future__ import annotations

from .builtin_models import builtin_catalog
from .catalog import Catalog
from .clock import Clock
from .execution import log, now, sleep
from .faults import Faults
from .schema import Field
from .server import TOKEN, Emulator
from .service import RecordedRequest
from .webhooks import Delivery

__all__ = [
    "Catalog",
    "Clock",
    "Delivery",
    "Emulator",
    "Faults",
    "Field",
    "RecordedRequest",
    "TOKEN",
    "log",
    "model",
    "now",
    "sleep",
]

model = builtin_catalog.model
"""Decorator that turns a typed function into a model of every emulator started afterwards; see `Catalog.model`."""
