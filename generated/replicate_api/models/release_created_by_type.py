from ..types import OpenEnum


class ReleaseCreatedByType(OpenEnum):
    """Whether the account is a `user` or an `organization`."""

    ORGANIZATION = "organization"
    USER = "user"
