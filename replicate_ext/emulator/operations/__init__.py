"""The operations of the API: a handler for each operationId, in one module per resource."""

from __future__ import annotations

# Each module registers its handlers when it is imported.
from . import account, collections, deployments, files, hardware, models, predictions, search, trainings  # noqa: F401
from .context import HANDLERS

__all__ = ["HANDLERS"]
