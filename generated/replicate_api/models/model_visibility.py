from ..types import OpenEnum


class ModelVisibility(OpenEnum):
    """Who can see and run it: everyone if `public`, the owner or the members of the owning organization if `private`."""

    PUBLIC = "public"
    PRIVATE = "private"
