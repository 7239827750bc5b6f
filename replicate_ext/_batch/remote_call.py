"""`call`: runs `then` on a worker, and makes of its result or error what travels back."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any


class Failure:
    """What `then` raised, and its traceback. It can be unpickled whatever it was: else a process pool would break."""

    def __init__(self, error: BaseException, trace: str) -> None:
        self.error = error
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            pickled = pickle.dumps(self.error)
        except Exception:
            pickled = b""
        return _restore, (pickled, f"{type(self.error).__name__}: {self.error}", self.trace)


def _restore(pickled: bytes, text: str, trace: str) -> Failure:
    try:
        error: BaseException = pickle.loads(pickled)
    except Exception:
        error = RuntimeError(text)
    return Failure(error, trace)


Reply = str | None | Failure
"""The result as JSON text, None for None; or what `then` raised."""


def call(then: Callable[[Any], Any], item: object) -> Reply:
    """Call `then`, where it runs, and return its result as JSON text.

    What it raises is returned, so what a future raises is never an error of `then`. The exception is KeyboardInterrupt,
    which reaches the processes of a pool too if the user presses Ctrl-C.
    """
    try:
        result = then(item)
        return None if result is None else _to_json(result)
    except (Exception, SystemExit) as error:
        frames = error.__traceback__ and error.__traceback__.tb_next  # without this function
        return Failure(error, "".join(traceback.format_exception(type(error), error, frames)).rstrip())


def _to_json(result: object) -> str:
    try:
        return json.dumps(result, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"then must return JSON values or None: {error}") from None
