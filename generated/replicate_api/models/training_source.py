from ..types import OpenEnum


class TrainingSource(OpenEnum):
    """Whether it was started on the web or through the API."""

    WEB = "web"
    API = "api"
