from ..types import OpenEnum


class ModelsListSortBy(OpenEnum):
    """The date to sort by: `latest_version_created_at`, that of the latest version (the default), or `model_created_at`,
    that of the model.
    """

    MODEL_CREATED_AT = "model_created_at"
    LATEST_VERSION_CREATED_AT = "latest_version_created_at"
