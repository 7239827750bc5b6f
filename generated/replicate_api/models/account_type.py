from ..types import OpenEnum


class AccountType(OpenEnum):
    """Whether this is a person or an organization."""

    ORGANIZATION = "organization"
    USER = "user"
