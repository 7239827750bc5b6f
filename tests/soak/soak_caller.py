"""What the sync and the async player have in common: how a call is made, recorded, and left by its caller."""

from __future__ import annotations

from typing import Any

from soak_program import Call, Leave

UPLOAD = b"an uploaded file " * 2000
CLIENT_OPTIONS: dict[str, Any] = {"timeout": 0.25, "max_retries": 3, "max_rate_limit_wait": 0.2}


def options_of(call: Call) -> dict[str, Any]:
    """Return the arguments of a call, with the callbacks that raise."""
    options = dict(call.options)
    if call.event in ("on_created", "progress"):
        calls_left = call.moment

        def call_back(job: Any) -> None:
            nonlocal calls_left
            if calls_left <= 0:
                call.was_left = True
                raise Leave(call.event)
            calls_left -= 1

        options[call.event] = call_back
    return options


def record(call: Call, error: BaseException | None, result: Any = None) -> None:
    call.error, call.result, call.has_ended = error, result, True


def leaves(call: Call, count: int) -> bool:
    """Whether the caller leaves its loop at an event or item; raises what it raises there."""
    if call.event in ("break", "raise") and count >= call.moment:
        call.was_left = True
        if call.event == "raise":
            raise Leave("in the loop")
        return True
    return False
