from ..types import OpenEnum


class TrainingSource(OpenEnum):
    """Where it was created: `api` (through the API) or `web` (on the web)."""

    WEB = "web"
    API = "api"
