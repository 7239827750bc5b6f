"""The program that one sequence plays: groups of concurrent calls, and what ends them early. Drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from soak_api import COMMUNITY, DEPLOYMENT, OFFICIAL, VERSION

REFS = [OFFICIAL, COMMUNITY, f"{COMMUNITY}:{VERSION}", VERSION, DEPLOYMENT]
ENDLESS = 3600.0
"""Seconds that a prediction runs if its caller is going to leave: it has to be canceled."""


class Leave(Exception):
    """What the caller raises by itself: a callback, a loop body, a signal handler."""


@dataclass
class Call:
    """One call of the client, and how it ended."""

    number: int
    kind: str
    """run, stream, wait, save, upload or list."""

    ref: str
    input: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    event: str | None = None
    """What ends the call early: interrupt, scope, break, raise, on_created, progress; or nothing."""

    moment: int = 0
    """The number of the await, event or call at which it does; of a scope, the milliseconds."""

    cause: type[BaseException] = KeyboardInterrupt
    """What the interrupt raises."""

    has_ended: bool = False
    was_left: bool = False
    has_output: bool = False
    """Whether a `save` has got the output whose files it saves."""

    started_at: float = 0.0
    result: Any = None
    error: BaseException | None = None
    job_id: str | None = None
    """The prediction that a `wait` waits for."""

    @property
    def prompt(self) -> str:
        return str(self.input["prompt"])

    @property
    def cancels(self) -> bool:
        return bool(self.options.get("cancel_on_exit", True))


@dataclass
class Group:
    """Calls that run concurrently, and what happens to all of them."""

    calls: list[Call]
    event: str | None = None
    """close: the client is closed; ctrl-c: the main task is canceled, as `asyncio.run` does; or nothing."""

    milliseconds: float = 0.0


@dataclass
class Program:
    groups: list[Group]
    style: str
    """How an async program waits for its calls: gather, gather with exceptions, task group."""

    closes: bool
    """Whether the client is closed at the end."""

    rate: float
    has_twins: bool
    has_late_list: bool
    skew: float

    @property
    def calls(self) -> list[Call]:
        return [call for group in self.groups for call in group.calls]


EVENTS = {
    "run": ["interrupt", "scope", "timeout", "on_created", "progress"],
    "wait": ["interrupt", "scope", "timeout", "progress"],
    "stream": ["interrupt", "scope", "break", "raise"],
    "save": ["interrupt", "scope"],
    "upload": ["interrupt", "scope"],
    "list": ["interrupt", "break"],
}


def make_program(seed: int, *, is_async: bool) -> Program:
    """Return the program of a seed."""
    random = Random(f"{seed}/program")
    groups: list[Group] = []
    number = 0
    for _ in range(random.choice([1, 1, 2, 3])):
        calls = []
        identical = random.random() < 0.25
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            first = calls[0] if identical and calls and calls[0].kind != "wait" else None
            calls.append(make_call(random, number, first))
            number += 1
        group = Group(calls)
        if random.random() < 0.2:
            group.event = random.choice(["close", "ctrl-c"]) if is_async else "close"
            group.milliseconds = random.uniform(0, 40)
            if group.event == "ctrl-c":
                for call in calls:
                    call.input["seconds"] = ENDLESS
        groups.append(group)
        if group.event == "ctrl-c":
            break
    return Program(
        groups,
        style=random.choice(["gather", "gather with exceptions", "task group"]),
        closes=random.random() < 0.8,
        rate=random.choice([0.0, 0.1, 0.3, 0.5]),
        has_twins=(has_twins := random.random() < 0.3),
        has_late_list=not has_twins and random.random() < 0.3,
        skew=random.choice([0.0, 0.0, -200.0, 30.0, 7200.0]),
    )


def make_call(random: Random, number: int, like: Call | None) -> Call:
    kind = like.kind if like else random.choices(list(EVENTS), [8, 2, 5, 2, 1, 1])[0]
    call = Call(number, kind, like.ref if like else random.choice(REFS), {})
    call.input = dict(like.input) if like else make_input(random, number, kind)
    if kind in ("run", "save"):
        call.options["wait"] = random.choice([False, False, True, 1])
    if kind in ("run", "wait", "stream") and random.random() < 0.15:
        call.options["cancel_on_exit"] = False
    if kind in ("run", "wait") and random.random() < 0.2:
        call.options["poll_interval"] = 0.004
    is_endless = call.input["seconds"] == ENDLESS
    if is_endless or random.random() < 0.5:
        add_event(random, call)
    if like:
        call.input["seconds"] = like.input["seconds"]
    return call


def make_input(random: Random, number: int, kind: str) -> dict[str, Any]:
    input: dict[str, Any] = {"prompt": f"prompt {number}", "seconds": random.choice([0.0, 0.005, 0.015, 0.04])}
    input["end"] = random.choices(["succeeded", "failed", "archived"], [10, 1, 1])[0]
    if kind == "save":
        input["files"] = random.randint(1, 3)
    else:
        input["tokens"] = random.randint(1, 5)
    if random.random() < 0.5 and kind != "save":
        input["stream"] = random.choice(["api", "other"])
    if random.random() < 0.15:
        input["unknown_status"] = True
    return input


def add_event(random: Random, call: Call) -> None:
    """Let a call end early, and its prediction run until it is canceled."""
    call.event = random.choice(EVENTS[call.kind])
    call.moment = random.randint(0, 12)
    call.cause = random.choice([KeyboardInterrupt, Leave, TimeoutError, OSError])
    if call.event == "timeout":
        call.options["timeout"] = random.choice([0.01, 0.03, 0.06])
    elif call.event == "scope":
        call.moment = random.randint(0, 50)
    elif call.event in ("break", "raise"):
        call.moment = random.randint(0, call.input["tokens"] - 1)
    elif call.event == "on_created":
        call.moment = 0
    elif call.event == "progress":
        call.moment = random.choice([0, 0, 1])
    if random.random() < 0.7 and call.kind in ("run", "wait", "stream"):
        call.input["seconds"] = ENDLESS
