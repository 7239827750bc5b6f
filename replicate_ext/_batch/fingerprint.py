"""What identifies an input on the platform: the same hash for what was sent and for what a list shows of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any


def fingerprint(input: Mapping[str, Any], secrets: Collection[str] = ()) -> bytes:
    """Return the hash of an input.

    It does not depend on the order of keys, nor on how a server writes numbers (1 or 1.0), nor on the values of secret
    inputs, which the API shows in another form (docs/api-facts.md, section 14).
    """
    if secrets:
        input = {name: None if name in secrets else value for name, value in input.items()}
    text = _dump(input)
    if ".0" in text or "e+" in text:
        text = _dump(_normalize(input))
    return hash_text(text)


def hash_text(text: str) -> bytes:
    """Return the hash of a text, which need not be valid Unicode."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _normalize(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _normalize(item) for key, item in value.items()}
    return [_normalize(item) for item in value] if isinstance(value, list) else value
