from ..types import OpenEnum


class ModelsListSortDirection(OpenEnum):
    """`desc` for the newest first (the default), `asc` for the oldest first."""

    ASC = "asc"
    DESC = "desc"
