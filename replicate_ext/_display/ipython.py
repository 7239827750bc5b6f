"""What needs a running IPython. It is never imported here unless the program has done so."""

from __future__ import annotations

import sys
from typing import Any


def running_shell() -> Any:
    """Return the IPython shell in which the program runs, or None."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def is_notebook() -> bool:
    """Whether outputs are displayed as HTML."""
    return getattr(running_shell(), "kernel", None) is not None


def register() -> None:
    """Let IPython show predictions and trainings as cards.

    Their classes are generated, and their package imports nothing of this one. A formatter by name needs neither
    their import nor a hook in them.
    """
    shell = running_shell()
    if shell is not None:
        formatter = shell.display_formatter.formatters["text/html"]
        formatter.for_type_by_name("replicate_api.models.prediction", "Prediction", _card)
        formatter.for_type_by_name("replicate_api.models.training", "Training", _card)


def _card(job: Any) -> str:
    from .job import card

    return card(job)
