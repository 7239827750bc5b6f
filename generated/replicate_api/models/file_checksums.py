from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class FileChecksums(types.Record):
    """Checksums of the content, by algorithm.

    Attributes:
        sha256: SHA-256 of the content, in hexadecimal.
    """

    sha256: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {"sha256": types.Field("sha256", types.STRING, False)}
