"""How people write down what they want to run, and what that means."""

from __future__ import annotations

import re
from typing import NamedTuple


class ModelRef(NamedTuple):
    """A model (`owner`, `name`), one of its versions (`version` too), a bare version, or a deployment."""

    owner: str | None
    name: str | None
    version: str | None = None
    is_deployment: bool = False

    @classmethod
    def parse(cls, ref: str | ModelRef) -> ModelRef:
        """Read any of the forms below; ValueError says what is wrong and what to write.

        owner/name                      a model: official, or community in its latest version
        owner/name:version              one version of it
        version                         the same, by the 64 characters of its id
        deployments/owner/name          a deployment of yours
        https://replicate.com/owner/name    … and the other pages of a model, a version or a deployment
        """
        if isinstance(ref, ModelRef):
            return ref
        if not isinstance(ref, str):
            raise TypeError(f"ref must be a string such as 'owner/name', not {type(ref).__name__}")
        text = re.sub(r"^(https?://)?(www\.)?replicate\.com/", "", ref.strip()).partition("?")[0].rstrip("/")
        for pattern in _FORMS:
            match = re.fullmatch(pattern, text)
            if match:
                found = match.groupdict()
                if found.get("version") == "latest":
                    raise ValueError(
                        f"{ref!r}: there is no version 'latest'; leave ':latest' away to get the latest one"
                    )
                return cls(
                    found.get("owner"), found.get("name"), found.get("version"), is_deployment="deployment" in found
                )
        raise ValueError(
            f"cannot read the model reference {ref!r}: write 'owner/name', 'owner/name:version', "
            "a version id (64 hexadecimal characters) or 'deployments/owner/name'"
        )

    def __str__(self) -> str:
        if self.owner is None:
            return str(self.version)
        version = f":{self.version}" if self.version else ""
        return f"{'deployments/' if self.is_deployment else ''}{self.owner}/{self.name}{version}"


_NAME = r"[^\s/:?#]+"
_FORMS = (
    rf"(?P<deployment>deployments)/(?P<owner>{_NAME})/(?P<name>{_NAME})",
    rf"(?P<owner>{_NAME})/(?P<name>{_NAME})",
    rf"(?P<owner>{_NAME})/(?P<name>{_NAME})(?::|/versions/)(?P<version>{_NAME})",
    rf"(?P<owner>{_NAME})/(?P<name>{_NAME})/(?:api|examples|readme|versions|train)(?:/.*)?",
    r"(?P<version>[0-9a-f]{64})",
)
