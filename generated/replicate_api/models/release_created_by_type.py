from ..types import OpenEnum


class ReleaseCreatedByType(OpenEnum):
    """Whether this is a person or an organization."""

    ORGANIZATION = "organization"
    USER = "user"
