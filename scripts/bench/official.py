"""The methods that the two official Python clients have in common; `v1.py` and `v2.py` add the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


class Official:
    """A sync client. `file` is the class of its file outputs, constructed from a URL and the client."""

    api: Any
    file: Callable[[str, Any], Any]

    def run(self, model: str, input: dict[str, Any]) -> Any:
        return self.api.run(model, input=input)

    def poll(self, model: str, input: dict[str, Any]) -> Any:
        return self.api.run(model, input=input, wait=False)

    def save(self, url: str, path: Path) -> None:
        with path.open("wb") as file:
            for chunk in self.file(url, self.api):
                file.write(chunk)

    def read(self, url: str) -> bytes:
        content: bytes = self.file(url, self.api).read()
        return content

    def upload(self, model: str, path: Path) -> Any:
        return self.run(model, {"file": path, "seconds": 0})
