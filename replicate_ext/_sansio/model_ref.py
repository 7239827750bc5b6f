"""References to what can be run: a model, a version, a deployment, or the URL of its page."""

from __future__ import annotations

import re
from typing import NamedTuple


class ModelRef(NamedTuple):
    """A parsed reference: a model (`owner`, `name`), one of its versions, a bare version id, or a deployment.

    Attributes:
        owner: The user or organization, or None for a bare version id.
        name: The name of the model or deployment, or None for a bare version id.
        version: The id of the version, or None for the latest one.
        is_deployment: Whether it is a deployment.

    Examples:
        >>> replicate.ModelRef("acme", "hello") == replicate.ModelRef.parse("acme/hello")
        True
    """

    owner: str | None
    name: str | None
    version: str | None = None
    is_deployment: bool = False

    @classmethod
    def parse(cls, ref: str | ModelRef) -> ModelRef:
        """Parse a reference to what can be run.

        - `owner/name`: a model: official, or a community model in its latest version
        - `owner/name:version`: one version of a model
        - `version`: a version by its id, 64 hexadecimal characters
        - `deployments/owner/name`: a deployment of yours
        - `https://replicate.com/owner/name`: the URL of a model, and of its versions or a deployment

        Args:
            ref: A reference in any of these forms; a `ModelRef` is returned as it is.

        Returns:
            The parts of the reference.

        Raises:
            ValueError: The string has none of these forms; the message says what to write.
            TypeError: It is no string.

        Examples:
            >>> replicate.ModelRef.parse("https://replicate.com/deployments/acme/front-desk")
            ModelRef(owner='acme', name='front-desk', version=None, is_deployment=True)
        """
        if isinstance(ref, ModelRef):
            return ref
        if not isinstance(ref, str):
            raise TypeError(f"ref must be a string such as 'owner/name', not {type(ref).__name__}")
        text = re.sub(r"^(https?://)?(www\.)?replicate\.com/", "", ref.strip()).partition("?")[0].rstrip("/")
        for pattern in _PATTERNS:
            match = re.fullmatch(pattern, text)
            if match:
                groups = match.groupdict()
                if groups.get("version") == "latest":
                    raise ValueError(f"{ref!r}: there is no version 'latest'; omit ':latest' to run the latest version")
                return cls(
                    groups.get("owner"), groups.get("name"), groups.get("version"), is_deployment="deployment" in groups
                )
        raise ValueError(
            f"cannot parse the model reference {ref!r}: write 'owner/name', 'owner/name:version', "
            "a version id (64 hexadecimal characters) or 'deployments/owner/name'"
        )

    def __str__(self) -> str:
        if self.owner is None:
            return str(self.version)
        version = f":{self.version}" if self.version else ""
        return f"{'deployments/' if self.is_deployment else ''}{self.owner}/{self.name}{version}"


_NAME = r"[^\s/:?#]+"
_PATTERNS = (
    rf"(?P<deployment>deployments)/(?P<owner>{_NAME})/(?P<name>{_NAME})",
    rf"(?P<owner>{_NAME})/(?P<name>{_NAME})",
    rf"(?P<owner>{_NAME})/(?P<name>{_NAME})(?::|/versions/)(?P<version>{_NAME})",
    rf"(?P<owner>{_NAME})/(?P<name>{_NAME})/(?:api|examples|readme|versions|train)(?:/.*)?",
    r"(?P<version>[0-9a-f]{64})",
)
