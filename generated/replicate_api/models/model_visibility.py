from ..types import OpenEnum


class ModelVisibility(OpenEnum):
    """`public` lets everybody see and run it, `private` only the owner or the owning organization's members."""

    PUBLIC = "public"
    PRIVATE = "private"
