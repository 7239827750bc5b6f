"""Formats of ids and timestamps."""

from __future__ import annotations

from datetime import UTC, datetime

from replicate_ext.emulator.formats import format_timestamp, new_job_id


def test_id_contains_its_timestamp_and_timestamps_have_no_trailing_zeros() -> None:
    moment = datetime(2025, 6, 2, 15, 53, 20, 761000, tzinfo=UTC)
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in new_job_id(moment):
        number = number << 5 | alphabet.index(letter)
    raw = (number >> 2).to_bytes(16, "big")
    assert int.from_bytes(raw[8:12] + raw[4:6], "big") == int(moment.timestamp() * 1000)
    assert raw[6] >> 4 == 7
    assert format_timestamp(moment) == "2025-06-02T15:53:20.761Z"
    assert format_timestamp(moment.replace(microsecond=0)) == "2025-06-02T15:53:20Z"
