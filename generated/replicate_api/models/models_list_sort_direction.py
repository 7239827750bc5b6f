from ..types import OpenEnum


class ModelsListSortDirection(OpenEnum):
    """`desc` for newest first (the default), `asc` for oldest first."""

    ASC = "asc"
    DESC = "desc"
