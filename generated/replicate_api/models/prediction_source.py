from ..types import OpenEnum


class PredictionSource(OpenEnum):
    """Whether it was made on the web or through the API."""

    WEB = "web"
    API = "api"
