from ..types import OpenEnum


class PredictionSource(OpenEnum):
    """Where it was created: `api` (through the API) or `web` (on the web)."""

    WEB = "web"
    API = "api"
