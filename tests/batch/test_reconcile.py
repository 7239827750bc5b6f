"""Which predictions are those of creates whose response never arrived, and what identifies an input."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from conftest import prediction
from replicate_api.models import Prediction
from replicate_ext._batch.fingerprint import fingerprint
from replicate_ext._batch.flight import Flight
from replicate_ext._batch.reconcile import MAX_ARRIVAL_TIME, Candidates, decide

NOW = 1_760_000_000.0

Listed = tuple[str, str, float]
"""A prediction of a list: its id, its input, and when it was created, in seconds after `NOW`."""


def flight(attempt_id: int, text: str, intent_at: float) -> Flight:
    return Flight(attempt_id, attempt_id, fingerprint({"text": text}), NOW + intent_at, 0.0)


def listed(id: str, text: str, created_at: float) -> Prediction:
    moment = datetime.fromtimestamp(NOW + created_at, UTC).isoformat()
    return Prediction.from_dict(prediction("starting", id=id, input={"text": text}, created_at=moment))


def candidates(jobs: list[Listed], removed: Sequence[float] = ()) -> Candidates:
    by_hash: dict[bytes, list[Prediction]] = {}
    for id, text, created_at in sorted(jobs, key=lambda job: -job[2]):
        by_hash.setdefault(fingerprint({"text": text}), []).append(listed(id, text, created_at))
    return Candidates(by_hash, [listed(f"removed-{moment}", "", moment) for moment in removed])


def outcome(
    lost: list[tuple[str, float]],
    jobs: list[Listed],
    *,
    removed: Sequence[float] = (),
    known: Collection[str] = (),
    awaited: Collection[str] = (),
) -> dict[str, Any]:
    """Return what is decided about creates, each given by its input and its time; they are numbered from 0."""
    flights = [flight(number, *create) for number, create in enumerate(lost)]
    hashes = {fingerprint({"text": text}) for text in awaited}
    verdict = decide(flights, candidates(jobs, removed), known.__contains__, hashes)
    found = {
        "adopted": {flight.n: job.id for flight, job, _ in verdict.adopted},
        "absent": [flight.n for flight in verdict.absent],
        "uncertain": [flight.n for flight in verdict.uncertain],
    }
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize(
    ("lost", "jobs", "expected"),
    [
        pytest.param([("a", 0)], [("p", "a", 1)], {"adopted": {0: "p"}}, id="one create, one prediction"),
        pytest.param([("a", 0)], [], {"absent": [0]}, id="nothing is listed"),
        pytest.param([("a", 0)], [("p", "b", 1)], {"absent": [0]}, id="another input"),
        pytest.param([("a", 0)], [("p", "a", -1.5)], {"adopted": {0: "p"}}, id="Date has whole seconds"),
        pytest.param([("a", 0)], [("p", "a", -3)], {"absent": [0]}, id="an older one is somebody else's"),
        pytest.param(
            [("a", 0), ("a", 0), ("a", 0)],
            [("p", "a", 1), ("q", "a", 2)],
            {"adopted": {0: "p", 1: "q"}, "absent": [2]},
            id="three equal creates, two predictions",
        ),
        pytest.param(
            [("a", 0)], [("p", "a", 1), ("q", "a", 2)], {"adopted": {0: "p"}}, id="the first one after the create"
        ),
        pytest.param(
            [("a", 0), ("a", 100)],
            [("p", "a", 1), ("q", "a", 101)],
            {"adopted": {0: "p", 1: "q"}},
            id="equal creates in the order of their times",
        ),
        pytest.param(
            [("a", 0), ("a", 100)],
            [("p", "a", 50)],
            {"adopted": {0: "p"}, "absent": [1]},
            id="only the older create can have made it",
        ),
        pytest.param(
            [("a", 100), ("a", 0)],
            [("p", "a", 150), ("q", "a", 50)],
            {"adopted": {0: "p", 1: "q"}},
            id="a late prediction does not take the place of an early one",
        ),
        pytest.param(
            [("a", 0), ("a", 100)],
            [("p", "a", 1), ("q", "a", 50), ("r", "a", 101), ("s", "a", 200)],
            {"adopted": {0: "p", 1: "r"}},
            id="two of four predictions are foreign",
        ),
        pytest.param(
            [("a", 0), ("b", 0)], [("p", "b", 1)], {"adopted": {1: "p"}, "absent": [0]}, id="each input for itself"
        ),
    ],
)
def test_equal_inputs_are_matched_as_multisets(lost: Any, jobs: Any, expected: Any) -> None:
    assert outcome(lost, jobs) == expected


def test_other_purchases_of_the_batch_are_not_adopted() -> None:
    assert outcome([("a", 0)], [("p", "a", 1)], known={"p"}) == {"absent": [0]}
    assert outcome([("a", 0)], [("p", "a", 1), ("q", "a", 2)], known={"q"}) == {"adopted": {0: "p"}}


def test_nothing_is_decided_while_an_equal_create_is_awaited() -> None:
    assert outcome([("a", 0)], [("p", "a", 1)], awaited={"a"}) == {}
    assert outcome([("a", 0), ("b", 0)], [], awaited={"a"}) == {"absent": [1]}


def test_removed_inputs_make_creates_of_their_time_uncertain() -> None:
    assert outcome([("a", 0), ("b", 5)], [], removed=[7]) == {"uncertain": [0, 1]}
    assert outcome([("a", 0), ("b", 5000)], [], removed=[7]) == {"uncertain": [0], "absent": [1]}
    assert outcome([("a", 0)], [], removed=[-60, MAX_ARRIVAL_TIME + 1]) == {"absent": [0]}


def test_removed_inputs_do_not_matter_for_what_was_found() -> None:
    assert outcome([("a", 0), ("b", 0)], [("p", "a", 1)], removed=[1]) == {"adopted": {0: "p"}, "uncertain": [1]}
    assert outcome([("a", 0)], [], removed=[1], known={"removed-1"}) == {"absent": [0]}


@pytest.mark.parametrize(
    ("jobs", "known", "expected"),
    [
        pytest.param([1], set(), [True], id="fewer predictions than creates"),
        pytest.param([1, 2], set(), [True, True], id="as many"),
        pytest.param([1, 2, 3], set(), [False, False], id="more"),
        pytest.param([1, 2, 3], {"p1"}, [True, True], id="one of them is known"),
        pytest.param([-60, 1, 2], set(), [True, True], id="one of them is older"),
        pytest.param([1, MAX_ARRIVAL_TIME + 1], set(), [True, False], id="one of them is much younger"),
    ],
)
def test_predictions_are_surely_ours_if_there_are_no_more_than_creates(
    jobs: list[float], known: set[str], expected: list[bool]
) -> None:
    lost = [flight(0, "a", 0), flight(1, "a", 0)]
    found = candidates([(f"p{number}", "a", created_at) for number, created_at in enumerate(jobs)])
    adopted = decide(lost, found, known.__contains__, ()).adopted
    assert [adoption.is_ours for adoption in sorted(adopted, key=lambda adoption: adoption.job.id)] == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": [{"b": 2.0, "c": [3]}]}, {"a": [{"c": [3.0], "b": 2}]}),
        ({"a": 1e16}, {"a": 10000000000000000}),
        ({"a": 0}, {"a": -0.0}),
        ({"a": "\ud800 é"}, {"a": "\ud800 \u00e9"}),
    ],
)
def test_fingerprint_is_the_same_for_what_a_server_may_show_otherwise(one: Any, other: Any) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1.5}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ({"a": "1.0"}, {"a": "1"}),
        ({"a": None}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": "x"}, {"b": "x"}),
    ],
)
def test_fingerprint_differs_for_other_inputs(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_fingerprint_ignores_the_values_of_secrets() -> None:
    secrets = {"token"}
    assert fingerprint({"a": 1, "token": "s3cr3t"}, secrets) == fingerprint({"a": 1.0, "token": "[REDACTED]"}, secrets)
    assert fingerprint({"a": 1, "token": "s3cr3t"}, secrets) != fingerprint({"a": 1}, secrets)
    assert fingerprint({"a": 1, "token": "s3cr3t"}) != fingerprint({"a": 1, "token": "[REDACTED]"})
