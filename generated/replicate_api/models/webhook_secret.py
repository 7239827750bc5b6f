from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class WebhookSecret(types.Record):
    """The secret, in its field `key`.

    Attributes:
        key: Secret that starts with `whsec_`; the HMAC-SHA256 key is the base64-decoded rest.
    """

    key: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {"key": types.Field("key", types.STRING, False)}
