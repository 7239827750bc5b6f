"""Which abandoned creates may be canceled: decided by counts and ids, without I/O."""

import pytest

from replicate_ext._sansio.in_flight import InFlightCreates, SentRecord

INPUT = {"text": "hi"}
FINGERPRINT = InFlightCreates.fingerprint(INPUT)


@pytest.mark.parametrize(
    ("awaited", "abandoned", "candidates", "claimed"),
    [
        (0, 1, ["a"], ["a"]),
        (0, 1, [], []),
        (0, 1, ["a", "b"], []),  # one of them belongs to somebody else
        (0, 2, ["a", "b"], ["a", "b"]),
        (0, 2, ["a"], ["a"]),
        (1, 1, ["a"], []),  # it may be the one that is still awaited
        (0, 0, ["a"], []),
    ],
)
def test_candidates_are_claimed_all_or_none(
    awaited: int, abandoned: int, candidates: list[str], claimed: list[str]
) -> None:
    creates = InFlightCreates()
    for _ in range(awaited):
        assert creates.start(INPUT) == FINGERPRINT
    for _ in range(abandoned):
        creates.abandon(FINGERPRINT)
    assert creates.claim(FINGERPRINT, candidates) == claimed
    assert creates.claim(FINGERPRINT, candidates) == []
    assert creates.is_abandoned(FINGERPRINT) == (abandoned > len(claimed))


def test_known_id_is_never_claimed() -> None:
    creates = InFlightCreates()
    assert creates.start(INPUT) == FINGERPRINT
    creates.finish(FINGERPRINT, "mine")
    creates.abandon(FINGERPRINT)
    assert creates.claim(FINGERPRINT, ["mine"]) == []
    assert creates.claim(FINGERPRINT, ["mine", "lost"]) == ["lost"]


def test_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert InFlightCreates.fingerprint({"a": 1, "b": [2]}) == InFlightCreates.fingerprint({"b": [2], "a": 1})
    assert InFlightCreates.fingerprint({"a": 1}) != InFlightCreates.fingerprint({"a": "1"})


def test_record_counts_from_the_latest_mark() -> None:
    record = SentRecord()
    assert record.sent_at is None
    record.mark_sent()
    assert record.sent_at is not None
    record.reset()
    assert record.sent_at is None
