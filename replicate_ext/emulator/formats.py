"""Ids, tokens and timestamps in the API's formats (docs/api-facts.md, sections 1 and 9)."""

from __future__ import annotations

import secrets
from datetime import datetime

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_RFC4648 = "abcdefghijklmnopqrstuvwxyz234567"


def format_timestamp(moment: datetime) -> str:
    """Return a timestamp as the API writes it: UTC, without trailing zeros in the fraction."""
    whole, _, fraction = moment.isoformat(timespec="microseconds").removesuffix("+00:00").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def new_job_id(now: datetime) -> str:
    """Return an id in the format that predictions have had since 2024.

    It is a UUIDv7 with bytes 0 to 3 and 8 to 11 swapped, in lower-case Crockford base 32.
    """
    milliseconds = int(now.timestamp() * 1000).to_bytes(6, "big")
    random_bytes = secrets.token_bytes(10)
    version, variant = 0x70 | random_bytes[0] & 0x0F, 0x80 | random_bytes[2] & 0x3F
    uuid = milliseconds + bytes([version, random_bytes[1], variant]) + random_bytes[3:]
    swapped = uuid[8:12] + uuid[4:8] + uuid[0:4] + uuid[12:]
    number = int.from_bytes(swapped, "big") << 2
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def random_token(length: int = 52) -> str:
    """Return a random name that cannot be guessed, for a URL that needs no other credentials."""
    return "".join(secrets.choice(_RFC4648) for _ in range(length))
