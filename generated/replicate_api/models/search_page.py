from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class SearchPage(types.Record):
    """A documentation page that a search found.

    Attributes:
        href: Path of the page on Replicate's website.
        name: Title of the documentation page.
    """

    href: str
    name: str

    fields: ClassVar[Mapping[str, types.Field]] = {
        "href": types.Field("href", types.STRING, True),
        "name": types.Field("name", types.STRING, True),
    }
