from ..types import OpenEnum


class AccountType(OpenEnum):
    """Whether the account is a `user` or an `organization`."""

    ORGANIZATION = "organization"
    USER = "user"
