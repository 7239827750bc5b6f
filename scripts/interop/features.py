"""Shared by `v1.py` and `v2.py`: run each feature and print its outcome as one line of JSON."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable


def report(*features: Callable[[], object]) -> None:
    """Run the features and print for each its name and "ok", or the error."""
    for feature in features:
        try:
            feature()
            outcome = "ok"
        except NotImplementedError as error:
            outcome = f"missing: {error}"
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            outcome = f"{type(error).__name__}: {error} ({frame.name})"[:300]
        print(json.dumps({"feature": feature.__name__.replace("_", " "), "outcome": outcome}), flush=True)
