from ..types import OpenEnum


class ModelsListSortBy(OpenEnum):
    """Which date to sort on: that of the model itself, or that of its latest version (the default)."""

    MODEL_CREATED_AT = "model_created_at"
    LATEST_VERSION_CREATED_AT = "latest_version_created_at"
