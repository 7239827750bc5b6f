"""The parts of a docstring in Google style, as griffe reads them for the reference."""

from __future__ import annotations

import logging
import re

import griffe


class Docstring:
    """The parts of a docstring, as griffe reads them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.warnings: list[str] = []
        logger = logging.getLogger("griffe")
        handler = _Collector(self.warnings)
        logger.addHandler(handler)
        try:
            parsed = griffe.Docstring(text).parse("google", warn_unknown_params=False, warn_missing_types=False)
        finally:
            logger.removeHandler(handler)
        self.parts = {section.kind.value: section.value for section in parsed}
        self.prose = "\n\n".join(section.value for section in parsed if section.kind.value == "text")

    def described(self, part: str) -> dict[str, str]:
        """Return the descriptions of the parameters or attributes by name."""
        return {item.name.lstrip("*"): item.description for item in self.parts.get(part, ())}

    @property
    def raised(self) -> list[str]:
        """The names of the classes in `Raises`."""
        return [
            name
            for item in self.parts.get("raises", ())
            for name in re.split(r", | or ", str(item.annotation).strip("`"))
        ]


class _Collector(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(re.sub(r"^\S+:\d+: ", "", record.getMessage()))
