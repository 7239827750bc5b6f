"""A dict that notes which of its objects have changed, so that a store saves only these."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Table(dict[str, T]):
    """Objects by key, in the order of their creation; it notes which ones have changed if a store saves them."""

    changed: set[str] | None = None
    """The keys that have been set, touched or deleted since the last save; None without a store."""

    def touch(self, key: str) -> None:
        """Note that the object with this key has been changed in place."""
        if self.changed is not None:
            self.changed.add(key)

    def __setitem__(self, key: str, value: T) -> None:
        super().__setitem__(key, value)
        self.touch(key)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.touch(key)
