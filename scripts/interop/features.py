"""What the scripts for the Python clients share: run each feature, and print one line of JSON about it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable


def report(*features: Callable[[], object]) -> None:
    """Run the features, and print for each its name and "ok", or what went wrong."""
    for feature in features:
        try:
            feature()
            outcome = "ok"
        except NotImplementedError as error:
            outcome = f"lacks: {error}"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome = f"{type(error).__name__}: {error} ({where.name})"[:300]
        print(json.dumps({"feature": feature.__name__.replace("_", " "), "outcome": outcome}), flush=True)
